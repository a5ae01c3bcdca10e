"""Times that rules run at: read from `when`, and reckoned on the business's clock. Pure; Unix seconds throughout."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from relay.models import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.hours import Business

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_LEAST = 60.0
_DAY = 86400.0
_LOOK = 400
"""Days that are looked through for an opening or a closing."""
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Tick(Protocol):
    """A time that comes again."""

    def latest(self, at: float, hours: Business) -> float | None:
        """The last moment at or before `at`; None when there was none."""

    def next(self, at: float, hours: Business) -> float | None:
        """The first moment after `at`; None when there will be none."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each `span` seconds, counted from the epoch, so that every relay and every start agrees."""

    span: float

    def latest(self, at: float, hours: Business) -> float | None:  # noqa: ARG002 - one shape for all times
        """The last full span."""
        return at // self.span * self.span

    def next(self, at: float, hours: Business) -> float | None:  # noqa: ARG002 - one shape for all times
        """The next full span."""
        return (at // self.span + 1) * self.span


@dataclass(frozen=True, slots=True)
class Daily:
    """At a time of day, on some weekdays. A time that is leapt over is the next one; a doubled one runs once."""

    clock: str
    days: frozenset[int]
    """Weekdays, 0 for Monday."""

    def latest(self, at: float, hours: Business) -> float | None:
        """Today's, or that of an earlier day."""
        return self._find(at, hours, back=True)

    def next(self, at: float, hours: Business) -> float | None:
        """Today's, or that of a later day."""
        return self._find(at, hours, back=False)

    def _find(self, at: float, hours: Business, *, back: bool) -> float | None:
        today = hours.local(at).date()
        for distance in range(9):
            day = today - dt.timedelta(days=distance) if back else today + dt.timedelta(days=distance)
            if day.weekday() not in self.days:
                continue
            moment = hours.at(day, self.clock)
            if (back and moment <= at) or (not back and moment > at):
                return moment
        return None


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line, on the business's clock."""

    line: str

    def latest(self, at: float, hours: Business) -> float | None:
        """The last moment the line names."""
        # One minute on: a line's own minute counts as past.
        start = dt.datetime.fromtimestamp(at // 60 * 60 + 60, ZoneInfo(hours.zone))
        return self._first(CronSim(self.line, start, reverse=True))

    def next(self, at: float, hours: Business) -> float | None:
        """The next moment the line names."""
        return self._first(CronSim(self.line, dt.datetime.fromtimestamp(at, ZoneInfo(hours.zone))))

    def _first(self, moments: CronSim) -> float | None:
        moment = next(moments, None)
        return None if moment is None else moment.timestamp()


@dataclass(frozen=True, slots=True)
class Opening:
    """When the business opens or closes, and a while after."""

    edge: Literal["opening", "closing"]
    plus: float = 0.0

    def latest(self, at: float, hours: Business) -> float | None:
        """The last one, looking back over a year."""
        found: float | None = None
        start = at - self.plus
        for days in (2, 8, _LOOK):
            moment = self._edge(start - days * _DAY, hours)
            while moment is not None and moment <= start:
                found = moment
                moment = self._edge(moment, hours)
            if found is not None:
                return found + self.plus
        return None

    def next(self, at: float, hours: Business) -> float | None:
        """The next one."""
        moment = self._edge(at - self.plus, hours)
        return None if moment is None else moment + self.plus

    def _edge(self, after: float, hours: Business) -> float | None:
        """The first opening or closing strictly after a moment."""
        if hours.closes_at(after) is None:
            return None  # open for ever, or never again
        if self.edge == "closing":
            return hours.closes_at(after)
        if not hours.is_open(after):
            return hours.opens_at(after)
        closing = hours.closes_at(after)
        return None if closing is None else hours.opens_at(closing)


def read_tick(written: Mapping[str, Any]) -> Tick:
    """A time as people write it: {every: 15m}, {every: day, at: 06:10}, {cron: …}, {at: opening, plus: 10m}.

    Raises:
        ValueError: what is wrong, and how it is written.
    """
    if "cron" in written:
        return Cron(_cron(str(written["cron"])))
    every, at = written.get("every"), str(written.get("at", ""))
    if every is None:
        return _edge(at, str(written.get("plus", "0")))
    if every in {"day", "weekday", *DAYS}:
        if not _TIME.fullmatch(at):
            raise ValueError(f"`{at}` is no time of day; write {{every: {every}, at: 06:10}}")
        return Daily(at, _weekdays(str(every)))
    span = seconds(every)
    if span < _EVERY_LEAST:
        raise ValueError("`every` is at least 1m")
    return Every(span)


def _cron(line: str) -> str:
    try:
        CronSim(line, _EPOCH)
    except CronSimError as error:
        raise ValueError(f"`{line}` is no cron line: {error}; write five fields, like 10 6 * * *") from None
    return line


def _edge(at: str, plus: str) -> Opening:
    if at == "opening":
        return Opening("opening", seconds(plus))
    if at == "closing":
        return Opening("closing", seconds(plus))
    raise ValueError("a time is {every: 15m}, {every: day, at: 06:10}, {cron: …} or {at: opening, plus: 10m}")


def _weekdays(word: str) -> frozenset[int]:
    if word == "day":
        return frozenset(range(7))
    if word == "weekday":
        return frozenset(range(5))
    return frozenset({DAYS.index(word)})
