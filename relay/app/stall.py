"""Notices when the loop that everything runs on is blocked, and says by what: a thread looks whether it still beats."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

BLOCKED = 2.0
"""Seconds without a beat beyond the pause between two of them."""
_LOOK = 0.5


class StallWatch:
    """Beaten by the loop every `pause` seconds; tells once of each standstill, with where the loop's thread was."""

    def __init__(self, pause: float, told: Callable[[], None] = lambda: None) -> None:
        self._most = pause + BLOCKED
        self._told = told
        self._beat_at = time.monotonic()
        self._owner = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)

    def start(self) -> None:
        """Begin; to be called on the loop's thread."""
        self._owner = threading.get_ident()
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """The loop lives."""
        self._beat_at = time.monotonic()

    def stop(self) -> None:
        """Come to an end."""
        self._over.set()

    def _watch(self) -> None:
        told_of = -1.0
        looked_at = time.monotonic()
        while not self._over.wait(_LOOK):
            now, beat_at = time.monotonic(), self._beat_at
            slept, looked_at = now - looked_at, now
            # Where this thread stood still too, the whole process did: nothing blocked the loop.
            if now - beat_at < self._most or beat_at == told_of or slept > BLOCKED:
                continue
            told_of = beat_at
            self._told()
            frame = sys._current_frames().get(self._owner)  # noqa: SLF001 - the documented way to another thread's stack
            where = "".join(traceback.format_stack(frame)) if frame is not None else ""
            log.critical("the relay's loop is blocked", seconds=round(now - beat_at, 1), where=where)
