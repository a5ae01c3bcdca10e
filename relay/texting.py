"""Whether a text may go to a person now: pure judgement, made when planned and again in the transaction that sends.

The states of a text follow reliability 4.2: due → sending (durable before the first byte) → sent, or unknown when the
answer was not clear; unknown is settled by reading the list of texts into sent or abandoned, and never sent again.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field as Key
from pydantic import field_validator

from relay import phone
from relay.connector import Connector
from relay.errors import NotFound
from relay.models import Form, Seconds, SendText, seconds
from relay.rules import CLOSED, cooling, say_span
from relay.store import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.hours import Business, QuietHours
    from relay.models import Delivery, Owned, TextFacts
    from relay.rules import Rule, Step

HEARD = 120.0
"""Seconds for which a reading of the list of texts is believed: somebody may have asked to stop meanwhile."""
HEAR_AGAIN = 5.0
"""Seconds after which a text that waits for a reading is looked at again."""
RECHECK = 60.0
"""Seconds after which a text that is held by a limit or the kill switch is looked at again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` texts in `span` seconds; None lifts the limit."""

    most: int | None
    span: float

    @classmethod
    def read(cls, written: str) -> Limit:
        """From `2/day`, `30/hour`, `5/12h` or `none`.

        Raises:
            ValueError: it is none of these.
        """
        if written == "none":
            return cls(None, 86400.0)
        match = re.fullmatch(r"(\d{1,7})\s*/\s*(day|hour|week|\d+[smhdw])", written)
        if match is None:
            raise ValueError(f"`{written}` is no limit; write 2/day, 30/hour, or none")
        spans = {"day": 86400.0, "hour": 3600.0, "week": 604800.0}
        span = spans.get(match[2]) or seconds(match[2])
        if span <= 0:
            raise ValueError(f"`{written}` is no limit: it counts over no time at all")
        return cls(int(match[1]), span)


class QuietForm(Form):
    """quiet_hours: as people write it."""

    allow: str = "08:00-20:00"
    clock: Literal["recipient", "business"] = "recipient"
    states: Literal["strict", "off"] = "strict"


class LimitsForm(Form):
    """limits: as people write it."""

    per_person: str = "2/day"
    per_prefix: str = "30/hour"
    total: str = "150/day"

    @field_validator("per_person", "per_prefix", "total")
    @classmethod
    def _sound(cls, written: str) -> str:
        Limit.read(written)
        return written


class TextingForm(Form):
    """texting: as people write it; holds for every text any rule sends."""

    quiet_hours: QuietForm = QuietForm()
    limits: LimitsForm = LimitsForm()
    regions: list[str] = Key(default=["US", "CA"], min_length=1)
    max_segments: int = Key(default=2, ge=1, le=10)
    settle: Seconds = 120.0


@dataclass(frozen=True)
class Policy:
    """What holds for every text."""

    hours: Business
    quiet: QuietHours
    per_person: Limit = Limit(2, 86400.0)
    per_prefix: Limit = Limit(30, 3600.0)
    total: Limit = Limit(150, 86400.0)
    regions: frozenset[str] = frozenset({"US", "CA"})
    staff: frozenset[str] = frozenset()
    own: frozenset[str] = field(default_factory=frozenset)
    """The business's own numbers as far as known; never texted."""
    settle: float = 120.0

    @property
    def windows(self) -> Windows:
        """Over how long the ledger counts for the limits."""
        return Windows(self.per_person.span, self.per_prefix.span, self.total.span)


@dataclass(frozen=True, slots=True)
class Judgement:
    """go, hold (until a moment) or never, with the reason."""

    word: Literal["go", "hold", "never"]
    reason: str = ""
    until: float | None = None
    guard: bool = False
    """Whether a guard of the rule says so, which stops the whole rule while it is planned."""


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
    problem = _refuse_person(people, facts, policy, notify=notify)
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
    if shut is not None:
        reason, until = shut
        return Judgement("hold", reason, until) if until <= last_moment else too_late(reason, until, patience, policy)
    passing = _passing(people, facts, policy, now, notify=notify)
    if passing is None:
        return GO
    reason, again = passing
    if now >= last_moment:
        return Judgement("never", f"{reason}; not sent within {say_span(patience)} of falling due")
    return Judgement("hold", reason, min(now + again, last_moment))


@dataclass(frozen=True, slots=True)
class People:
    """Whom a text goes to, and the number it goes out from where that is known; E.164."""

    to: str
    sender: str | None = None
    heard_at: float | None = math.inf
    """When the list of texts was last read whole, Unix seconds; None for never, infinite where nobody asks."""


def too_late(reason: str, until: float, patience: float, policy: Policy) -> Judgement:
    """Never, because the next allowed moment lies beyond what the step puts up with; the moment is named."""
    if until == math.inf:
        return Judgement("never", f"{reason}, and never allowed again")
    when = policy.hours.local(until).strftime("%Y-%m-%d %H:%M")
    return Judgement(
        "never", f"{reason}; allowed again at {when}, more than {say_span(patience)} after it fell due", until
    )


def _refuse_person(people: People, facts: TextFacts, policy: Policy, *, notify: bool) -> str | None:
    if people.to in policy.own or people.to == people.sender:
        return "own number: it belongs to the business"
    if facts.opted_out:
        return "opted out: this person asked not to be texted"
    return None if notify else phone.untextable(people.to, policy.regions)


def _full(facts: TextFacts, policy: Policy, *, notify: bool) -> str | None:
    """The switches, and limits that other people fill up."""
    if facts.off:
        return "texts are switched off"
    if facts.restored:
        return "the ledger was restored from a copy; texts wait for `relay texts on --after-restore`"
    if not notify and policy.per_prefix.most is not None and facts.to_prefix >= policy.per_prefix.most:
        return f"limit: {facts.to_prefix} texts to numbers like this in {say_span(policy.per_prefix.span)}"
    if policy.total.most is not None and facts.total >= policy.total.most:
        return f"limit: {facts.total} texts in {say_span(policy.total.span)}"
    return None


def _passing(people: People, facts: TextFacts, policy: Policy, now: float, *, notify: bool) -> tuple[str, float] | None:
    """What may be over at any moment, and in how many seconds to look again."""
    full = _full(facts, policy, notify=notify)
    if full is not None:
        return full, RECHECK
    unheard = _unheard(people.heard_at, now)
    return None if unheard is None else (unheard, HEAR_AGAIN)


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


class PhoneConnector(Connector[Any, Any]):
    """What the worker asks of the phone system beyond `send`."""

    @abstractmethod
    async def owned(self, now: float) -> list[Owned]:
        """The business's numbers, with their groups, as the phone system lists them at `now`.

        Raises:
            DeliveryFailed: they could not be read.
        """

    @abstractmethod
    async def sent_texts(self, since: float) -> list[SentText]:
        """Every text that the phone system lists as sent since then, Unix seconds; complete or an error.

        Raises:
            Unavailable: the list could not be read whole.
        """

    async def texts(self, since: float) -> list[ListedText]:
        """Every text that the phone system lists since then, Unix seconds, in either direction; whole or an error.

        One that knows only what it sent says that.

        Raises:
            DeliveryFailed: the list could not be read whole.
        """
        return [
            ListedText(text.id, "outbound", text.sender, text.to, text.body, text.at)
            for text in await self.sent_texts(since)
        ]

    async def recording(self, call: str) -> bytes:  # noqa: ARG002 - one that keeps none
        """A call's recording as MP3, by the call's id.

        Raises:
            NotFound: there is none, or none yet.
            DeliveryFailed: it could not be fetched.
        """
        raise NotFound("this phone system keeps no recordings")

    @abstractmethod
    async def answered(self, person: str, since: float) -> bool:
        """Whether a call with this person that began at or after `since` was answered, by the phone system's word.

        Raises:
            DeliveryFailed: it could not be asked within three seconds.
        """


@dataclass(frozen=True, slots=True)
class ListedText:
    """A text in the phone system's list, in or out; `at` in Unix seconds, None where the list does not say."""

    id: str
    direction: Literal["inbound", "outbound"] | None
    """None where it cannot be told."""
    sender: str | None
    to: str | None
    body: str | None
    at: float | None


@dataclass(frozen=True, slots=True)
class SentText:
    """A text in the phone system's list; `at` in Unix seconds, None where the list does not say."""

    id: str
    to: str | None
    sender: str | None
    body: str | None
    at: float | None


def find_sent(
    text: SendText, began_at: float, listed: Sequence[SentText], taken: frozenset[str] = frozenset()
) -> SentText | None:
    """The listed text that is this one: same people, same words, not before it was begun, not another intent's."""
    for sent in listed:
        same = sent.to == text.to and sent.body == text.body and sent.sender in (text.sender, None)
        if same and sent.id not in taken and (sent.at is None or sent.at >= began_at - RECHECK):
            return sent
    return None
