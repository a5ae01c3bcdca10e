"""The store protocol, in SQL."""

from __future__ import annotations

import secrets
import time
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from relay.store.sealing import SEALED
from relay.store.sql import alarms, counts, facts, nodes, people, pruning, reading, sealing, upkeep
from relay.store.sql.acting import SqlActs
from relay.store.sql.looking import SqlLooks
from relay.store.sql.moving import SqlMoves
from relay.store.sql.working import SqlWork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.models import Alert, Owned
    from relay.store import Follow
    from relay.store.nodes import Node
    from relay.store.seal import Keys
    from relay.store.upkeep import Balance, Prunable, Pruned, Sizes


class SqlStore(SqlActs, SqlLooks, SqlMoves, SqlWork):
    """The whole protocol, the same on every backend; what keeps the ledger itself stands here."""

    shared = False

    def __init__(self, keys: Keys | None = None) -> None:
        """With `keys` the ledger is sealed."""
        self.node = secrets.token_hex(6)
        self.clock: Callable[[], float] = time.time
        self._keys = keys

    @abstractmethod
    async def shrink(self, *, limit: int = 500) -> int:
        """As the protocol says; each engine gives room back in a way of its own."""

    @abstractmethod
    async def sizes(self) -> Sizes:
        """As the protocol says."""

    async def save_numbers(self, numbers: Sequence[Owned]) -> None:
        await self._write(partial(reading.save_numbers, numbers=numbers))

    async def numbers(self) -> list[Owned]:
        return await self._read(reading.numbers)

    async def mark(self, name: str) -> float | None:
        return await self._write(partial(upkeep.mark, name=name))

    async def set_mark(self, name: str, at: float) -> None:
        await self._write(partial(upkeep.set_mark, name=name, at=at))

    async def prune(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        return await self._write(partial(pruning.prune, kind=kind, before=before, after=after, limit=limit))

    async def prunable(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        return await self._read(partial(pruning.prunable, kind=kind, before=before, after=after, limit=limit))

    @property
    def engine(self) -> str:
        return "a database server"

    @property
    def engine_trouble(self) -> tuple[str, str] | None:
        return None

    def unfit(self, decisions: object) -> str | None:  # noqa: ARG002 - the protocol
        return None

    async def damage(self) -> str | None:
        return None

    async def balance(self) -> Balance:
        return await self._read(counts.balance)

    async def restored(self) -> bool:
        return await self._read(upkeep.restored)

    async def texts_after_restore(self, follow: Follow, *, now: float) -> int:
        return await self._write(partial(upkeep.texts_after_restore, follow=follow, now=now))

    async def open_alert(self, cause: str, what: str, remedy: str, *, now: float) -> bool:
        return await self._write(partial(alarms.open_alert, cause=cause, what=what, remedy=remedy, now=now))

    async def close_alert(self, cause: str, *, now: float) -> bool:
        return await self._write(partial(alarms.close_alert, cause=cause, now=now))

    async def alert_told(self, alert: int, *, now: float) -> None:
        await self._write(partial(alarms.alert_told, alert=alert, now=now))

    async def owed_since(self) -> Mapping[str, float]:
        return await self._read(alarms.owed_since)

    async def alerts(
        self, *, open_only: bool = False, limit: int = 100, before: int | None = None
    ) -> tuple[Alert, ...]:
        return await self._read(partial(alarms.alerts, open_only=open_only, limit=limit, before=before))

    def on_call(self, call: Callable[[], None]) -> None:
        pass

    def call_others(self, duty: str = "") -> None:
        pass

    async def report(self, node: Node, wants: Sequence[str], *, now: float, lease: float) -> frozenset[str]:
        return await self._write(
            partial(nodes.report, node=node, wants=wants, now=now, lease=lease, alone=not self.shared)
        )

    async def drop_duty(self, name: str) -> None:
        await self._write(partial(nodes.drop_duty, name=name, node=self.node))

    async def leave(self, node: str) -> None:
        await self._write(partial(nodes.leave, node=node))

    async def nodes(self) -> list[Node]:
        return await self._read(nodes.nodes)

    async def forget(self, person: str, *, now: float) -> int:
        self._note_erasure(await self._write(partial(facts.person, number=person)))
        return await self._write(partial(people.forget, person=person, now=now))

    async def forget_again(self, *, now: float) -> int:
        digests = self._erasures()
        return await self._write(partial(people.forget_all, digests=digests, now=now)) if digests else 0

    def _note_erasure(self, digest: bytes) -> None:
        """Remember outside the ledger that somebody was erased, for when a copy from before is put back."""

    def _erasures(self) -> frozenset[bytes]:
        """The digests that were remembered so."""
        return frozenset()

    async def reseal(self) -> int:
        keys, done = self._keys, 0
        if keys is None:
            return 0
        # In pieces, so that nobody waits; one that is cut short is begun again under both keys.
        for table in SEALED:
            after: sealing.Key | None = ()
            while after is not None:
                some, after = await self._write(partial(sealing.reseal_some, table=table, after=after or None))
                done += some
        await self._write(partial(sealing.reseal_keys, keys=keys))
        return done

    @property
    def sealed(self) -> bool:
        return self._keys is not None
