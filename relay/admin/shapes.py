"""The ledger's values as JSON for machines; times in ISO 8601."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import iso

if TYPE_CHECKING:
    from relay.models import Delivery, Event


def event_json(event: Event) -> dict[str, Any]:
    """An event for machines."""
    return event.public()


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery for machines; times in ISO 8601, the action without what is only the connector's."""
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
