"""When a person may be texted: only while it is allowed on every clock that the person may live by."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from relay.hours.states import STATES
from relay.hours.wallclock import DAY, local, moment
from relay.hours.week import read_span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.hours.states import Window

_UNKNOWN_ZONE = "America/New_York"
_UNKNOWN_WINDOW = (12 * 60, 19 * 60)
"""Noon to seven in New York is a decent hour everywhere from Hawaii (early) to Newfoundland (late)."""
_LOOK_AHEAD = 9
"""Days: a week and a change of clocks; what is not allowed within them never is."""


@dataclass(frozen=True, slots=True)
class _Clock:
    """One zone, and the window of each weekday there."""

    zone: str
    window: Callable[[int], Window]

    def allows(self, at: float) -> bool:
        now = local(at, self.zone)
        minute = now.hour * 60 + now.minute
        window = self.window(now.weekday())
        return window is not None and window[0] <= minute < window[1]

    def next_start(self, at: float) -> float:
        """The first moment from `at` on, allowed itself, at which a window begins; infinity when there is none."""
        today = local(at, self.zone).date()
        found = math.inf
        for step in range(_LOOK_AHEAD):
            day = today + dt.timedelta(days=step)
            window = self.window(day.weekday())
            if window is None:
                continue
            starts = (moment(day, window[0], self.zone, second=second) for second in (False, True))
            found = min([start for start in starts if start >= at and self.allows(start)], default=math.inf)
            if found < math.inf:
                break
        return found


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours in which people are texted; outside them a text is held."""

    start: int = 8 * 60
    """Minutes after midnight."""
    end: int = 20 * 60
    """Minutes after midnight, not allowed any more; 1440 at most, as nobody is texted over midnight."""
    clock: Literal["recipient", "business"] = "recipient"
    states: Literal["strict", "off"] = "strict"
    always: bool = False
    """True lifts everything, the states' hours included."""

    @classmethod
    def read(
        cls,
        allow: str = "08:00-20:00",
        clock: Literal["recipient", "business"] = "recipient",
        states: Literal["strict", "off"] = "strict",
    ) -> QuietHours:
        """From what people write: `allow` is a span like 08:00-20:00, or `always`.

        Raises:
            ValueError: it is neither.
        """
        if allow.strip().lower() == "always":
            return cls(clock=clock, states=states, always=True)
        try:
            start, end = read_span(allow)
        except ValueError as error:
            raise ValueError(f"{error}; or always, which lifts all quiet hours") from None
        if end > DAY:
            raise ValueError(
                f"`{allow}` allows texts at night; `allow` names the hours in which they may go: 08:00-20:00"
            )
        return cls(start, end, clock, states)

    def allowed_at(self, at: float, zones: Sequence[str], state: str | None, business_zone: str) -> float:
        """`at` if a text may go now, else the next moment (Unix seconds) at which it may.

        `zones` are all that the person may live in, `state` the two letters of a state with hours of its own. It must
        be allowed on every clock at once; with no zones, 12:00 to 19:00 in New York. Infinity when it never is.
        """
        if self.always:
            return at
        clocks = self._clocks(tuple(zones), state, business_zone)
        now, horizon = at, at + _LOOK_AHEAD * 86400
        while now <= horizon:
            closed = [clock for clock in clocks if not clock.allows(now)]
            if not closed:
                return now
            now = max(clock.next_start(now) for clock in closed)
        return math.inf

    def _clocks(self, zones: tuple[str, ...], state: str | None, business_zone: str) -> list[_Clock]:
        own = (self.start, self.end)
        clocks = [_Clock(zone, lambda _: own) for zone in ((business_zone,) if self.clock == "business" else zones)]
        if not zones:
            if self.clock == "recipient":
                clocks += [_Clock(_UNKNOWN_ZONE, lambda _: own), _Clock(_UNKNOWN_ZONE, lambda _: _UNKNOWN_WINDOW)]
            return clocks
        hours = STATES.get(state) if state and self.states == "strict" else None
        if hours is not None:
            clocks += [_Clock(zone, hours.on) for zone in zones]
        return clocks
