"""What a scenario gives, as events at their times: what is not told comes from the sample of that type of event."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.errors import BadBody
from relay.forms import nearest, unknown
from relay.intake import read_event
from relay.intake.reading import ALIASES
from relay.models import CALL_TYPES, ENRICHED, Event, iso
from relay.settings.samples import AI, sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.hours import Business

TEXT = "text.received"
_TYPES = (*CALL_TYPES, ENRICHED, TEXT)
_OWN_KEYS = {"event", "at"}
_KNOWN_KEYS = {"tick", "body", *_OWN_KEYS, *(spelling for spellings in ALIASES.values() for spelling in spellings)}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)

_NO_TIME = "`at: {}` is no time; write 2026-03-02 10:00"


@dataclass(frozen=True, slots=True)
class Given:
    """One event of a scenario, and when it comes in, Unix seconds."""

    at: float
    event: Event
    body: bytes
    enriches: bool = False
    """Whether it brings fields to an earlier call, rather than an event of its own."""


def read_given(entries: list[dict[str, Any]], source: str, hours: Business) -> tuple[list[Given], list[str]]:
    """The events in the order of their times, and every mistake in them."""
    timed: list[tuple[float, int, dict[str, Any]]] = []
    wrong: list[str] = []
    for number, entry in enumerate(entries):
        try:
            _refuse(entry)
            timed.append((read_at(str(entry.get("at", "")), hours), number, entry))
        except ValueError as error:
            wrong.append(f"given {number + 1}: {error}")
    found: list[Given] = []
    types: dict[str, str] = {}
    for at, number, entry in sorted(timed, key=lambda item: item[:2]):
        try:
            given = _given(entry, f"test-{number}", source, at, types)
        except (ValueError, BadBody) as error:
            wrong.append(f"given {number + 1}: {error}")
            continue
        found.append(given)
        types[given.event.key] = given.event.type
    return found, wrong


def read_at(written: str, hours: Business) -> float:
    """A wall time of the business, like 2026-03-02 10:00, in Unix seconds.

    Raises:
        ValueError: it is none.
    """
    found = _TIME.fullmatch(written.strip())
    if found is None:
        raise ValueError(_NO_TIME.format(written))
    try:
        return hours.at(dt.date.fromisoformat(found[1]), f"{found[2]}:{found[3]}") + int(found[4] or 0)
    except ValueError:
        raise ValueError(_NO_TIME.format(written)) from None


def _refuse(entry: Mapping[str, Any]) -> None:
    if "tick" in entry:
        raise ValueError("`tick`: times are not built yet, so a scenario cannot give them")
    if entry.get("event") not in _TYPES:
        raise ValueError(unknown(str(entry.get("event", "")), _TYPES, "event type"))
    for key in entry:
        near = None if key in _KNOWN_KEYS else nearest(key, _KNOWN_KEYS)
        if near is not None:
            raise ValueError(f"`{key}` is no known field; did you mean `{near}`?")


def _given(entry: Mapping[str, Any], key: str, source: str, at: float, types: Mapping[str, str]) -> Given:
    kind = str(entry["event"])
    told = {name: value for name, value in entry.items() if name not in _OWN_KEYS}
    call = str(told.get("call_id", told.get("id", "")))
    if kind == ENRICHED and call in types:
        fields = {**AI, **told, "call_id": call, "event": types[call]}
        return _call(fields, source, at, enriches=True)
    fields = {**sample(kind), "call_id": key, "created_at": iso(at), **told, "event": kind}
    if kind == TEXT:
        return Given(at, _text(fields, source, key, at), b"{}")
    if kind != ENRICHED:
        return _call(fields, source, at)
    whole = _call({**fields, "event": "call.completed"}, source, at)
    event = replace(whole.event, type=ENRICHED, call={**whole.event.call, "event": ENRICHED})
    return replace(whole, event=event)


def _call(fields: Mapping[str, Any], source: str, at: float, *, enriches: bool = False) -> Given:
    read = read_event(dict(fields), source, at)
    if read.event is None:
        raise ValueError(f"this is no call: {read.reason}")
    return Given(at, read.event, json.dumps(fields).encode(), enriches)


def _text(fields: Mapping[str, Any], source: str, key: str, at: float) -> Event:
    sender, to = phone.normalise(fields.get("caller_number")), phone.normalise(fields.get("tracking_number"))
    text = {"id": key, "body": fields.get("body", ""), "from": sender, "to": to, "received_at": iso(at)}
    return Event(
        id=f"evt_{key}", source=source, type=TEXT, key=key, received_at=at, call=text, caller=sender, number=to
    )
