"""Keeps the relay's loops running: one that falls over is started again, and one that stands still is told of."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

log = structlog.get_logger(__name__)

FALLS = 3
"""Falls in a row after which the relay is not ready."""
WELL = 60.0
"""Seconds that a loop has to run for its falls to be forgotten."""
SILENT = 30.0
"""Seconds without a beat after which a loop stands still."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class _Kept:
    """A loop, how often it fell in a row, and why last; `began` on the monotonic clock."""

    began: float
    beat: Callable[[], float] | None
    falls: int = 0
    why: str = ""
    silent: bool = False


class Supervisor:
    """Loops by their names; `ticks` are monotonic seconds, as the beats are."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._kept: dict[str, _Kept] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def keep(self, name: str, loop: Callable[[], Awaitable[None]], beat: Callable[[], float] | None = None) -> None:
        """Run a loop for ever; `beat` answers when it last showed that it lives, on the monotonic clock."""
        self._kept[name] = kept = _Kept(self._ticks(), beat)
        self._tasks.append(asyncio.get_running_loop().create_task(self._run(name, loop, kept), name=name))

    def reasons(self) -> list[str]:
        """Which loops do not do their work, and why."""
        now = self._ticks()
        found = []
        for name, kept in self._kept.items():
            if kept.falls >= FALLS and now - kept.began < WELL:
                found.append(f"{name}: {kept.why}")
            elif (still := self._still(kept, now)) is not None:
                found.append(f"{name}: has stood still for {still:.0f} s")
        return found

    def look(self) -> None:
        """Tell of loops that stand still, once each time; a watcher calls it every second or so."""
        now = self._ticks()
        for name, kept in self._kept.items():
            still = self._still(kept, now)
            if still is not None and not kept.silent:
                log.critical("a part of the relay stands still", part=name, seconds=round(still))
            kept.silent = still is not None

    async def stop(self) -> None:
        """End every loop."""
        await end(self._tasks)

    def _still(self, kept: _Kept, now: float) -> float | None:
        """Seconds for which a loop has stood still; None while it moves."""
        if kept.beat is None:
            return None
        still = now - max(kept.began, kept.beat())
        return still if still > SILENT else None

    async def _run(self, name: str, loop: Callable[[], Awaitable[None]], kept: _Kept) -> None:
        while True:
            kept.began = self._ticks()
            try:
                await loop()
            except Exception as error:
                kept.why = f"{type(error).__name__}: {error}"
                log.exception("a part of the relay fell over and is started again", part=name)
            else:
                kept.why = "it ended by itself"
            kept.falls = 1 if self._ticks() - kept.began >= WELL else kept.falls + 1
            await asyncio.sleep(min(_FIRST_PAUSE * 2 ** (kept.falls - 1), _LONGEST_PAUSE))


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they are over: Python 3.11's `wait_for` can swallow a cancellation (its issue 86296)."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)
