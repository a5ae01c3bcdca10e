"""Builders for the tests of the ledger: only what matters is named, and every moment is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.intake import merge
from relay.models import Attempt, Delivery, Event, Plan, State, Verdict
from relay.store import Decider, Settlement, TextAddress, Want, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import CallerFacts, Known
    from relay.store import Claimed, Run, Store

ANN, BOB = "+13125550101", "+13125550102"
OURS = "+13125550199"
NOW = 1_772_467_200.0
"""2026-03-02 16:00 UTC."""
DAY = 86400.0
WINDOWS = Windows()


def prefix(number: str) -> str:
    return number[:5]


def event(
    key: str = "call-1",
    type: str = "call.missed",  # noqa: A002 - the name of the field
    *,
    source: str = "callscaler",
    at: float = NOW,
    caller: str | None = ANN,
    number: str | None = OURS,
    started_at: float | None = None,
    **raw: Any,
) -> Event:
    """An event as the door makes it."""
    outcome = {"call.completed": "answered", "call.missed": "missed", "call.voicemail": "voicemail"}.get(type)
    call = {"id": key, "event": type, "direction": "inbound", "is_test": False}
    return Event(
        id=f"evt_{source}_{key}_{type}_{at}",
        source=source,
        type=type,
        of_type=type,
        key=key,
        received_at=at,
        call=(call if outcome is None else {**call, "outcome": outcome}) | raw,
        raw={"call_id": key, "event": type, **raw},
        caller=caller,
        number=number,
        started_at=started_at,
    )


def owed(name: str, of: str = "", **fields: Any) -> Delivery:
    """A send that is due, of the event `of`; any field can be said otherwise."""
    plain = Delivery(
        id=name,
        event=of,
        run=f"run of {name}",
        rule="Log every call",
        rule_version="v1",
        step=0,
        kind="send",
        connector="team",
        state=State.DUE,
        due_at=NOW,
        first_due_at=NOW,
        born_at=NOW,
        action={"message": name},
    )
    return replace(plain, **fields)


def text(name: str, to: str = ANN, **fields: Any) -> Delivery:
    """A text that is due."""
    action = {"do": "text", "to": to, "sender": OURS, "body": "sorry we missed you"}
    return owed(name, **{"kind": "text", "connector": "callscaler", "rule": "Text back", "action": action, **fields})


def address(delivery: Delivery) -> TextAddress:
    to = (delivery.action or {})["to"]
    return TextAddress(to, prefix(to), OURS, (delivery.action or {})["body"])


async def accept(store: Store, *events: Event) -> None:
    for arrived in events:
        await store.accept(arrived, b"{}", merge)


async def plan(store: Store, decide: Any, *, now: float = NOW, limit: int = 100) -> int:
    return await store.plan(decide, now=now, config="c1", windows=WINDOWS, prefix=prefix, limit=limit)


async def ripen(store: Store, decide: Any, *, now: float, limit: int = 100) -> int:
    return await store.ripen(decide, now=now, windows=WINDOWS, prefix=prefix, limit=limit)


@dataclass
class Owing:
    """Decides that one event owes these, and all others nothing."""

    event: str
    deliveries: Sequence[Delivery]

    def __call__(self, event: Event, known: Known) -> Plan:
        if event.id != self.event:
            return nothing_owed(event, known)
        owed = tuple(replace(delivery, event=event.id) for delivery in self.deliveries)
        return Plan((Verdict("Log every call", "ran"),), owed)


async def owe(store: Store, *deliveries: Delivery, now: float = NOW, caller: str | None = ANN) -> None:
    """Have one event owe these deliveries, in this order."""
    names = "+".join(delivery.id for delivery in deliveries)
    arrived = event(f"call of {names}".replace(" ", "-"), at=now, caller=caller)
    await accept(store, arrived)

    await plan(store, Owing(arrived.id, deliveries), now=now)


def nothing_owed(event: Event, known: Known) -> Plan:
    return Plan((Verdict("Log every call", "skipped"),))


def nobody_waits(run: Run) -> Sequence[Delivery]:
    return ()


async def by_name(store: Store, name: str) -> Delivery:
    return next(delivery for delivery in await store.deliveries(limit=10_000) if delivery.id == name)


def names(claimed: Sequence[Claimed]) -> list[str]:
    return [one.delivery.id for one in claimed]


async def claimed(store: Store, connector: str = "team", *, now: float = NOW, slots: int = 100) -> list[Claimed]:
    return list((await store.claim({connector: Want(slots)}, now=now)).claimed)


async def settle(store: Store, one: Claimed, state: State, **changes: Any) -> int:
    moved = one.delivery.moved(state, tries=one.delivery.tries + 1, **changes)
    attempt = Attempt(one.delivery.id, moved.tries, NOW, 0.2, str(state), "said")
    return await store.settle([Settlement(moved, attempt)], nobody_waits)


def go(delivery: Delivery, event: Event, known: Known) -> Delivery:
    return delivery.moved(State.SENDING)


def with_cooldown(delivery: Delivery, event: Event, known: Known) -> Delivery:
    """As a rule that texts would decide: once a day to one person."""
    facts = known.text((delivery.action or {})["to"], run=delivery.run, rule=delivery.rule, shadow=delivery.shadow)
    if facts.last_at is not None:
        return delivery.moved(State.SUPPRESSED, reason="cooldown", settled_at=NOW)
    return delivery.moved(State.SHADOW if delivery.shadow else State.SENDING)


async def begin(store: Store, one: Claimed, decide: Any = go, *, now: float = NOW) -> Delivery:
    return await store.begin_text(one.delivery, address(one.delivery), decide, nobody_waits, now=now, windows=WINDOWS)


class Seeing(Decider):
    """Owes nothing, and notes what is known of the caller."""

    def __call__(self, event: Event, known: Known) -> Plan:
        self.notes = known.caller()
        return nothing_owed(event, known)


async def facts(store: Store, of: Event, *, now: float = NOW) -> CallerFacts:
    """What the ledger says of this event's caller while the event is planned."""
    seeing = Seeing()
    await accept(store, of)
    await plan(store, seeing, now=now)
    return seeing.notes


@dataclass
class Always:
    """Whoever asks what is to be done is told this."""

    answer: Any

    def __call__(self, *_: Any) -> Any:
        return self.answer


def always(plan: Plan) -> Any:
    """Whoever asks what is to be done about an event is told this."""
    return Always(plan)


@dataclass
class Becoming:
    """Whatever ripens comes to stand so."""

    state: State

    def __call__(self, _run: Run, one: Delivery, _known: Known) -> tuple[list[Delivery], list[tuple[str, str]]]:
        return [one.moved(self.state)], []


def becomes(state: State) -> Any:
    """Whatever ripens becomes this."""
    return Becoming(state)


@dataclass
class Judging:
    """Every text that is begun is judged so."""

    state: State
    changes: dict[str, Any]

    def __call__(self, delivery: Delivery, _event: Event, _known: Known) -> Delivery:
        return delivery.moved(self.state, **self.changes)


def judged(state: State, **changes: Any) -> Any:
    """Every text that is begun is judged like this."""
    return Judging(state, changes)
