"""Runs and changes as they are written down: what moves, what is asked first, what would put it back."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import Change, NumberRun, Regroup, Restore, iso
from relay.numbers import too_many
from relay.numbers.brakes import ANSWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.numbers import Brakes, Move, Planned, Standing

_NEXT = 0.001
"""Seconds by which a move comes after the one before it, where the machine's clock was set back."""


def new_id(now: float) -> str:
    """The id of a run that is made now: such ids sort as they were made, to the second."""
    return f"run_{int(now):08x}{secrets.token_hex(2)}"


def change_of(run: NumberRun, place: int, move: Move, inside: tuple[str, ...] | None, *, enforce: bool) -> Change:
    """A move of a plan as it is written down; `inside` are the groups its number is in, None where nobody was asked.

    With `enforce` it is made wherever the number is by then.
    """
    known = inside if inside is not None else (move.source,) if move.source else ()
    expected = None if enforce else list(known)
    action = Regroup(number=move.number, to=move.to, create=move.create, expected=expected)
    return Change(
        id=f"{run.id}-{place}",
        run=run.id,
        number=move.number,
        kind="regroup",
        action=action.model_dump(),
        because=move.because,
        rule=move.by,
        source=move.source,
        to=move.to,
        notes={"counts": True} if move.counts or not move.by else {},
        at=run.at,
    )


def as_question(run: NumberRun, planned: Planned, brakes: Brakes, now: float) -> NumberRun | None:
    """The run as a question, where it moves more than it may or a group asks for somebody's word."""
    approvals = [move.approval for move in planned.moves if move.approval is not None]
    if len(planned.moves) > brakes.max_changes:
        why = too_many(len(planned.moves), brakes)
    elif approvals:
        why = f"{len(planned.moves)} numbers would move, and it is declared that somebody approves"
    else:
        return None
    within = min([approval.within for approval in approvals] or [ANSWER])
    by = approvals[0].by if approvals else None
    unasked = replace(run, told_at=None, answered_by=None, answered_at=None)
    return replace(unasked, state="asking", why=why, ask=by, until=now + within)


def differs(run: NumberRun, changes: Sequence[Change], planned: Planned) -> str | None:
    """How what would move now differs from what was planned; None when it is the same."""
    then = {(change.number, change.source, change.to) for change in changes}
    now = {(move.number, move.source, move.to) for move in planned.moves}
    if then == now:
        return None
    gone, new = sorted(then - now), sorted(now - then)
    held = {held.number: held.because for held in planned.held}
    said = [f"{number} would not move to {to} any more" + _because(held.get(number)) for number, _, to in gone[:2]]
    said += [f"{number} would move to {to} now" for number, _, to in new[:2]]
    more = len(gone) + len(new) - len(said)
    return f"since {iso(run.at)}, " + ", ".join(said) + (f", and {more} more" if more else "")


def accepting(run: NumberRun, place: int, standing: Standing) -> Change:
    """Where somebody put a number by hand, as a move that is over: it was moved before, and stands elsewhere."""
    owned, last = standing.facts.owned, standing.last
    if owned is None or last is None:
        raise ValueError("only a number that was moved before can be accepted elsewhere")
    return Change(
        id=f"{run.id}-{place}",
        run=run.id,
        number=owned.number,
        kind="accept",
        action={"number": owned.number},
        because=f"moved by hand, accepted by {run.by}",
        source=last.to,
        to=owned.group,
        state="done",
        moved=True,
        at=max(run.at, last.at + _NEXT),
        settled_at=run.at,
    )


def restoring(run: NumberRun, place: int, change: Change) -> Change:
    """What puts a number back as it was before a change."""
    before = change.notes["before"]
    groups = before.get("groups")
    left = [] if change.to is None else [change.to]
    if change.kind == "restore":
        left = [group["name"] for group in change.action.get("groups") or ()]
    action = Restore(
        number=change.number,
        groups=groups,
        left=left,
        friendly_name=before.get("friendly_name"),
        call_flow_id=before.get("call_flow_id"),
    )
    return Change(
        id=f"{run.id}-{place}",
        run=run.id,
        number=change.number,
        kind="restore",
        action=action.model_dump(),
        because=f"undo of {change.run}",
        source=change.to,
        to=groups[0]["name"] if groups else None,
        at=run.at,
    )


def _because(why: str | None) -> str:
    return "" if why is None else f" ({why})"
