"""A rule's move of a number between its claim and its try: judged by the brakes, and noted before anything is done."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import DeliveryFailed
from relay.models import Change, Counted, MoveJudgement, NumberRun
from relay.numbers import Wanted, judge
from relay.numbers.planning import corrected
from relay.rules import rule_of
from relay.store import Decider
from relay.texting import PhoneConnector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.book import Book
    from relay.models import Delivery, Event, Known, MoveFacts, NumberFacts
    from relay.planner import Planner
    from relay.rules import Rule
    from relay.store import Claimed, Store
    from relay.worker.channel import Channel

log = structlog.get_logger(__name__)

KINDS = frozenset({"regroup", "update_number"})
_ASK_AGAIN = 300.0


@dataclass(eq=False)
class _Judging(Decider):
    """A move judged where it is begun; notes whether the number is there already."""

    book: Book
    rule: Rule
    wanted: Wanted
    told: Counted | str | None
    """The phone system's own figures of the number, or why they could not be had; None where they are not asked for."""
    now: float

    def __call__(self, event: Event, known: Known, facts: MoveFacts) -> MoveJudgement:
        """May it be made now?"""
        told, now = self.told, self.now
        self.notes = facts.owned is not None and facts.owned.group == self.wanted.to
        said = judge(self.wanted, facts, self.book.brakes, now)
        if said.word not in {"go", "ask"} or told is None:
            return said
        if isinstance(told, str):
            return MoveJudgement("hold", told, now + _ASK_AGAIN)
        if self.rule.condition.judge(self.book.facts(event, _Corrected(known, told), now).look):
            return said
        return MoveJudgement("never", f"the API counts {told.calls_7d} calls in 7 days and {told.calls_30d} in 30")


async def begin(store: Store, planner: Planner, channel: Channel, claimed: Claimed, now: float) -> Delivery | None:
    """The delivery with the notes of earlier tries, once its move is noted as begun; None when it does not go now."""
    book, delivery, event = planner.book, claimed.delivery, claimed.event
    rule = book.rule(delivery)
    action = delivery.action or {}
    if rule is None or "number" not in action:
        return delivery
    wanted = _wanted(rule, delivery, event)
    told = await _told(book, rule, channel, wanted.number, now)

    judging = _Judging(book, rule, wanted, told, now)
    begun, said = await store.begin_move(
        delivery,
        run_of(rule, delivery, event, now),
        _draft(rule, delivery, event, now),
        judging,
        planner.follow,
        now=now,
        windows=book.policy.windows,
    )
    if said is None or said.word != "go":
        await _alarm(store, delivery, said, now)
        return None
    if not judging.notes:
        await store.close_alert(f"flapping:{wanted.number}", now=now)
    if book.brakes.enforce and action.get("expected") is not None:
        # Whoever moved it, it goes where the rule says.
        return replace(begun, action={**action, "expected": None})
    return begun


def noter(store: Store, delivery: Delivery, notes: dict[str, Any]) -> Callable[[], Awaitable[None]]:
    """What a connector calls to have its notes kept at once: in the journal, for a move."""

    async def note() -> None:
        if delivery.kind in KINDS:
            await store.note_change(delivery.id, notes)

    return note


def run_of(rule: Rule, delivery: Delivery, event: Event, now: float) -> NumberRun:
    """The run that a rule's move belongs to: all numbers of one of its times, or the one move of an event."""
    each = rule_of(event) is not None and rule.each_number
    key = event.key.rpartition("/")[0] if each else delivery.run
    name = hashlib.sha256(key.encode()).hexdigest()[:12]
    return NumberRun(f"run_{name}", "rule", rule.name, now, key=key)


def _wanted(rule: Rule, delivery: Delivery, event: Event) -> Wanted:
    action = delivery.action or {}
    counts = rule.window > 0
    return Wanted(
        number=str(action["number"]),
        to=action.get("to") if delivery.kind == "regroup" else None,
        by=rule.name,
        counts=counts,
        immediate=rule_of(event) is None and not counts,
        approval=rule.step(delivery.step).approval,
    )


def _draft(rule: Rule, delivery: Delivery, event: Event, now: float) -> Change:
    action = delivery.action or {}
    said = "a call" if rule_of(event) is None else "its time"
    return Change(
        id=delivery.id,
        run=run_of(rule, delivery, event, now).id,
        number=str(action["number"]),
        kind=delivery.kind,
        action=dict(action),
        because=f"{rule.name}: {said} ({event.type})",
        rule=rule.name,
        to=action.get("to"),
    )


async def _told(book: Book, rule: Rule, channel: Channel, number: str, now: float) -> Counted | str | None:
    """The phone system's own figures of a number where they are asked for, or why they could not be had."""
    if not book.brakes.check_against_api or not rule.window or not isinstance(channel.connector, PhoneConnector):
        return None
    try:
        return (await channel.connector.counted(now)).get(number) or Counted()
    except DeliveryFailed as failure:
        return f"the API's own figures could not be read: {failure}"


@dataclass(frozen=True)
class _Corrected:
    """The ledger's knowledge, with what the phone system counts above it."""

    known: Known
    told: Counted

    def number(self) -> NumberFacts:
        return corrected(self.known.number(), self.told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.known, name)


async def _alarm(store: Store, delivery: Delivery, said: MoveJudgement | None, now: float) -> None:
    number = str((delivery.action or {}).get("number"))
    if said is not None and said.flapping:
        await store.open_alert(
            f"flapping:{number}",
            f"{number} goes to and fro between groups: {delivery.rule} is stopped",
            "look at `relay numbers history`, and let only one rule speak for it",
            now=now,
        )
    if said is not None:
        log.info("a number is not moved now", delivery=delivery.id, word=said.word, why=said.reason)
