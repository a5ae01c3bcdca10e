"""Bodies of calls in every spelling seen (callscaler-api sections 6 and 7), read into one event model.

Every field but the id may be missing or null; fields that are not known are kept as they came.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import secrets
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.errors import BadBody
from relay.forms import nearest
from relay.intake.texts import RECEIVED, as_text
from relay.models import ENRICHED, Event, iso, quick

if TYPE_CHECKING:
    from collections.abc import Mapping

AHEAD = 300.0
"""Seconds that a sender's clock may run ahead of ours before its word on time counts for nothing."""
_OLDEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_TYPE = re.compile(r"[a-z_.]{1,64}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TEXT_CAP = 100_000
_USUAL = 100
"""Fields of a body, beyond which it is no usual one."""
_BIGGEST = 2**53
"""Beyond it JSON readers disagree on numbers; no length of a call and no score is as large."""

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("call_id", "id", "callId"),
    "event": ("event", "event_type"),
    "status": ("status", "callStatus"),
    "direction": ("direction",),
    "caller": ("caller_number", "caller_phone", "phone"),
    "tracking": ("tracking_number", "trackingNumber"),
    "destination": ("destination_number", "destinationNumber"),
    "caller_name": ("caller_name", "callerName"),
    "caller_city": ("caller_city",),
    "caller_region": ("caller_state", "caller_region"),
    "duration": ("duration_seconds", "durationSeconds", "duration", "call_duration"),
    "started_at": ("created_at", "timestamp", "call_time"),
    "flow": ("call_flow_name",),
    "source": ("source",),
    "utm_source": ("utm_source",),
    "utm_medium": ("utm_medium",),
    "utm_campaign": ("utm_campaign", "campaign"),
    "utm_term": ("utm_term",),
    "gclid": ("gclid",),
    "landing_page_url": ("landing_page_url",),
    "recording_url": ("recording_url", "recordingUrl"),
    "transcription": ("transcription",),
    "summary": ("summary",),
    "ai_score": ("ai_score",),
    "ai_category": ("ai_category",),
    "qualified": ("qualified_ai",),
    "robo_score": ("robo_score", "robo_risk_score"),
    "test": ("test",),
}
"""Our name of a field, and its spellings, the current one first."""
_MEANING = {spelling: name for name, spellings in ALIASES.items() for spelling in spellings}
_SPOKEN = {
    **{f"call.{name}": spellings[0] for name, spellings in ALIASES.items()},
    **{name: spellings[0] for name, spellings in ALIASES.items()},
    "caller.number": "caller_number",
    "caller.name": "caller_name",
    "caller.city": "caller_city",
    "caller.region": "caller_state",
    "number.number": "tracking_number",
    "body": "body",
    "text.body": "body",
    "text.id": "call_id",
    "text.from": "caller_number",
    "text.to": "tracking_number",
}
MAPPABLE: dict[str, str] = {**{name: ALIASES[meaning][0] for name, meaning in _MEANING.items()}, **_SPOKEN}
"""What `map:` of a source may name, as webhooks and as conditions spell it, and the spelling it is read under."""

_READ = {*_MEANING, "body"}


def misspelt(field: str) -> str | None:
    """The complaint about a field of a body that is probably another one; others are kept as they come."""
    if field in _READ:
        return None
    meant = MAPPABLE.get(field) or nearest(field, _READ)
    return None if meant is None else f"`{field}` is no known field; did you mean `{meant}`?"


_ASIDE = {"id", "event", "caller", "tracking", "destination", "started_at", "test", "direction"}
"""What is read by itself."""
_NUMBERS = {"duration", "ai_score", "robo_score"}
_FLAGS = {"qualified", "test"}
_WORDS = set(ALIASES) - _NUMBERS - _FLAGS
_SAID = _WORDS - _ASIDE
_TRUE = (True, "true")
_OUTCOME = {
    "call.completed": "answered",
    "call.missed": "missed",
    "call.voicemail": "voicemail",
    "call.failed": "failed",
}
_BY_STATUS = {
    "completed": "call.completed",
    "answered": "call.completed",
    "no-answer": "call.missed",
    "missed": "call.missed",
    "busy": "call.missed",
    "voicemail": "call.voicemail",
    "failed": "call.failed",
}
_DECIDED_BY_STATUS = {"call.ended", "call.answered", "answered", "missed", "voicemail", "failed", "completed"}


@quick
@dataclass(frozen=True, slots=True)
class Read:
    """A body as an event, or as a test that is kept and answered."""

    event: Event | None
    reason: str = ""


def new_id(now: float) -> str:
    """An event id; ids of later events sort behind."""
    return f"evt_{int(now * 1000):011x}{secrets.token_hex(6)}"


def read_event(
    fields: Any,
    source: str,
    now: float,
    *,
    late: bool = False,
    raw: Mapping[str, Any] | None = None,
    printable: bool = False,
) -> Read:
    """The event in a proved body; `now` is the moment of its arrival in Unix seconds.

    `raw` is what is kept as the sender's own words, where that is more than `fields`. Of `printable` bodies it is known
    that no text in them holds anything that neither the ledger nor a screen can hold.

    A body is a call when it says so (`event: call.…`, or a call id), and then its id and type must be usable. What is
    no call, or says `test: true` and names no usable id, is the vendor's test button.

    Raises:
        BadBody: 422 for JSON that is no object, or a call whose id or type is unusable; 400 where a list or an object
            stands where text is due.
    """
    if not isinstance(fields, dict):
        raise BadBody("the body is JSON, but no object", status=422)
    cleaned = fields if printable else _cleaned(fields)
    values = _meant(cleaned)
    key, kind = values.get("id"), _type(values)
    has_key = isinstance(key, str) and _KEY.fullmatch(key) is not None
    if not has_key and (values.get("test") in _TRUE or not _is_call(cleaned, kind)):
        return Read(None, "no usable call id: taken for a test")
    if not isinstance(key, str) or not has_key:
        raise BadBody("a call without a usable id (call_id: 1 to 200 printable ASCII characters)", status=422)
    if kind is None:
        if not _names_call(cleaned):
            return Read(None, "an object with an id, but no call: taken for a test")
        raise BadBody("a call without a usable type (event: call.completed, call.missed …)", status=422)
    kept = cleaned
    if raw is not None and raw is not fields:
        kept = dict(raw) if printable else _cleaned(raw)
    event = _event(kept, values, kind, key, source, now, late=late)
    return Read(as_text(event, cleaned.get("body")) if kind == RECEIVED else event)


def _is_call(fields: Mapping[str, Any], kind: str | None) -> bool:
    return (kind or "").startswith("call.") or _names_call(fields)


def _names_call(fields: Mapping[str, Any]) -> bool:
    return any(fields.get(name) is not None for name in ("call_id", "callId"))


def _event(
    raw: dict[str, Any], values: Mapping[str, Any], kind: str, key: str, source: str, now: float, *, late: bool
) -> Event:
    call: dict[str, Any] = {"id": key, "event": kind}
    for name, value in values.items():
        if type(value) is str and name in _SAID:
            if said := value.strip():
                call[name] = said[:_TEXT_CAP]
        elif name not in _ASIDE and (read := _value(name, value)) is not None:
            call[name] = read
    if kind in _OUTCOME:
        call["outcome"] = _OUTCOME[kind]
    outbound = (_told(values, "direction") or "").casefold() == "outbound"
    call["direction"] = "outbound" if outbound else "inbound"
    call["is_test"] = values.get("test") in _TRUE
    outside = _told(values, "destination") if outbound else _told(values, "caller")
    number = _told(values, "tracking") or (_told(values, "caller") if outbound else None)
    started_at, age_known = _moment(values.get("started_at"), now)
    if started_at is not None:
        call["started_at"] = iso(started_at)
    return Event(
        id=new_id(now),
        source=source,
        type=kind,
        of_type=kind,
        key=key,
        received_at=now,
        call=call,
        raw=raw,
        caller=phone.normalise(outside),
        caller_raw=outside,
        number=phone.normalise(number),
        started_at=started_at,
        age_known=age_known,
        late=late,
    )


def _told(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if type(value) is str:
        return value.strip()[:_TEXT_CAP] or None
    return None if value is None else _value(name, value)


def _type(values: Mapping[str, Any]) -> str | None:
    """The type of the event: as written, or by the status where the old spelling says only `call.ended`.

    None where nothing is written, or something that no type can be.
    """
    written, status = values.get("event"), values.get("status")
    by_status = _BY_STATUS.get(status.strip().casefold()) if isinstance(status, str) else None
    if written is None:
        return by_status
    if not isinstance(written, str) or not _TYPE.fullmatch(written):
        return None
    if written in _DECIDED_BY_STATUS:
        return by_status or _BY_STATUS.get(written.removeprefix("call."), "call.completed")
    return written


def _meant(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields say, under our names; of several spellings of one the most current."""
    keys = tuple(fields)
    spelt = (_spelt if len(keys) <= _USUAL else _spelt.__wrapped__)(keys)
    # From the least current spelling on, so that the most current one stays.
    return {name: value for name, spelling in spelt if (value := fields[spelling]) is not None}


@lru_cache(64)
def _spelt(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """Our names that are among these keys, each with its spellings there, the current one last.

    Remembered, as a sender's bodies have the same keys again and again.
    """
    there = set(keys)
    return [(name, one) for name, spellings in ALIASES.items() for one in reversed(spellings) if one in there]


def _first(raw: Mapping[str, Any], name: str) -> Any:
    return next((raw[spelling] for spelling in ALIASES[name] if raw.get(spelling) is not None), None)


def _value(name: str, value: Any) -> Any:
    """One field's value in its own type; None where it says nothing usable.

    Raises:
        BadBody: a list or an object where text or a number is due.
    """
    if isinstance(value, (dict, list)) or (isinstance(value, bool) and name not in _FLAGS):
        raise BadBody(f"{ALIASES[name][0]} should be text or a number")
    if name in _NUMBERS:
        return _number(value)
    if name in _FLAGS:
        return {True: True, False: False, "true": True, "false": False}.get(value)
    text = str(value).strip()
    return text[:_TEXT_CAP] or None


def _number(value: Any) -> int | float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) > _BIGGEST:
        return None
    return int(number) if number.is_integer() else number


def _moment(written: Any, now: float) -> tuple[float | None, bool]:
    """When the call began, and whether its age is known. A time without zone, of long ago, or ahead tells nothing."""
    if written is None:
        return None, True
    if not isinstance(written, str):
        return None, False
    try:
        moment = dt.datetime.fromisoformat(written.strip())
    except ValueError:
        return None, False
    if moment.tzinfo is None:
        return None, False
    try:
        at = moment.timestamp()
    except (OverflowError, ValueError):
        return None, False
    return (at, True) if _OLDEST <= at <= now + AHEAD else (None, False)


def _clean(text: str) -> str:
    return text if text.isprintable() else _CONTROLS.sub("\ufffd", text)


def _cleaned(value: Any) -> Any:
    """Text without NUL, other controls and lone surrogates, which neither the ledger nor a screen can hold."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _cleaned(item) for key, item in value.items()}
    return value


def merge(known: Event, again: Event) -> Event | None:
    """The whole call as a call.enriched event, or None when the repeat brought nothing that was missing.

    Nothing that was known is ever changed; another spelling of a known field is nothing new.
    """
    new_raw = {
        name: value
        for name, value in again.raw.items()
        if value is not None and known.raw.get(name) is None and not _said_before(name, known)
    }
    if not new_raw:
        return None
    new = {name: value for name, value in again.call.items() if name not in known.call}
    return replace(
        again,
        id=new_id(again.received_at),
        type=ENRICHED,
        of_type=known.of_type,
        nth=known.nth + 1,
        call={**known.call, **new, "event": ENRICHED},
        raw={**known.raw, **new_raw},
        caller=known.caller or again.caller,
        caller_raw=known.caller_raw or again.caller_raw,
        number=known.number or again.number,
        started_at=again.started_at if known.started_at is None else known.started_at,
        age_known=known.age_known,
        late=known.late or again.late,
    )


def _said_before(spelling: str, known: Event) -> bool:
    name = _MEANING.get(spelling)
    return name is not None and _first(known.raw, name) is not None
