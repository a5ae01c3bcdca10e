"""A week of opening hours, read from what people write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.hours.wallclock import DAY, read_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Span = tuple[int, int]
"""From and to in minutes after midnight of the day it begins on; `to` is above 1440 for a span over midnight."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    **{short: place for place, short in enumerate(_DAYS)},
    **{
        name: place
        for place, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
    },
    "tues": 1,
    "weds": 2,
    "thur": 3,
    "thurs": 3,
}
_GROUPS = {
    "daily": range(7),
    "every day": range(7),
    "everyday": range(7),
    "all days": range(7),
    "weekdays": range(5),
    "weekday": range(5),
    "weekend": range(5, 7),
    "weekends": range(5, 7),
}
_SPAN = re.compile(r"\s*([0-9:]+)\s*(?:-|\u2013|to)\s*([0-9:]+)\s*")


@dataclass(frozen=True, slots=True)
class Week:
    """The spans of each weekday, Monday first."""

    days: tuple[tuple[Span, ...], ...]

    @property
    def empty(self) -> bool:
        """Whether it never opens."""
        return not any(self.days)


ALWAYS = Week((((0, DAY),),) * 7)


def read_hours(hours: Mapping[str, str | Sequence[str]]) -> Week:
    """Opening hours as `{mon-fri: 08:00-18:00, sat: [09:00-12:00, 13:00-15:00], sun: closed}`.

    Keys are days (mon, monday), ranges (mon-fri), lists (sat,sun), `daily`, `weekdays` or `weekend`; a day that is
    not named is closed. A span that ends before it begins goes over midnight. Nothing at all is always open.

    Raises:
        ValueError: what is wrong and how to write it.
    """
    if not hours:
        return ALWAYS
    days: dict[int, tuple[Span, ...]] = {}
    for key, written in hours.items():
        spans = _spans(key, [written] if isinstance(written, str) else list(written))
        for day in _days(key):
            if day in days:
                raise ValueError(f"{_DAYS[day]} has hours twice; name each day once, with a list of spans")
            days[day] = spans
    week = Week(tuple(days.get(day, ()) for day in range(7)))
    _refuse_overlap(week)
    return week


def _days(key: str) -> list[int]:
    found: list[int] = []
    for part in key.lower().split(","):
        name = " ".join(part.split())
        first, dash, last = (piece.strip() for piece in name.replace("\u2013", "-").partition("-"))
        if name in _GROUPS:
            found += _GROUPS[name]
        elif not dash and first in _NAMES:
            found.append(_NAMES[first])
        elif dash and first in _NAMES and last in _NAMES:
            start, length = _NAMES[first], (_NAMES[last] - _NAMES[first]) % 7 + 1
            found += [(start + step) % 7 for step in range(length)]
        else:
            raise ValueError(f"{part.strip()!r} is no day; write mon, mon-fri, sat,sun or daily")
    return found


def _spans(key: str, written: list[str]) -> tuple[Span, ...]:
    if [text.strip().lower() for text in written] == ["closed"]:
        return ()
    spans = tuple(sorted(read_span(text) for text in written))
    if not spans:
        raise ValueError(f"{key} has no hours; write a span like 08:00-18:00, or closed")
    return spans


def read_span(text: str) -> Span:
    """One span (08:00-18:00, or 20:00-02:00 over midnight).

    Raises:
        ValueError: it is none, or has no length.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text.strip()!r} is no span of hours; write one like 08:00-18:00")
    start, end = read_clock(found[1]), read_clock(found[2])
    if start in {end, DAY}:
        raise ValueError(f"{text.strip()!r} has no length; write 00:00-24:00 for the whole day")
    return (start, end if end > start else end + DAY)


def _refuse_overlap(week: Week) -> None:
    for day, spans in enumerate(week.days):
        after = [(start + DAY, end + DAY) for start, end in week.days[(day + 1) % 7]]
        for (start, end), (next_start, _) in zip(spans, [*spans[1:], *after[:1]], strict=False):
            if next_start < end:
                raise ValueError(f"two spans of {_DAYS[day]} overlap at {start // 60:02}:{start % 60:02}")
