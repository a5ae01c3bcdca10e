"""Fewer calls than this weekday and hour usually bring: no failure anywhere, and yet something is broken. Pure."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.hours import Business
    from relay.store.pages import Traffic

WEEKS = 8
"""How far back is learnt from."""
FEWEST = 3
"""Weeks of the same day that must be known before anything is said."""
UNLIKELY = 0.001
"""How seldom chance alone may bring so few calls where it is said (a Poisson distribution around the usual)."""
_HOUR = 3600
_BUSY = 100.0
"""Calls from which on the bell curve is near enough."""
_SPANS = (None, 3, 6)
"""Hours up to now that are looked at; None since midnight."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is usual up to now, and what came."""

    usual: float
    found: int
    hours: int | None
    """Over so many hours; None since midnight."""

    def __str__(self) -> str:
        if self.hours is None:
            return f"normally {self.usual:.0f} calls by now, today {self.found}"
        return f"normally {self.usual:.0f} calls in these {self.hours} hours, today {self.found}"


def listen(traffic: Sequence[Traffic], hours: Business, now: float) -> Quiet | None:
    """What is amiss at `now`, Unix seconds, judged on full hours of the business's day; None where nothing is.

    Days that the business is closed on are no example, and nothing is missed on one.
    """
    today = hours.local(now)
    if not traffic or today.date() in hours.closed_dates:
        return None
    calls = Counter[int]()
    for one in traffic:
        calls[one.hour] += one.calls
    known = min(calls)
    for span in _SPANS:
        start = 0 if span is None else today.hour - span
        if start < 0 or start >= today.hour:
            continue
        usual = [
            _count(calls, hours, day, start, today.hour)
            for day in _weeks(today.date())
            if day not in hours.closed_dates and hours.at(day, f"{start:02}:00") >= known * _HOUR
        ]
        found = _count(calls, hours, today.date(), start, today.hour)
        if len(usual) >= FEWEST and found < min(usual) and _chance(found, sum(usual) / len(usual)) < UNLIKELY:
            return Quiet(sum(usual) / len(usual), found, span)
    return None


def _weeks(today: dt.date) -> Iterator[dt.date]:
    """The same day of earlier weeks."""
    yield from (today - dt.timedelta(weeks=back) for back in range(1, WEEKS + 1))


def _count(calls: Counter[int], hours: Business, day: dt.date, start: int, end: int) -> int:
    """Calls of a day from one full hour to another, on the business's clock."""
    first, last = (int(hours.at(day, f"{hour:02}:00") // _HOUR) for hour in (start, end))
    return sum(calls[hour] for hour in range(first, last))


def _chance(found: int, usual: float) -> float:
    """How likely so few calls or fewer are, where `usual` are to be expected."""
    if usual > _BUSY:
        return 0.5 * math.erfc((usual - found - 0.5) / math.sqrt(2 * usual))
    return math.exp(-usual) * math.fsum(usual**n / math.factorial(n) for n in range(found + 1))
