"""Starting: the time of `relay --help`, and until a fresh relay answers; memory at rest."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.rig import relay

if TYPE_CHECKING:
    from collections.abc import Iterator


def _help() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "relay", "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def _started() -> tuple[float, float]:
    with relay() as server:
        return server.ready, server.memory()


def starting(setting: Setting) -> Iterator[Figure]:
    """Each as a whole process."""
    yield Figure("relay --help", median(_help() for _ in range(3 * setting.rounds)), "s", 0.2, at_most=True)
    started = [_started() for _ in range(setting.rounds)]
    yield Figure("relay serve ready, empty ledger", median(ready for ready, _ in started), "s", 1, at_most=True)
    yield Figure("memory at rest", median(held for _, held in started), "MB", 100, at_most=True)
