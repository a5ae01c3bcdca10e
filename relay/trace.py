"""The whole story of one event: what arrived, what each rule made of it, and every try of what it owed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from relay.models import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models import Attempt, Delivery, Event, Verdict
    from relay.store import Store

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Trace:
    """One event and what came of it."""

    event: Event
    verdicts: tuple[Verdict, ...] | None
    """None while it is not planned."""
    deliveries: tuple[Delivery, ...]
    attempts: Mapping[str, tuple[Attempt, ...]]
    """By delivery, oldest first."""
    call: tuple[Event, ...]
    """Every event of the same call, in the order of arrival."""

    def public(self) -> dict[str, Any]:
        """The story for machines."""
        return {
            "event": self.event.public(),
            "verdicts": None if self.verdicts is None else [verdict_json(verdict) for verdict in self.verdicts],
            "deliveries": [
                {**delivery_json(one), "attempts": [attempt_json(tried) for tried in self.attempts[one.id]]}
                for one in self.deliveries
            ],
            "call": [
                {"id": one.id, "type": one.type, "received_at": iso(one.received_at), "late": one.late}
                for one in self.call
            ],
        }


async def read_trace(store: Store, reference: str) -> Trace | None:
    """The story of an event, by its id, its call's id, or `last`; None where there is no such event."""
    event = await store.event(reference)
    if event is None:
        return None
    deliveries = await store.deliveries(limit=_MOST, event=event.id)
    return Trace(
        event,
        await store.verdicts(event.id),
        tuple(deliveries),
        {one.id: tuple(await store.attempts(one.id)) for one in deliveries},
        tuple(await store.of_call(event.source, event.key)),
    )


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict for machines; `until` as Unix seconds and, readable, as `until_at`."""
    return {**asdict(verdict), "verdict": verdict.word, "until_at": iso(verdict.until)}


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery for machines; times in ISO 8601, its step counted from 0."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "rule": delivery.rule,
        "step": delivery.step,
        "kind": delivery.kind,
        "connector": delivery.connector,
        "state": str(delivery.state),
        "reason": delivery.reason,
        "due_at": iso(delivery.due_at),
        "tries": delivery.tries,
        "shadow": delivery.shadow,
        "action": delivery.action,
        "receipt": delivery.receipt,
        "settled_at": iso(delivery.settled_at),
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """A try for machines."""
    return {**asdict(attempt), "started_at": iso(attempt.started_at)}
