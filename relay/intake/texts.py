"""A text that came in, as an event: its own fields, and what its sender asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import iso
from relay.optout import asks_to_start, asks_to_stop, unsure

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Wish

RECEIVED = "text.received"
UNANSWERED = "text.unanswered"
"""A text that came in, and that nobody answered for as long as texting.unanswered says."""
_SHARED = ("id", "event", "direction", "is_test")
"""What a text has in common with a call, under the same names."""


def as_text(event: Event, body: object) -> Event:
    """The event with the fields of a text (`text.` in conditions) in place of those of a call.

    `body` is what the sender wrote; what is no text says nothing.
    `review` is there, and true, where a person should read whether it asks to stop.
    """
    said = body if isinstance(body, str) else ""
    shared = {name: event.call[name] for name in _SHARED if name in event.call}
    text = {
        "body": said,
        "from": event.caller,
        "to": event.number,
        "received_at": iso(event.began_at),
        "is_optout": asks_to_stop(said),
    }
    return replace(event, call={**shared, **text} | ({"review": True} if unsure(said) else {}))


def wish_of(event: Event, *, proved: bool = True) -> Wish | None:
    """What the sender of a text asks for. Tests ask for nothing, and START needs a door with a proof.

    Whoever forges a STOP only makes us silent; whoever forges a START has us text somebody who asked not to be.
    """
    body = event.call.get("body")
    if event.type != RECEIVED or not isinstance(body, str) or event.call.get("is_test"):
        return None
    if asks_to_stop(body):
        return "stop"
    return "start" if proved and asks_to_start(body) else None
