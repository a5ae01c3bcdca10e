"""The store protocol on one SQLite file."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from relay.store.sqlite import arrivals, facts, queue, reading
from relay.store.sqlite.engine import Engine, connect_reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from relay.models import Attempt, Delivery, Event, Owned, Verdict
    from relay.store import (
        Accepted,
        Claimed,
        DecidePlan,
        DecideRipe,
        DecideText,
        Follow,
        Merge,
        RequestNote,
        Settlement,
        Taken,
        TextAddress,
        Want,
        Windows,
    )

T = TypeVar("T")


class SqliteStore:
    """The ledger in one file, or in memory where `path` is None.

    Opened for reading only, it needs no lock and works beside a running service.

    Raises:
        StoreUnusable: when the file cannot be used; the message says why and what to do.
    """

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        self.path = path
        self._engine = None if read_only else Engine(path)
        self._reader: sqlite3.Connection | None = None if path is None else connect_reader(path)
        self._reading = asyncio.Lock()

    @property
    def broken(self) -> str | None:
        """Why the file can no longer be trusted; None while it can."""
        return None if self._engine is None else self._engine.broken

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._engine is None:
            raise RuntimeError("this ledger was opened for reading only")
        return await self._engine.run(work)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._reader is None:
            return await self._write(work)
        async with self._reading:
            return await asyncio.to_thread(work, self._reader)

    async def accept(self, event: Event, body: bytes, merge: Merge) -> Accepted:
        return await self._write(partial(arrivals.accept, event=event, body=body, merge=merge))

    async def known(self, source: str, key: str) -> list[Event]:
        return await self._write(partial(arrivals.known, source=source, key=key))

    async def note_request(self, note: RequestNote) -> None:
        await self._write(partial(arrivals.note_request, note=note))

    async def plan(
        self, decide: DecidePlan, *, now: float, config: str, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        return await self._write(
            partial(queue.plan, decide=decide, now=now, config=config, windows=windows, prefix=prefix, limit=limit)
        )

    async def ripen(
        self, decide: DecideRipe, *, now: float, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        return await self._write(
            partial(queue.ripen, decide=decide, now=now, windows=windows, prefix=prefix, limit=limit)
        )

    async def claim(self, wants: Mapping[str, Want], *, now: float) -> Taken:
        return await self._write(partial(queue.claim, wants=wants, now=now))

    async def claim_unknown(self, *, now: float, lease: float, limit: int) -> list[Claimed]:
        return await self._write(partial(queue.claim_unknown, now=now, lease=lease, limit=limit))

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
        return await self._write(
            partial(
                queue.begin_text,
                delivery=delivery,
                address=address,
                decide=decide,
                follow=follow,
                now=now,
                windows=windows,
            )
        )

    async def settle(self, settlements: Sequence[Settlement], follow: Follow) -> int:
        return await self._write(partial(queue.settle, settlements=settlements, follow=follow))

    async def free_leases(self, *, now: float, settle: float, everything: bool) -> int:
        return await self._write(partial(queue.free_leases, now=now, settle=settle, everything=everything))

    async def next_due_at(self, connectors: Sequence[str], *, now: float) -> float | None:
        return await self._write(partial(queue.next_due_at, connectors=connectors, now=now))

    async def save_rule(self, version: str, name: str, form: str, now: float) -> None:
        await self._write(partial(reading.save_rule, version=version, name=name, form=form, now=now))

    async def owed_versions(self) -> list[tuple[str, str]]:
        return await self._write(reading.owed_versions)

    async def owed_connectors(self) -> set[str]:
        return await self._write(reading.owed_connectors)

    async def bury(self, connector: str, reason: str, *, now: float) -> int:
        return await self._write(partial(queue.bury, connector=connector, reason=reason, now=now))

    async def save_numbers(self, numbers: Sequence[Owned]) -> None:
        await self._write(partial(reading.save_numbers, numbers=numbers))

    async def numbers(self) -> list[Owned]:
        return await self._read(reading.numbers)

    async def states(self) -> dict[str, int]:
        return await self._read(reading.states)

    async def oldest_due(self) -> float | None:
        return await self._read(reading.oldest_due)

    async def event(self, reference: str) -> Event | None:
        return await self._read(partial(reading.event, reference=reference))

    async def events(self, *, limit: int, before: int | None = None, person: str | None = None) -> list[Event]:
        return await self._read(partial(reading.events, limit=limit, before=before, person=person))

    async def verdicts(self, event: str) -> tuple[Verdict, ...] | None:
        return await self._read(partial(reading.verdicts, event_id=event))

    async def deliveries(
        self, *, limit: int, state: str | None = None, event: str | None = None, before: int | None = None
    ) -> list[Delivery]:
        return await self._read(partial(reading.deliveries, limit=limit, state=state, event_id=event, before=before))

    async def attempts(self, delivery: str) -> list[Attempt]:
        return await self._read(partial(reading.attempts, delivery=delivery))

    async def texts(self, *, limit: int) -> list[dict[str, Any]]:
        return await self._read(partial(reading.texts, limit=limit))

    async def requests(self, *, limit: int, kind: str | None = None) -> list[RequestNote]:
        return await self._read(partial(arrivals.requests, limit=limit, kind=kind))

    async def totals(self) -> dict[str, int]:
        return await self._read(reading.totals)

    async def opt_out(self, person: str, *, now: float, how: str) -> None:
        await self._write(partial(facts.opt_out, number=person, now=now, how=how))

    async def opt_in(self, person: str) -> bool:
        return await self._write(partial(facts.opt_in, number=person))

    async def close(self) -> None:
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        if self._reader is not None:
            self._reader.close()
