"""What is wrong with a scenario as it is written, each with its place; what it plays is judged when it is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relay.forms import unknown
from relay.models import VERDICTS
from relay.rules.rule import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.forms import Complain
    from relay.forms import Path as Place

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d{1,2}:\d\d(:\d\d)?", re.ASCII)


def mistakes_in(
    written: Any, place: Place, complain: Complain, rules: Collection[str], connectors: Collection[str]
) -> None:
    """Tell `complain` of events, times, rules, verdicts and connectors that are none."""
    if not isinstance(written, Mapping):
        return
    given = written.get("given")
    for index, entry in enumerate(given if isinstance(given, list) else ()):
        if isinstance(entry, Mapping):
            _given(entry, (*place, "given", index), complain)
    wanted = written.get("expect")
    expect: Mapping[str, Any] = wanted if isinstance(wanted, Mapping) else {}
    verdicts = _section(expect, "verdicts")
    for where, names, known, what in (
        ((*place, "broken"), _section(written, "broken"), connectors, "connector"),
        ((*place, "expect", "delivered"), _section(expect, "delivered"), connectors, "connector"),
        ((*place, "expect", "verdicts"), verdicts, rules, "rule"),
    ):
        for name in names:
            if name not in known:
                complain((*where, name), unknown(name, known, what))
    for name, word in verdicts.items():
        if isinstance(word, str) and word not in VERDICTS:
            complain((*place, "expect", "verdicts", name), unknown(word, VERDICTS, "verdict"))


def _given(entry: Mapping[str, Any], place: Place, complain: Complain) -> None:
    if "tick" not in entry and entry.get("event") not in EVENT_TYPES:
        complain((*place, "event"), unknown(str(entry.get("event") or ""), EVENT_TYPES, "event type"))
    at = entry.get("at")
    if not isinstance(at, str) or not _TIME.fullmatch(at.strip()):
        complain((*place, "at"), f"`at: {at or ''}` is no time; write 2026-03-02 10:00")


def _section(written: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = written.get(name)
    return found if isinstance(found, Mapping) else {}
