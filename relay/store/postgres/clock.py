"""One time for all relays: the database's.

Leases, due times and cooldowns of one relay are read by others, whose machines' clocks may be a minute apart. So each
asks the database what time it is, and counts on from there by a clock that nobody sets.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from relay.ticks import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store.postgres.connection import ServerConnection

_ASKED = 3
"""Times that a slow answer is asked for anew."""
_SOON = 1.0
"""Seconds within which an answer is good."""


class ServerClock:
    """The database's time, as last asked."""

    def __init__(self, ticks: Callable[[], float] = elapsed) -> None:
        """`ticks` are seconds of a clock that nobody sets."""
        self._ticks = ticks
        self._at = time.time()
        self._ticked = ticks()
        self._took = float("inf")
        """Seconds that the answer took that is believed; it is wrong by half of them at most."""

    def __call__(self) -> float:
        """Unix seconds."""
        return self._at + self._ticks() - self._ticked

    def ask(self, connection: ServerConnection) -> None:
        """Ask anew; the answer counts for the middle of the time that it took.

        One that took long, as when this relay was frozen meanwhile, is not believed: another is asked for, and what
        was known before stands if all are slow.
        """
        for _ in range(_ASKED):
            before = self._ticks()
            row = connection.execute("select extract(epoch from clock_timestamp())::float8 as now").fetchone()
            took = self._ticks() - before
            if took <= max(self._took, _SOON):
                self._at, self._ticked, self._took = float(row["now"]), before + took / 2, took
            if took <= _SOON:
                return
