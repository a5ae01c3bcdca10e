"""Whether a text may go to a person now: pure judgement, made when planned and again in the transaction that sends.

The states of a text follow reliability 4.2: due → sending (durable before the first byte) → sent, or unknown when the
answer was not clear; unknown is settled by reading the list of texts into sent or abandoned, and never sent again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from relay import phone, sms
from relay.rules import CLOSED, cooling, say_span

if TYPE_CHECKING:
    from relay.models import Delivery, Finding, TextFacts
    from relay.rules import Rule, Step
    from relay.texting.policy import Policy

HEARD = 120.0
"""Seconds for which a reading of the list of texts is believed: somebody may have asked to stop meanwhile."""
HEAR_AGAIN = 5.0
"""Seconds after which a text that waits for a reading, or for the clock, is looked at again."""
AHEAD = 300.0
"""Seconds by which a text may have been planned in the future, as the clock now goes."""
RECHECK = 60.0
"""Seconds after which a text that is held by a limit or the kill switch is looked at again."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something about texting that a person should see to: the cause, in plain words, and what to do."""

    cause: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """go, hold (until a moment) or never, with the reason."""

    word: Literal["go", "hold", "never"]
    reason: str = ""
    until: float | None = None
    guard: bool = False
    """Whether a guard of the rule says so, which stops the whole rule while it is planned."""
    alarm: Alarm | None = None
    """What a person should be told of."""
    findings: tuple[Finding, ...] = ()
    """Everything that was looked at, for the trace; empty where nobody asked for it."""


GO = Judgement("go")


def judge(
    rule: Rule,
    step: Step,
    delivery: Delivery,
    people: People,
    facts: TextFacts,
    policy: Policy,
    *,
    now: float,
) -> Judgement:
    """Whether the text of this step may go at `now`, Unix seconds."""
    notify = people.to in policy.staff
    if notify and step.recipient == "caller":
        return Judgement("never", "staff: never texted as callers")
    problem = _refuse_person(people, facts, policy, notify=notify) or _too_dear(delivery, policy)
    problem = _planned_later(delivery, now) or problem
    if problem is not None:
        return Judgement("never", problem)
    if not notify and (cooled := cooling(rule, facts, now)) is not None:
        return Judgement("never", cooled, guard=True)
    if rule.hours == "skip" and not policy.hours.is_open(now):
        return Judgement("never", "hours: wanted open, was closed")
    if not notify and policy.per_person.most is not None and facts.to_person >= policy.per_person.most:
        window = say_span(policy.per_person.span)
        return Judgement("never", f"limit: {facts.to_person} texts to this person in {window}")
    patience = rule.patience(step)
    last_moment = (delivery.born_at if delivery.first_due_at is None else delivery.first_due_at) + patience
    if now > last_moment:
        return Judgement("never", f"not sent within {say_span(patience)} of falling due")
    shut = _closed(rule, policy, now) or (None if notify else _quiet(people.to, policy, now))
    shut = None if people.doubt is not None else shut  # a clock that may be wrong cannot tell
    if shut is not None:
        reason, until = shut
        return Judgement("hold", reason, until) if until <= last_moment else too_late(reason, until, patience, policy)
    passing = _doubted(people) or _passing(people, facts, policy, now, notify=notify)
    if passing is None:
        return GO
    if now >= last_moment:
        reason = f"{passing.reason}; not sent within {say_span(patience)} of falling due"
        return Judgement("never", reason, alarm=passing.alarm)
    return Judgement("hold", passing.reason, min(now + passing.again, last_moment), alarm=passing.alarm)


@dataclass(frozen=True, slots=True)
class People:
    """Whom a text goes to, and the number it goes out from where that is known; E.164."""

    to: str
    sender: str | None = None
    heard_at: float | None = math.inf
    """When the list of texts was last read whole, Unix seconds; None for never, infinite where nobody asks."""
    blocked: str | None = None
    """Why the phone system sends no texts from there now, by its own word; None while nothing says so."""
    doubt: str | None = None
    """Why the machine's clock is not believed; None while it is."""


def too_late(reason: str, until: float, patience: float, policy: Policy) -> Judgement:
    """Never, because the next allowed moment lies beyond what the step puts up with; the moment is named."""
    if until == math.inf:
        return Judgement("never", f"{reason}, and never allowed again")
    when = policy.hours.local(until).strftime("%Y-%m-%d %H:%M")
    return Judgement(
        "never", f"{reason}; allowed again at {when}, more than {say_span(patience)} after it fell due", until
    )


def _planned_later(delivery: Delivery, now: float) -> str | None:
    if delivery.born_at <= now + AHEAD:
        return None
    return "the clock was set back since it was planned: nobody knows how old it is"


def _refuse_person(people: People, facts: TextFacts, policy: Policy, *, notify: bool) -> str | None:
    if people.to in policy.own or people.to == people.sender:
        return "own number: it belongs to the business"
    if facts.opted_out:
        return "opted out: this person asked not to be texted"
    return None if notify else phone.untextable(people.to, policy.regions)


def _too_dear(delivery: Delivery, policy: Policy) -> str | None:
    """What the linter could not foresee, as it fills blanks with likely values: a text of too many segments."""
    body = None if delivery.action is None else delivery.action.get("body")
    if not isinstance(body, str) or (cost := sms.measure(body)).segments <= policy.max_segments:
        return None
    return f"max_segments: the text is {cost} ({cost.alphabet}), and texting.max_segments is {policy.max_segments}"


@dataclass(frozen=True, slots=True)
class _Passing:
    """What stands in the way, and may be over at any moment."""

    reason: str
    again: float = RECHECK
    """Seconds until it is looked at again."""
    alarm: Alarm | None = None


_MEND_SENDER = "Enable and register the number for texting in CallScaler, and see to the balance there."
_RAISE_LIMIT = "Look at `relay texts`: if these are real callers, raise the limit under texting: limits."


def _passing(people: People, facts: TextFacts, policy: Policy, now: float, *, notify: bool) -> _Passing | None:
    """The switches, limits that other people fill up, a sender that cannot text, and a list that nobody has read."""
    if facts.off:
        return _Passing("texts are switched off")
    if facts.restored:
        return _Passing("the ledger was restored from a copy; texts wait for `relay texts on --after-restore`")
    prefix = policy.per_prefix
    if not notify and prefix.most is not None and facts.to_prefix >= prefix.most:
        span, like = say_span(prefix.span), phone.prefix(people.to)
        what = f"{facts.to_prefix} texts went to numbers like {like}… in {span}, the most allowed: texts are held"
        alarm = Alarm(f"texts-prefix:{like}", what, _RAISE_LIMIT)
        return _Passing(f"limit: {facts.to_prefix} texts to numbers like this in {span}", alarm=alarm)
    total = policy.total
    if total.most is not None and facts.total >= total.most:
        reason = f"limit: {facts.total} texts in {say_span(total.span)}"
        what = f"{facts.total} texts went out in {say_span(total.span)}, the most that is allowed: texts are held"
        return _Passing(reason, alarm=Alarm("texts-total", what, _RAISE_LIMIT))
    return _sender(people, policy) or _deaf(people.heard_at, now)


def _sender(people: People, policy: Policy) -> _Passing | None:
    """A sender that cannot text, by the list of numbers or by the last answer."""
    why = people.blocked
    if why is None and people.sender in policy.mute:
        why = f"{people.sender} cannot send texts: it is not enabled or not registered for texting"
    if why is None:
        return None
    return _Passing(why, alarm=mute(people.sender, why))


def mute(sender: str | None, why: str) -> Alarm:
    """That texts of a sender, E.164, do not go out, and why."""
    return Alarm(f"texts-sender:{sender}", f"Texts are held: {why}", _MEND_SENDER)


def _doubted(people: People) -> _Passing | None:
    return None if people.doubt is None else _Passing(people.doubt, HEAR_AGAIN)


def _deaf(heard_at: float | None, now: float) -> _Passing | None:
    unheard = _unheard(heard_at, now)
    return None if unheard is None else _Passing(unheard, HEAR_AGAIN)


def _unheard(heard_at: float | None, now: float) -> str | None:
    """Why it is not known whether this person asked to stop a moment ago; None when it is known."""
    if heard_at is None:
        return "the list of texts was not read yet, and somebody may have asked to stop"
    if now - heard_at <= HEARD:
        return None
    age = say_span(now - heard_at)
    return f"the list of texts was last read {age} ago, and somebody may have asked to stop since"


def _closed(rule: Rule, policy: Policy, now: float) -> tuple[str, float] | None:
    if rule.hours != "hold" or policy.hours.is_open(now):
        return None
    opens = policy.hours.opens_at(now)
    return CLOSED, math.inf if opens is None else opens


def _quiet(recipient: str, policy: Policy, now: float) -> tuple[str, float] | None:
    allowed = policy.quiet.allowed_at(now, phone.zones(recipient), phone.state(recipient), policy.hours.zone)
    return None if allowed <= now else ("quiet hours where this person lives", allowed)
