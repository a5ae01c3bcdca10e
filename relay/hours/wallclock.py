"""Clocks on walls and moments in time: what a zone's clock shows, and when it shows something."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

DAY = 24 * 60
"""Minutes of a day on the wall."""
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])", re.ASCII)
_MINUTE = dt.timedelta(minutes=1)
_SPOKEN = {
    **dict.fromkeys(("eastern", "et", "edt", "us eastern"), "America/New_York"),
    **dict.fromkeys(("central", "ct", "cst", "cdt", "us central"), "America/Chicago"),
    **dict.fromkeys(("mountain", "mt", "mdt", "us mountain"), "America/Denver"),
    **dict.fromkeys(("pacific", "pt", "pst", "pdt", "us pacific"), "America/Los_Angeles"),
    **dict.fromkeys(("alaska", "akst", "akdt"), "America/Anchorage"),
    "hawaii": "Pacific/Honolulu",
}
"""What people in North America call their zones."""


@lru_cache(512)
def zone_of(name: str) -> ZoneInfo:
    """The rules of an IANA zone.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; {_meant(name)}") from None


def _meant(name: str) -> str:
    if spoken := _SPOKEN.get(name.strip().lower().removesuffix(" time").removesuffix(" standard")):
        return f"did you mean {spoken}?"
    known = sorted(available_timezones())
    city = name.strip().replace(" ", "_").lower()
    named = [zone for zone in known if zone.lower().endswith(f"/{city}")]
    near = named or difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else "write one like America/Chicago"


def read_zone(name: str) -> str:
    """The zone's name as it was written, once it is known to exist.

    Raises:
        ValueError: there is no such zone.
    """
    zone_of(name)
    return name


def read_clock(text: str) -> int:
    """A time of day as people write it (8:00, 18:30, 24:00) in minutes after midnight.

    Raises:
        ValueError: it is no time of day.
    """
    found = _CLOCK.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY + 1
    if minutes > DAY:
        raise ValueError(f"{text.strip()!r} is no time of day; write one like 08:00 or 18:30")
    return minutes


def read_date(text: str) -> dt.date:
    """A date as 2026-12-25.

    Raises:
        ValueError: it is none.
    """
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no date; write one like 2026-12-25") from None


def local(at: float, zone: str) -> dt.datetime:
    """What the zone's calendar and clock show at Unix second `at`."""
    return dt.datetime.fromtimestamp(at, zone_of(zone))


@lru_cache(8192)
def moment(day: dt.date, minutes: int, zone: str, *, second: bool = False) -> float:
    """The Unix second at which the zone's clock shows `minutes` after midnight of `day` (1440 and more: days after).

    A time that the clock leaps over is its next existing minute; one that it shows twice is the first of the two, or
    with `second` the later.
    """
    rules = zone_of(zone)
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minutes)
    for _ in range(2 * DAY):
        aware = wall.replace(tzinfo=rules, fold=int(second))
        at = aware.timestamp()
        if dt.datetime.fromtimestamp(at, rules).replace(tzinfo=None) == wall:
            return at
        wall += _MINUTE
    raise ValueError(f"{zone} has no clock on {day}")
