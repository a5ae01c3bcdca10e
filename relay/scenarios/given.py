"""What a scenario gives, as events at their times: what is not told comes from the sample of that type of event."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.clock import tick_events
from relay.errors import BadBody
from relay.forms import unknown
from relay.intake import read_event
from relay.intake.reading import misspelt
from relay.intake.texts import UNANSWERED
from relay.models import ENRICHED, Event, iso
from relay.rules.rule import EVENT_TYPES
from relay.scenarios.groups import TICK as GROUPS
from relay.settings.samples import AI, sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.hours import Business
    from relay.models import Owned
    from relay.rules import Rule

TEXT = "text.received"
_SECOND = {ENRICHED: "call.completed", UNANSWERED: TEXT}
"""What comes after another event, and what it is read as."""
_OWN_KEYS = {"event", "at"}
_TICK_KEYS = ("tick", "at")
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
    groups: bool = False
    """Whether it is the time at which the declared groups are planned and applied."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario is given to: the door's source, the clock on the wall, the rules, the business's numbers."""

    source: str
    hours: Business
    rules: Sequence[Rule] = ()
    numbers: Sequence[Owned] = ()
    has_groups: bool = False
    """Whether groups are declared."""


def read_given(entries: list[dict[str, Any]], stage: Stage) -> tuple[list[Given], list[str]]:
    """The events in the order of their times, and every mistake in them."""
    timed: list[tuple[float, int, dict[str, Any]]] = []
    wrong: list[str] = []
    for number, entry in enumerate(entries):
        try:
            _refuse(entry, stage)
            timed.append((read_at(str(entry.get("at", "")), stage.hours), number, entry))
        except ValueError as error:
            wrong.append(f"given {number + 1}: {error}")
    found: list[Given] = []
    types: dict[str, str] = {}
    for at, number, entry in sorted(timed, key=lambda item: item[:2]):
        try:
            if "tick" in entry:
                found.extend(_ticks(entry, at, stage))
                continue
            given = _given(entry, f"test-{number}", stage.source, at, types)
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


def _refuse(entry: Mapping[str, Any], stage: Stage) -> None:
    if "tick" in entry:
        _refuse_tick(entry, stage)
        return
    if entry.get("event") not in EVENT_TYPES:
        raise ValueError(unknown(str(entry.get("event", "")), EVENT_TYPES, "event type"))
    for key in entry:
        if key not in _OWN_KEYS and (slip := misspelt(key)):
            raise ValueError(slip)


def _refuse_tick(entry: Mapping[str, Any], stage: Stage) -> None:
    names = [rule.name for rule in stage.rules if rule.ticks] + ([GROUPS] if stage.has_groups else [])
    if not names:
        raise ValueError("`tick`: no rule runs by the clock")
    if entry["tick"] not in names:
        raise ValueError(unknown(str(entry["tick"]), names, "rule that runs by the clock"))
    for key in entry:
        if key not in _TICK_KEYS:
            raise ValueError(unknown(key, _TICK_KEYS))


def _ticks(entry: Mapping[str, Any], at: float, stage: Stage) -> list[Given]:
    """What the relay's own clock would raise at this moment, whatever times the rule is written with."""
    rule = next((rule for rule in stage.rules if rule.name == entry["tick"]), None)
    if rule is None:
        event = Event(id=GROUPS, source=GROUPS, type=GROUPS, key=f"{GROUPS}@{iso(at)}", received_at=at)
        return [Given(at, event, b"{}", groups=True)]
    events = tick_events(rule, at, at, stage.numbers)
    if not events:
        raise ValueError(f"`{rule.name}` runs for each number, so the scenario needs some under `numbers:`")
    return [Given(at, event, b"{}") for event in events]


def _given(entry: Mapping[str, Any], key: str, source: str, at: float, types: Mapping[str, str]) -> Given:
    kind = str(entry["event"])
    told = {name: value for name, value in entry.items() if name not in _OWN_KEYS}
    call = str(told.get("call_id", told.get("id", "")))
    if kind == ENRICHED and call in types:
        fields = {**AI, **told, "call_id": call, "event": types[call]}
        return _call(fields, source, at, enriches=True)
    fields = {**sample(kind), "call_id": key, "created_at": iso(at), **told, "event": kind}
    if kind not in _SECOND:
        return _call(fields, source, at)
    whole = _call({**fields, "event": _SECOND[kind]}, source, at)
    event = replace(whole.event, type=kind, of_type=kind, call={**whole.event.call, "event": kind})
    return replace(whole, event=event)


def _call(fields: Mapping[str, Any], source: str, at: float, *, enriches: bool = False) -> Given:
    read = read_event(dict(fields), source, at)
    if read.event is None:
        raise ValueError(f"this is no call: {read.reason}")
    return Given(at, read.event, json.dumps(fields).encode(), enriches)
