"""One time for all relays: the database's.

Leases, due times and cooldowns of one relay are read by others, whose machines' clocks may be a minute apart. So each
asks the database what time it is, and counts on from there by a clock that nobody sets.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store.postgres.connection import ServerConnection


class ServerClock:
    """The database's time, as last asked."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        """`ticks` are seconds of a clock that nobody sets."""
        self._ticks = ticks
        self._at = time.time()
        self._ticked = ticks()

    def __call__(self) -> float:
        """Unix seconds."""
        return self._at + self._ticks() - self._ticked

    def ask(self, connection: ServerConnection) -> None:
        """Ask anew; the answer counts for the middle of the time that it took."""
        before = self._ticks()
        row = connection.execute("select extract(epoch from clock_timestamp())::float8 as now").fetchone()
        self._at, self._ticked = float(row["now"]), (before + self._ticks()) / 2
