"""A clock that nobody sets."""

from __future__ import annotations

import time

_SLEEP_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds since some moment; no change of the wall clock moves them, and a machine asleep counts on."""
    return time.clock_gettime(_SLEEP_COUNTS)
