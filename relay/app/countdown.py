"""One span of time for several things that must end: what is late is left behind, so that the rest still ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable

log = structlog.get_logger(__name__)


class Countdown:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds(self) -> float:
        """What is left."""
        return max(0.0, self._end - time.monotonic())

    async def spend(self, work: Awaitable[Any], *, keep: float = 0.0) -> bool:
        """Wait for something until `keep` seconds are left; False when it had to be left behind.

        Raises:
            Exception: as the work raises it.
        """
        task = asyncio.ensure_future(work)
        await asyncio.wait([task], timeout=max(0.0, self.seconds - keep))
        if task.done():
            task.result()
            return True
        task.cancel()
        log.error("a part of the relay did not end in time and is left behind")
        return False
