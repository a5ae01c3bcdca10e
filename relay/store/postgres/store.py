"""The store protocol on PostgreSQL: the shared SQL, and what many relays at once need done in another way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from relay.errors import StoreUnusable
from relay.store import Planned, Taken
from relay.store.postgres import arriving, claiming, planning, sizes, texting
from relay.store.postgres.address import read_address
from relay.store.postgres.clock import ServerClock
from relay.store.postgres.engine import end_stuck
from relay.store.postgres.looking import Looks
from relay.store.postgres.opening import open_engine
from relay.store.sql import sealing, settling, texts, upkeep
from relay.store.sql.arrivals import Arrival
from relay.store.sql.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.models import Delivery, Event
    from relay.store import (
        Accepted,
        Claimed,
        DecidePlan,
        DecideRipe,
        DecideText,
        Follow,
        ForeignText,
        Merge,
        Settlement,
        TextAddress,
        Want,
        Windows,
        Wish,
    )
    from relay.store.nodes import Node
    from relay.store.postgres.connection import ServerConnection
    from relay.store.postgres.engine import Engine
    from relay.store.seal import Keys, Seal
    from relay.store.upkeep import Sizes

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


class PostgresStore(SqlStore):
    """The ledger in a database that any number of relays share. Opened by `await PostgresStore.open(url)`."""

    path = None
    shared = True

    def __init__(self, engine: Engine, *, read_only: bool, keys: Keys | None) -> None:
        super().__init__(keys)
        self._server_clock = ServerClock()
        self.clock = self._server_clock
        self._engine = engine
        self._bell = engine.bell(self.node)
        self._read_only = read_only
        self._looks = Looks(self._read)
        self._accepted = False
        """Whether an event came through this relay since it last planned: then nobody need ask whether one waits."""
        self._versions: set[str] = set()
        """The versions of rules that this relay has read: what names another one is left to others."""

    @classmethod
    async def open(cls, url: str, *, read_only: bool = False, keys: Keys | None = None) -> Self:
        """Connect, and bring the schema up to date; with `keys` the ledger is sealed.

        Raises:
            StoreUnusable: the database cannot be used; the message says why and what to do.
        """
        address = read_address(url)
        engine = await open_engine(address, writes=not read_only)
        try:
            engine.seal = await engine.run(partial(_unlock, keys=keys, name=address.place, read_only=read_only))
        except StoreUnusable:
            await engine.close()
            raise
        store = cls(engine, read_only=read_only, keys=keys)
        await engine.read(store._server_clock.ask)
        return store

    @property
    def broken(self) -> str | None:
        """Never: a server that fails is reached again, or takes nothing."""
        return None

    async def _write(self, work: Callable[[ServerConnection], T]) -> T:
        if self._read_only:
            raise RuntimeError("this ledger was opened for reading only")
        return await self._engine.run(work)

    async def _write_together(self, work: Callable[[ServerConnection, Sequence[I]], Sequence[T]], item: I) -> T:
        if self._read_only:
            raise RuntimeError("this ledger was opened for reading only")
        return await self._engine.run_together(work, item)

    async def _read(self, work: Callable[[ServerConnection], T]) -> T:
        return await self._engine.read(work)

    async def plan_and_take(
        self,
        decide: DecidePlan,
        wants: Mapping[str, Want],  # noqa: ARG002 - nothing is taken: another relay may be idle
        *,
        now: float,
        config: str,
        windows: Windows,
        prefix: Callable[[str], str],
        limit: int,
    ) -> Planned:
        accepted, self._accepted = self._accepted, False
        if not accepted and not await self._read(planning.waits):
            return Planned(0)
        return await self._write(
            partial(planning.plan, decide=decide, now=now, config=config, windows=windows, prefix=prefix, limit=limit)
        )

    async def ripen(
        self, decide: DecideRipe, *, now: float, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        if not (await self._looks.ask(now)).ripe:
            return 0
        return await self._write(
            partial(
                planning.ripen,
                decide=decide,
                now=now,
                windows=windows,
                prefix=prefix,
                limit=limit,
                versions=self._versions,
            )
        )

    async def report(self, node: Node, wants: Sequence[str], *, now: float, lease: float) -> frozenset[str]:
        await self._engine.read(self._server_clock.ask)
        await self._engine.read(end_stuck)
        return await super().report(node, wants, now=now, lease=lease)

    async def claim(self, wants: Mapping[str, Want], *, now: float) -> Taken:
        if not (await self._looks.ask(now, wants)).due:
            return Taken(())
        return await self._write(partial(claiming.claim, wants=wants, now=now, versions=self._versions))

    async def claim_unknown(self, *, now: float, lease: float, limit: int) -> list[Claimed]:
        if not (await self._looks.ask(now)).unknown:
            return []
        return await self._write(partial(claiming.claim_unknown, now=now, lease=lease, limit=limit))

    async def next_due_at(self, connectors: Sequence[str], *, now: float, unknown: bool = True) -> float | None:
        return await self._read(partial(claiming.next_due_at, connectors=connectors, now=now, unknown=unknown))

    async def free_leases(self, *, now: float, settle: float, everything: bool) -> int:
        return await self._write(
            partial(claiming.free_leases, node=self.node, now=now, settle=settle, everything=everything)
        )

    async def begin_text(
        self,
        delivery: Delivery,
        address: TextAddress,
        decide: DecideText,
        follow: Follow,
        *,
        now: float,
        windows: Windows,
    ) -> Delivery:
        judge = partial(
            settling.begin_text,
            delivery=delivery,
            address=address,
            decide=decide,
            follow=follow,
            now=now,
            windows=windows,
        )
        return await self._write(partial(texting.begin, judge, delivery))

    async def settle(self, settlements: Sequence[Settlement], follow: Follow) -> int:
        return await self._write_together(planning.settle_all, (settlements, follow))

    async def accept(self, event: Event, body: bytes, merge: Merge) -> Accepted:
        accepted = await self._write_together(arriving.accept_all, Arrival(event, body, merge))
        self._accepted = True
        return accepted

    async def accept_text(self, event: Event, body: bytes, wish: Wish | None, *, now: float) -> Accepted:
        take = partial(texts.accept_text, event=event, body=body, wish=wish, now=now)
        return await self._write(partial(texting.alone, partial(arriving.about, event, take)))

    async def save_foreign_texts(self, listed: Sequence[ForeignText]) -> int:
        return await self._write(partial(texting.alone, partial(texts.save_foreign_texts, texts=listed)))

    async def opt_out(self, person: str, *, now: float, how: str) -> int:
        return await self._write(partial(texting.alone, partial(upkeep.opt_out, number=person, now=now, how=how)))

    async def cancel(self, ids: Sequence[str], follow: Follow, *, now: float) -> int:
        call_off = partial(upkeep.cancel, ids=ids, follow=follow, now=now)
        return await self._write(partial(planning.with_runs_of, call_off, ids))

    async def save_rule(self, version: str, name: str, form: str, now: float) -> None:
        await super().save_rule(version, name, form, now)
        self._versions.add(version)

    async def owed_versions(self) -> list[tuple[str, str]]:
        found = await super().owed_versions()
        self._versions.update(version for version, _ in found)
        return found

    async def shrink(self, *, limit: int = 500) -> int:  # noqa: ARG002 - the server gives room back by itself
        return await self._write(sizes.tidy)

    async def sizes(self) -> Sizes:
        return await self._read(sizes.sizes)

    def on_call(self, call: Callable[[], None]) -> None:
        self._bell.listen(call)

    def call_others(self, duty: str = "") -> None:
        self._bell.ring(duty)

    async def close(self) -> None:
        await self._bell.close()
        await self._engine.close()


def _unlock(connection: ServerConnection, *, keys: Keys | None, name: str, read_only: bool) -> Seal | None:
    """The seal of the ledger, which is begun where there are keys and none was; one relay at a time."""
    if not read_only:
        connection.lock("relay:seal")
    if not sealing.unlock(connection, keys, name) and keys is not None and not read_only:
        sealing.begin(connection, keys)
    return connection.seal
