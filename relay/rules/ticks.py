"""Times that rules run at: read from `when`, and reckoned on the business's clock. Pure; Unix seconds throughout."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from relay.forms import Complain, Path, unknown
from relay.models import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from relay.hours import Business
    from relay.models import Event

    Tell = Callable[[str, str], None]

TICK = "time.tick"
"""The type of the events that the clock raises."""
CLOCK = "clock"
"""The source of those events; a webhook that only calls itself a tick has another one."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("every", "at", "plus", "cron")
_EVERY_LEAST = 60.0
_DAY = 86400.0
_PLUS_MOST = 7 * _DAY
_CRON_FIELDS = 5
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
    days: tuple[int, ...]
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
    """A cron line, on the business's clock.

    A time of day that is leapt over is the next minute that exists, and a doubled one is the first of the two; lines
    with a `*` for hours or minutes go by the hours that pass, as cronsim has it from Debian's cron.
    """

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


def rule_of(event: Event) -> str | None:
    """The name of the rule whose time has come; None for every event that is no tick of the relay's own clock."""
    if event.type != TICK or event.source != CLOCK:
        return None
    name = event.call.get("rule")
    return name if isinstance(name, str) else None


def latest_of(ticks: Iterable[Tick], at: float, hours: Business) -> float | None:
    """The last moment at or before `at` that any of these times names, Unix seconds."""
    return max((moment for tick in ticks if (moment := tick.latest(at, hours)) is not None), default=None)


def next_of(ticks: Iterable[Tick], at: float, hours: Business) -> float | None:
    """The first moment after `at` that any of these times names, Unix seconds."""
    return min((moment for tick in ticks if (moment := tick.next(at, hours)) is not None), default=None)


def read_tick(written: Mapping[str, Any], path: Path, complain: Complain) -> Tick | None:
    """A time as people write it: {every: 15m}, {every: day, at: 06:10}, {cron: …}, {at: opening, plus: 10m}.

    Mistakes are told to `complain`.
    """
    told: list[bool] = []

    def tell(key: str, message: str) -> None:
        told.append(True)
        complain((*path, key) if key in written else path, message)

    for key in written:
        if key not in _KEYS:
            tell(key, unknown(str(key), _KEYS))
    if told:
        return None
    read = next((read for key, read in _READ.items() if key in written), _read_edge)
    try:
        tick = read({key: str(value) for key, value in written.items()}, tell)
    except ValueError as error:
        tell(next(iter(written), ""), str(error))
    return None if told else tick


def _read_cron(written: Mapping[str, str], tell: Tell) -> Tick:
    _only(("cron",), "cron", written, tell)
    line = written["cron"]
    advice = "write five fields, like 10 6 * * *"
    if len(line.split()) != _CRON_FIELDS:
        raise ValueError(f"`{line}` is no cron line; {advice}")
    try:
        CronSim(line, _EPOCH)
    except CronSimError as error:
        raise ValueError(f"`{line}` is no cron line: {error}; {advice}") from None
    return Cron(line)


def _read_every(written: Mapping[str, str], tell: Tell) -> Tick:
    every = written["every"]
    if every in _WEEKDAYS:
        _only(("every", "at"), f"every: {every}", written, tell)
        at = written.get("at", "")
        if "at" not in written:
            tell("at", f"`at` is missing here; write {{every: {every}, at: 06:10}}")
        elif not _TIME.fullmatch(at):
            tell("at", f"`{at}` is no time of day; write {{every: {every}, at: 06:10}}")
        return Daily(at, _WEEKDAYS[every])
    if every == "hour":
        raise ValueError("`hour` is no day; write {every: 1h}")
    if not every[:1].isdigit():
        raise ValueError(unknown(every, _WEEKDAYS, "day, and no span like 15m"))
    _only(("every",), f"every: {every}", written, tell)
    span = seconds(every)
    if span < _EVERY_LEAST:
        raise ValueError("`every` is at least 1m")
    return Every(span)


def _read_edge(written: Mapping[str, str], tell: Tell) -> Tick:
    edge = _EDGES.get(written.get("at", ""))
    if edge is None:
        raise ValueError("a time is {every: 15m}, {every: day, at: 06:10}, {cron: …} or {at: opening, plus: 10m}")
    plus = 0.0
    try:
        plus = seconds(written.get("plus", "0"))
    except ValueError as error:
        tell("plus", str(error))
    if plus > _PLUS_MOST:
        tell("plus", "`plus` is at most 7d")
    return Opening(edge, plus)


def _only(keys: tuple[str, ...], what: str, written: Mapping[str, str], tell: Tell) -> None:
    for key in written:
        if key not in keys:
            tell(key, f"`{key}` does not go with `{what}`")


_WEEKDAYS = {
    "day": tuple(range(7)),
    "weekday": tuple(range(5)),
    **{name: (place,) for place, name in enumerate(DAYS)},
}
_EDGES: dict[str, Literal["opening", "closing"]] = {"opening": "opening", "closing": "closing"}
_READ = {"cron": _read_cron, "every": _read_every}
