"""This relay among those that share the ledger: it says that it lives, and does for all what it holds the duty of.

A duty is held by a lease that is renewed at every beat. A relay that is killed, frozen or cut off renews nothing, knows
by a clock that nobody sets that it may not go on, and another takes over: within half a minute. On a file there is
nobody else, and every duty is held without asking.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import structlog

import relay
from relay.errors import StoreBusy
from relay.store.nodes import ALIVE, ALONE, Node
from relay.ticks import elapsed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.store import Store

log = structlog.get_logger(__name__)

BEAT = 5.0
"""Seconds between two beats beside others."""
LEASE = 20.0
"""Seconds that a duty is held without another beat."""


async def who_does(store: Store, duty: str) -> Node | None:
    """Who has a duty by a lease that has not run out; on a file, where nobody asks for any, nobody."""
    now = store.clock()
    return next((node for node in await store.nodes() if duty in node.holds and now - node.seen_at < LEASE), None)


class Roster:
    """Who is at work, and who does what."""

    def __init__(
        self,
        store: Store,
        *,
        roles: Sequence[str],
        config: Callable[[], str],
        beaten: Callable[[Sequence[Node]], Awaitable[None]],
        ticks: Callable[[], float] = elapsed,
        beat: float = BEAT,
    ) -> None:
        """`config` is the short name of what is in force; `beaten` hears after every beat who lives.

        `beat` is how many seconds lie between two beats beside others.
        """
        self.others: tuple[Node, ...] = ()
        """Whoever else lives, as of the last beat."""
        self._store = store
        self._roles = roles
        self._config = config
        self._beaten = beaten
        self._ticks = ticks
        self._pause = beat
        self._started_at = store.clock()
        self._wanted: set[str] = set()
        self._held: frozenset[str] = frozenset()
        self._until = float("-inf")
        self._beat = asyncio.Event()
        self._saying = asyncio.Lock()
        """One word to the ledger at a time: an older one that is answered later would take a duty away again."""

    async def run(self) -> None:
        """Beat until cancelled; a ledger that is busy is told the next time."""
        while True:
            try:
                await self.beat()
            except StoreBusy as error:
                log.warning("the other relays could not be told that this one lives", why=str(error))
            await asyncio.sleep(self._pause if self._store.shared else ALONE)

    async def beat(self) -> None:
        """Say that this relay lives, take or keep its duties, and learn who else lives.

        Raises:
            StoreBusy: nobody could be told.
        """
        await self._say()
        listed = await self._store.nodes()
        mine, now = self._store.node, self._store.clock()
        self.others = tuple(node for node in listed if node.id != mine and now - node.seen_at < ALIVE)
        self._beat.set()
        self._beat = asyncio.Event()
        await self._beaten(self.others)

    async def _say(self) -> None:
        async with self._saying:
            began, now = self._ticks(), self._store.clock()
            oldest = await self._store.oldest_due()
            lag = None if oldest is None else max(0.0, now - oldest)
            held = await self._store.report(self._node(lag), sorted(self._wanted), now=now, lease=LEASE)
            if held != self._held:
                log.info("duties", holds=sorted(held))
            # Not until the lease ends in the ledger: whoever takes it then must find nobody at it.
            self._held, self._until = held, began + LEASE - self._pause

    def _node(self, lag: float | None) -> Node:
        return Node(
            self._store.node,
            socket.gethostname(),
            os.getpid(),
            relay.__version__,
            self._config(),
            ", ".join(self._roles),
            self._started_at,
            lag=lag,
        )

    @property
    def other_hands(self) -> int:
        """How many other relays that plan and send were alive at the last beat."""
        return sum("worker" in node.roles for node in self.others)

    def holds(self, duty: str) -> bool:
        """Whether a duty is this relay's now."""
        return not self._store.shared or (duty in self._held and self._ticks() < self._until)

    async def on_duty(self, duty: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop for as long as its duty is held, again and again; alone on a ledger, simply run it."""
        if not self._store.shared:
            await loop()
            return
        self._wanted.add(duty)
        while True:
            while not self.holds(duty):
                await self._next_beat()
            await self._while_held(duty, loop)

    async def once(self, duty: str, work: Callable[[], Awaitable[None]]) -> Node | None:
        """Do a piece of work that only one process does at a time, while its duty is held; in a shell as in a relay.

        Answers who has the duty, where that is somebody else and nothing was done. Work is broken off where this
        process stood still for so long that another may take over: then it answers who did, None where nobody has yet.

        Raises:
            StoreBusy: the ledger refused; nothing was done, or it was broken off.
        """
        if not self._store.shared:
            await work()
            return None
        for_good = duty in self._wanted
        self._wanted.add(duty)
        try:
            await self._say()
            while not self.holds(duty):
                if (holder := await self._who_has(duty)) is not None:
                    return holder
                await self._say()  # it was let go between the two questions
            beating = asyncio.ensure_future(self._keep_saying())
            try:
                ended = await self._while_held(duty, work)
            finally:
                beating.cancel()
                await asyncio.wait([beating])
            return None if ended else await self._who_has(duty)
        finally:
            if not for_good:
                self._wanted.discard(duty)
                async with self._saying:
                    with contextlib.suppress(StoreBusy):  # then its lease runs out
                        await self._store.drop_duty(duty)

    async def _who_has(self, duty: str) -> Node | None:
        """Who else has a duty."""
        mine = self._store.node
        return next((node for node in await self._store.nodes() if duty in node.holds and node.id != mine), None)

    async def _keep_saying(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            with contextlib.suppress(StoreBusy):  # the lease says how long that may last
                await self._say()

    async def _while_held(self, duty: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Run something until it ends, or the duty is lost; whether it came to its end."""
        task = asyncio.ensure_future(work())
        try:
            while self.holds(duty) and not task.done():
                await asyncio.wait([task], timeout=1.0)
        finally:
            task.cancel()
            await asyncio.wait([task])
        if task.cancelled():
            return False
        task.result()
        return True

    async def _next_beat(self) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._beat.wait()
        except TimeoutError:
            return

    async def leave(self) -> None:
        """Say goodbye, so that others take over at once."""
        try:
            await self._store.leave(self._store.node)
        except StoreBusy as error:
            log.warning("the other relays could not be told that this one ends", why=str(error))
