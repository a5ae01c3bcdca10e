"""When the business is open, on its own clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.hours.wallclock import local, moment, read_clock, read_date, read_zone
from relay.hours.week import ALWAYS, Week, read_hours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOOK_AHEAD = 400
"""Days: a year of closed dates in a row still finds the next opening."""


@dataclass(frozen=True, slots=True)
class Business:
    """A zone, a week and the dates it is closed on; no hours are always open."""

    zone: str
    week: Week = ALWAYS
    closed_dates: frozenset[dt.date] = frozenset()

    @classmethod
    def read(
        cls, zone: str, hours: Mapping[str, str | Sequence[str]] | None = None, closed: Sequence[str] = ()
    ) -> Business:
        """From what people write.

        Raises:
            ValueError: what is wrong and how to write it.
        """
        return cls(read_zone(zone), read_hours(hours or {}), frozenset(read_date(day) for day in closed))

    @property
    def is_always_open(self) -> bool:
        """Whether no hour and no date closes it."""
        return self.week == ALWAYS and not self.closed_dates

    def local(self, at: float) -> dt.datetime:
        """What the business's calendar and clock show at Unix second `at`."""
        return local(at, self.zone)

    def at(self, date: dt.date, clock: str) -> float:
        """The Unix second of a time of day (06:10); one that is leapt over is the next minute, a doubled one the first.

        Raises:
            ValueError: it is no time of day.
        """
        return moment(date, read_clock(clock), self.zone)

    def is_open(self, at: float) -> bool:
        """Whether it is open at Unix second `at`; the opening second is open, the closing second is not."""
        return any(start <= at < end for start, end in self._spans(at, days=1))

    def opens_at(self, at: float) -> float | None:
        """`at` when it is open, else the next opening; None when it never opens again."""
        for start, end in self._spans(at, _LOOK_AHEAD):
            if at < end:
                return max(at, start)
        return None

    def closes_at(self, at: float) -> float | None:
        """The end of the present or else the next opening, after `at`; None when it never opens or never closes."""
        until: float | None = None
        for start, end in self._spans(at, _LOOK_AHEAD):
            if until is not None and start > until:
                return until
            if end > at:
                until = end
        return until if until is not None and until < at + (_LOOK_AHEAD - 1) * 86400 else None

    def _spans(self, at: float, days: int) -> Iterator[tuple[float, float]]:
        """Every opening that begins on one of `days` days from the day before `at` on, in order."""
        if self.week.empty:
            return
        today = self.local(at).date()
        for step in range(-1, days):
            day = today + dt.timedelta(days=step)
            if day in self.closed_dates:
                continue
            for start, end in self.week.days[day.weekday()]:
                yield moment(day, start, self.zone), moment(day, end, self.zone)
