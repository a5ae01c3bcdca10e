"""Gives the ledger a sign of life, so that it knows of which times it knows nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.models import Outage
    from relay.store import Store

log = structlog.get_logger(__name__)

EVERY = 60.0


class Presence:
    """Somebody listens."""

    def __init__(self, store: Store, clock: Callable[[], float], learned: Callable[[tuple[Outage, ...]], None]) -> None:
        """`learned` is told of the outages that are not filled, after each look."""
        self._store = store
        self._clock = clock
        self._learned = learned

    async def run(self) -> None:
        """Say so every minute, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Say so once, and learn of outages; a ledger that is busy is told the next time."""
        now = self._clock()
        try:
            await self._store.alive(now=now)
            self._learned(await self._store.outages(now=now))
        except StoreBusy as error:
            log.warning("the ledger was given no sign of life", why=str(error))
