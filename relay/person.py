"""One person as the ledger knows them, to be handed over whole: the same for the command line and the listener."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import iso

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store
    from relay.store.pages import Glance

_MOST, _AT_ONCE = 10_000, 500


async def read_person(store: Store, number: str) -> dict[str, Any] | None:
    """Calls and what was done about each, texts and what allowed them, opt-out and tags, as JSON.

    `number` is E.164; None where nothing is known of it.
    """
    events = await store.events(limit=_MOST, person=number)
    texts = await store.texts_page(limit=_MOST, person=number)
    standing = await store.standing(number)
    if not events and not texts and standing.opted_out_at is None:
        return None
    told = []
    for start in range(0, len(events), _AT_ONCE):
        some = events[start : start + _AT_ONCE]
        glances = await store.glances([event.id for event in some])
        told += [_event(event, glances[event.id]) for event in some]
    return {
        "number": number,
        "opted_out": standing.opted_out_at is not None,
        "opted_out_at": iso(standing.opted_out_at),
        "opted_out_how": standing.how,
        "how": standing.how,
        "tags": list(standing.tags),
        "events": told,
        "texts": [await _text(store, text) for text in texts],
    }


def _event(event: Event, done: Glance) -> dict[str, Any]:
    return {
        **event.public(),
        "verdicts": [{"rule": one.rule, "verdict": one.word, "why": one.why} for one in done.verdicts or ()],
        "sent": [
            {
                "to": one.connector,
                "rule": one.rule,
                "state": str(one.state),
                "action": one.action,
                "at": iso(one.settled_at),
            }
            for one in done.deliveries
        ],
    }


async def _text(store: Store, text: dict[str, Any]) -> dict[str, Any]:
    """A text, with the version of the rule that allowed it; nothing of that for others'."""
    delivery = await store.delivery(str(text["id"]))
    return {
        **text,
        "at": iso(float(text["at"])),
        "rule_version": None if delivery is None else delivery.rule_version,
    }
