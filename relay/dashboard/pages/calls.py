"""Calls and texts in, newest first: who, when, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from relay import phone
from relay.dashboard.page import Elsewhere
from relay.dashboard.words import Word, done_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.dashboard.page import Asked
    from relay.models import Event

PAGE = 50
SEARCHED = 200
"""Characters of a search that are looked at."""
KINDS = {
    "": "Everything",
    "call.missed": "Missed",
    "call.voicemail": "Voicemail",
    "call.completed": "Answered",
    "text.received": "Texts in",
    "call.enriched": "Details",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One event in a list."""

    event: Event
    done: list[Word]
    number_name: str


async def read(asked: Asked) -> dict[str, Any]:
    """One page of the list, as it is searched and filtered."""
    searched = asked.query.get("q", "").strip()[:SEARCHED]
    kind = asked.query.get("type", "")
    kind = kind if kind in KINDS else ""
    number = phone.normalise(asked.query.get("number", "")[:SEARCHED])
    person = phone.normalise(searched) if searched else None
    unread = bool(searched) and person is None
    if unread:
        found = await asked.store.event(searched)
        if found is not None:
            raise Elsewhere(f"/calls/{quote(found.id, safe='')}")
    events = (
        []
        if unread
        else await asked.store.events(
            limit=PAGE, before=asked.before(), person=person, number=number, kind=kind or None
        )
    )
    return {
        "rows": await rows_of(asked, events),
        "kinds": KINDS,
        "kind": kind,
        "searched": searched,
        "unread": unread,
        "number": number,
        "person": person,
        "first": asked.before() is None,
        "newest": _address(asked),
        "older": _address(asked, before=events[-1].seq) if len(events) == PAGE else None,
    }


def _address(asked: Asked, **more: int) -> str:
    """The list as it is searched and filtered, from another place on."""
    kept = {name: asked.query[name] for name in ("q", "type", "number") if asked.query.get(name)}
    return "?" + urlencode({**kept, **more})


async def rows_of(asked: Asked, events: Sequence[Event]) -> list[Row]:
    """Events with what was done about each."""
    glances = await asked.store.glances([event.id for event in events]) if events else {}
    names = {owned.number: owned.name for owned in await asked.store.numbers()}
    return [
        Row(event, done_about(glances.get(event.id), asked.shown), names.get(event.number or "") or "")
        for event in events
    ]
