"""Whether the machine's clock can be believed: a text at the wrong time cannot be taken back, so in doubt it waits.

The wall clock is compared with one that nobody sets. After a jump of more than five minutes two looks, half a minute
apart, must agree with the first before it is believed again; a machine that starts in the past of its own ledger is not
believed before that past is over, or a person says so.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreBusy
from relay.ticks import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store import Store

log = structlog.get_logger(__name__)

JUMP = 300.0
"""Seconds that the two clocks may drift apart between two looks."""
AGREE = 5.0
"""Seconds between what two looks say, for them to agree."""
PAUSE = 30.0
LOOKS = 2
CAUSE = "clock"
REMEDY = "see whether the machine keeps time (timedatectl); `relay texts on` says that it is right"


class Steady:
    """Watches a clock (Unix seconds) against `ticks` (seconds that no change of the clock moves)."""

    def __init__(self, clock: Callable[[], float], ticks: Callable[[], float] = elapsed) -> None:
        self._clock = clock
        self._ticks = ticks
        self._offset = clock() - ticks()
        self._newest: float | None = None
        self._jumped: float | None = None
        """The offset since the jump; None while the clock is believed."""
        self.set_back = False
        """Whether the clock was set back since somebody last asked; whoever heeds it sets it to False."""
        self.told: str | None = None
        """What was last written down of it."""
        self._agreed = 0
        self._looked_at = 0.0
        self._why = ""

    def begin(self, newest: float | None) -> None:
        """The relay starts; `newest` is the moment of its ledger's newest row, Unix seconds; None for no row."""
        self._newest = newest

    def believe(self) -> None:
        """A person says that the clock is right."""
        self._newest = self._jumped = None
        self._offset = self._clock() - self._ticks()

    def doubt(self) -> str | None:
        """Look, and say why the clock is not believed; None when it is."""
        now, ticks = self._clock(), self._ticks()
        offset = now - ticks
        if self._newest is not None:
            if now < self._newest - AGREE:
                self._offset = offset
                return f"the clock stands before {_say(self._newest)}, of which the ledger has something already"
            self._newest = None
        if self._jumped is None:
            moved = offset - self._offset
            if abs(moved) <= JUMP:
                self._offset = offset
                return None
            self._why = f"the clock jumped by {moved:+.0f} s, to {_say(now)}"
            self._jumped, self._agreed, self._looked_at = offset, 0, ticks
            self.set_back = moved < 0
        elif abs(offset - self._jumped) > AGREE:
            self._jumped, self._agreed, self._looked_at = offset, 0, ticks
        elif ticks - self._looked_at >= PAUSE:
            self._agreed, self._looked_at = self._agreed + 1, ticks
        if self._agreed < LOOKS:
            return self._why
        self._offset, self._jumped = offset, None
        return None


async def watch_clock(steady: Steady, store: Store, clock: Callable[[], float]) -> None:
    """Look at the clock once: raise or end the alert about it, and move to now what a later clock had planned."""
    now, why = clock(), steady.doubt()
    try:
        if steady.set_back:
            steady.set_back = False
            log.error("the clock was set back", moved=await store.set_back(now=now))
        if why == steady.told:
            return
        if why is None:
            await store.close_alert(CAUSE, now=now)
        elif await store.open_alert(CAUSE, f"{why}; texts wait", REMEDY, now=now):
            log.error("the clock is not believed; texts wait", why=why)
        steady.told = why
    except StoreBusy as error:
        log.warning("the ledger could not be told of the clock", why=str(error))


def _say(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
