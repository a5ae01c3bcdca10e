"""Calling a relay that plans and sends by NOTIFY, once for whatever was written meanwhile, and hearing by LISTEN.

A call names two: the first looks at once, the second a little later, in case the first is dead. All others sleep on.
Where it is about what one relay does for all, that one is the first.
Only a hint: whoever misses it looks by himself a few seconds later, so a database without NOTIFY serves as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from relay.store.nodes import ALIVE
from relay.store.postgres.connection import LOST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.store.postgres.address import Address

log = structlog.get_logger(__name__)

CHANNEL = "relay"
APART = 0.02
"""Seconds between two calls, at least."""
SECOND = 0.25
"""Seconds after which the second one that is called looks as well."""
LAST = 1.0
"""Seconds that a last call may take."""
AGAIN = 5.0
"""Seconds after which listening is tried again."""
_NAMED = "to:"
"""Before the names of those who are called; a call that begins otherwise says who calls, and is for everybody."""
_CALL = (
    f"select pg_notify('{CHANNEL}', coalesce((select '{_NAMED}' || string_agg(id, ',') from (select id from nodes "  # noqa: S608 - constants
    "where id <> $1 and roles like '%worker%' and seen_at > extract(epoch from clock_timestamp()) - $2 "
    "order by id in (select node from duties where name = $3) desc, random() limit 2) as few), $1))"
)


class Bell:
    """Calls the other relays on a database, and hears their calls."""

    def __init__(self, address: Address, pool: asyncpg.Pool[Any], node: str) -> None:
        """`node` is the name of this relay, which does not hear itself."""
        self._address = address
        self._pool = pool
        self._node = node
        self._rings = False
        self._duty = ""
        """What the next call is about, if it is about something that one does for all."""
        self._rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self, duty: str = "") -> None:
        """Something waits that others should do; with `duty`, that who does that for all should do."""
        if self._address.notify:
            self._duty = duty or self._duty
            if not self._rings:
                self._rings = True
                self._keep(self._ringing())
            self._rung.set()

    def listen(self, call: Callable[[], None]) -> None:
        """Hear the others from now on."""
        if self._address.listen is not None:
            self._keep(self._listening(self._address.listen, call))

    async def close(self) -> None:
        """Neither ring nor listen any more; who has only just rung, as a command of the shell, is still heard."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._rung.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await self._call()

    def _keep(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _ringing(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                await self._call()
            except asyncio.CancelledError:
                self._rung.set()
                raise
            await asyncio.sleep(APART)

    async def _call(self) -> None:
        duty, self._duty = self._duty, ""
        with contextlib.suppress(asyncpg.PostgresError, *LOST):  # they look by themselves before long
            await self._pool.execute(_CALL, self._node, ALIVE, duty)

    async def _listening(self, dsn: str, call: Callable[[], None]) -> None:
        later = Later(call)

        def heard(_connection: Any, _pid: int, _channel: str, said: object) -> None:
            place = place_in(str(said), self._node)
            if place == 0:
                call()
            elif place is not None:
                later.call()

        while True:
            try:
                await _listen(dsn, self._address.for_writing, heard, call)
            except (asyncpg.PostgresError, *LOST) as error:
                log.warning("calls of other relays are not heard; the ledger is looked at instead", why=str(error))
            await asyncio.sleep(AGAIN)


class Later:
    """Passes on a call a little later, and all that come meanwhile as one."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._waits = False

    def call(self) -> None:
        """Pass it on, unless one is to be passed on already."""
        if not self._waits:
            self._waits = True
            asyncio.get_running_loop().call_later(SECOND, self._pass)

    def _pass(self) -> None:
        self._waits = False
        self._call()


def place_in(said: str, node: str) -> int | None:
    """Which of those who are called a relay is, counted from 0; None if it is not called."""
    if said.startswith(_NAMED):
        names = said.removeprefix(_NAMED).split(",")
        return names.index(node) if node in names else None
    return None if said == node else 0


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
