"""Waking other relays by NOTIFY, once for whatever was written meanwhile, and being woken by LISTEN.

Only a hint: whoever misses it looks by itself a few seconds later, so a database without NOTIFY serves as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from relay.store.postgres.connection import LOST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.store.postgres.address import Address

log = structlog.get_logger(__name__)

CHANNEL = "relay"
APART = 0.02
"""Seconds between two calls, at least."""
AGAIN = 5.0
"""Seconds after which listening is tried again."""


class Bell:
    """Calls the other relays on a database, and hears their calls."""

    def __init__(self, address: Address, pool: asyncpg.Pool[Any], node: str) -> None:
        """`node` is the name of this relay, which does not hear itself."""
        self._address = address
        self._pool = pool
        self._node = node
        self._rings = False
        self._rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self) -> None:
        """Something was written that others may act on."""
        if self._address.notify:
            if not self._rings:
                self._rings = True
                self._keep(self._ringing())
            self._rung.set()

    def listen(self, call: Callable[[], None]) -> None:
        """Hear the others from now on."""
        if self._address.listen is not None:
            self._keep(self._listening(self._address.listen, call))

    async def close(self) -> None:
        """Neither ring nor listen any more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _keep(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _ringing(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            with contextlib.suppress(asyncpg.PostgresError, *LOST):  # they look by themselves before long
                await self._pool.execute("select pg_notify($1, $2)", CHANNEL, self._node)
            await asyncio.sleep(APART)

    async def _listening(self, dsn: str, call: Callable[[], None]) -> None:
        def heard(_connection: Any, _pid: int, _channel: str, node: object) -> None:
            if node != self._node:
                call()

        while True:
            try:
                await _listen(dsn, self._address.for_writing, heard, call)
            except (asyncpg.PostgresError, *LOST) as error:
                log.warning("calls of other relays are not heard; the ledger is looked at instead", why=str(error))
            await asyncio.sleep(AGAIN)


async def _listen(dsn: str, how: Mapping[str, Any], heard: Callable[..., None], began: Callable[[], None]) -> None:
    """Listen on a connection of its own, until it breaks."""
    gone = asyncio.Event()
    settings = {"application_name": "relay listening"}
    raw = await asyncpg.connect(dsn, timeout=AGAIN, server_settings=settings, **how)
    try:
        raw.add_termination_listener(lambda _: gone.set())
        await raw.add_listener(CHANNEL, heard)
        began()  # for what was missed until now
        await gone.wait()
    finally:
        raw.terminate()
