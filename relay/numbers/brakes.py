"""What holds a number where it is: judged when a plan is made, and again in the transaction that begins a move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.models import MoveJudgement
from relay.rules import say_span

if TYPE_CHECKING:
    from relay.models import MoveFacts
    from relay.rules import Approval

BAN = 600.0
"""Seconds between two changes of one number's group (reliability A3)."""
FLAPS = 3
"""Times in a day that a number may go back to where it had just come from."""
ANSWER = 86400.0
"""Seconds that a question waits for an answer where nothing else is said."""
_GATHER = 1.0
_BUSY = 15.0
GO = MoveJudgement("go")


@dataclass(frozen=True, slots=True)
class Brakes:
    """The section `regroup`."""

    max_changes: int = 10
    stay: float = 7 * 86400.0
    never: frozenset[str] = frozenset()
    """Numbers (E.164) that are never moved, and names of groups out of which none is."""
    enforce: bool = False
    check_against_api: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A move that somebody wants."""

    number: str
    to: str | None
    """The group's name; None where the group is none of the matter, as for a new name."""
    by: str
    counts: bool = False
    """Whether it was decided on calls counted over a time: then it has time, and the brakes on history bind it."""
    immediate: bool = False
    """Whether an event wants it now, whoever moved the number before."""
    approval: Approval | None = None
    asks: bool = True
    """Whether too many of its kind stop, and ask; a plan has asked as a whole."""


def stands(wanted: Wanted, known: MoveFacts, brakes: Brakes, now: float) -> str | None:
    """Why a number stays where it is, whatever is wanted; None when nothing holds it."""
    group = None if known.owned is None else known.owned.group
    if wanted.number in brakes.never:
        return "never: regroup.never names it"
    if wanted.to is None or group == wanted.to:
        return None
    if group is not None and group in brakes.never:
        return f"never: regroup.never names its group {group}"
    last = known.last
    if last is None:
        return None
    if not wanted.immediate and not brakes.enforce and known.owned is not None and group != last.to:
        was, found = last.to or "no group", group or "no group"
        mend = "`relay numbers accept` takes that for good, regroup.enforce would move it"
        return f"by hand: {last.by} put it into {was}, and somebody put it into {found}; {mend}"
    if wanted.counts and now - last.at < brakes.stay:
        return f"stay: moved {say_span(max(0.0, now - last.at))} ago by {last.by}; it stays put {say_span(brakes.stay)}"
    return None


def flaps(known: MoveFacts) -> str | None:
    """Why a number that goes to and fro is left alone; None while it does not."""
    if known.flaps < FLAPS or known.last is None:
        return None
    return (
        f"flapping: moved to and fro {known.flaps} times in a day, last by {known.last.by}; "
        "it stays until a day has passed, or the rules agree"
    )


def judge(wanted: Wanted, known: MoveFacts, brakes: Brakes, now: float) -> MoveJudgement:
    """Whether a move may begin at `now`, Unix seconds."""
    if (why := stands(wanted, known, brakes, now)) is not None:
        return MoveJudgement("never", why)
    if known.under_way is not None:
        return MoveJudgement("hold", "another change of this number is under way", now + _BUSY)
    answered = _answer(known, now)
    if answered is not None:
        return answered
    if not known.gathered:
        return MoveJudgement("hold", "the other numbers of this run are still being looked at", now + _GATHER)
    group = None if known.owned is None else known.owned.group
    if wanted.to is not None and group != wanted.to:
        if (why := flaps(known)) is not None:
            return MoveJudgement("never", why, flapping=True)
        if known.last is not None and 0 <= now - known.last.at < BAN:
            why = f"moved {say_span(now - known.last.at)} ago by {known.last.by}; one change in {say_span(BAN)}"
            return MoveJudgement("hold", why, known.last.at + BAN)
    return _asking(wanted, known, brakes, now)


def _answer(known: MoveFacts, now: float) -> MoveJudgement | None:
    """What was said about the run; None where nobody was asked, or the answer was yes."""
    run = known.run
    if run is None:
        return None
    if run.state == "rejected":
        return MoveJudgement("never", f"rejected by {run.answered_by}")
    if run.state == "expired" or (run.state == "asking" and run.until is not None and now >= run.until):
        return MoveJudgement("never", f"nobody approved it: {run.why}")
    if run.state == "asking":
        return MoveJudgement("hold", run.why, run.until)
    return None


def _asking(wanted: Wanted, known: MoveFacts, brakes: Brakes, now: float) -> MoveJudgement:
    if not wanted.asks or wanted.to is None or known.run is not None:
        return GO
    within = ANSWER if wanted.approval is None else wanted.approval.within
    ask = None if wanted.approval is None else wanted.approval.by
    if known.siblings > brakes.max_changes:
        why = too_many(known.siblings, brakes)
    elif wanted.approval is not None:
        why = f"{wanted.by} would move {known.siblings} numbers into {wanted.to}, and asks first"
    else:
        return GO
    return MoveJudgement("ask", why, now + within, ask=ask)


def too_many(moves: int, brakes: Brakes) -> str:
    """What is said of a run that would move more than it may."""
    return f"{moves} numbers would move, and regroup.max_changes allows {brakes.max_changes} at once"


def in_group(known: MoveFacts, group: str | None) -> MoveFacts:
    """The same facts, of a number that the phone system shows in this group."""
    return known if known.owned is None else replace(known, owned=replace(known.owned, group=group))
