"""Bounds in time for many things at once, on one timer: a timer for each costs more than all else about it.

Hardly anything reaches its bound. So the timer is set to the earliest that there was, and when it rings, it looks which
are still there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_EARLY = 0.001
"""Seconds that a timer may ring early: loops count in milliseconds."""


class Deadlines:
    """All bounds of one part of the relay."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[Bound] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    def within(self, seconds: float) -> Bound:
        """A bound for the block of a `with`, as `asyncio.timeout` is one.

        Raises:
            TimeoutError: the block took longer, and was cancelled.
        """
        return Bound(self, seconds)

    def add(self, bound: Bound) -> None:
        """Watch a bound from now on."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # what another loop left behind never rings
            self._loop, self._open, self._timer = loop, set(), None
        bound.at = loop.time() + bound.seconds
        self._open.add(bound)
        if self._timer is None or bound.at < self._rings_at:
            self._set(loop, bound.at)

    def discard(self, bound: Bound) -> None:
        """Watch it no longer."""
        self._open.discard(bound)

    def _set(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at, self._timer = at, loop.call_at(at, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time() + _EARLY
        for bound in [bound for bound in self._open if bound.at <= now]:
            self._open.discard(bound)
            bound.end()
        if self._open:
            self._set(loop, min(bound.at for bound in self._open))


class Bound:
    """How long one block may take; used once."""

    __slots__ = ("_before", "_deadlines", "_over", "_task", "at", "seconds")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self.seconds = seconds
        self.at = 0.0
        """On the loop's clock."""
        self._deadlines = deadlines
        self._over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only what runs in a task can be bounded")
        self._task, self._before = task, task.cancelling()
        self._deadlines.add(self)

    def end(self) -> None:
        """Its time is over."""
        self._over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Only a cancellation that is ours alone becomes a TimeoutError."""
        self._deadlines.discard(self)
        if self._over and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
