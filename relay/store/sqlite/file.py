"""The ledger in one SQLite file: how its connections are opened, used from other threads, and closed."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from relay.errors import StoreBusy, StoreUnusable
from relay.store.sql.store import SqlStore
from relay.store.sqlite import erasures, sweeping, version
from relay.store.sqlite import size as sizing
from relay.store.sqlite.apart import Apart
from relay.store.sqlite.engine import Engine
from relay.store.sqlite.opening import open_reader
from relay.store.sqlite.patience import READ_SECONDS, within
from relay.store.sqlite.wire import unfit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from relay.models import Event
    from relay.store import Accepted, Merge, RequestNote, Wish
    from relay.store.seal import Keys
    from relay.store.sqlite.asking import Asking
    from relay.store.sqlite.ballast import Ballast
    from relay.store.sqlite.connection import FileConnection
    from relay.store.upkeep import Sizes

T = TypeVar("T")
SILENT = 30.0
"""Seconds after which a ledger that answers nobody takes nothing new in, so that senders come again."""
_FULL = "the disk is full; make room, or shorten retention"
I = TypeVar("I")  # noqa: E741 - the I of item


class SqliteStore(SqlStore):
    """The ledger in one file, or in memory where `path` is None.

    Opened for reading only, it needs no lock and works beside a running service. With `keys` it is sealed.

    Raises:
        StoreUnusable: when the file cannot be used; the message says why and what to do.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        read_only: bool = False,
        keys: Keys | None = None,
        ballast: Ballast | None = None,
        apart: Apart | None = None,
    ) -> None:
        """`ballast` is the room on the disk that is kept for when it is full; with `apart` another process writes."""
        super().__init__(keys)
        self.path = path
        self._engine: Asking | None = None
        if apart is not None:
            apart.wait()
            self._engine = apart
        elif not read_only:
            self._engine = Engine(path, keys, ballast)
        self._reader: FileConnection | None = None
        self._reading: ThreadPoolExecutor | None = None
        self._sweeping = asyncio.Lock()
        self._sweep: asyncio.Task[None] | None = None
        self._leaving = asyncio.Lock()
        if path is None:
            return
        try:
            self._reader = open_reader(path, keys)
        except BaseException:
            if isinstance(self._engine, Engine):
                self._engine.close()
            if isinstance(self._engine, Apart):
                self._engine.abandon()
            raise
        # One thread: a reading whose caller went away still has the connection to itself until it ends.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="ledger-reader")

    @property
    def broken(self) -> str | None:
        """Why the file can no longer be trusted; None while it can."""
        return None if self._engine is None else self._engine.broken

    @property
    def strained(self) -> str | None:
        """Why nothing new is taken in, although what is owed is still written down; None while all is well."""
        if isinstance(self._engine, Apart) and self._engine.silent > SILENT:
            return f"its process has not answered for {self._engine.silent:.0f} s"
        return _FULL if self._engine is not None and self._engine.strained else None

    async def accept(self, event: Event, body: bytes, merge: Merge) -> Accepted:
        self._require_room()
        return await super().accept(event, body, merge)

    async def accept_text(self, event: Event, body: bytes, wish: Wish | None, *, now: float) -> Accepted:
        self._require_room()
        return await super().accept_text(event, body, wish, now=now)

    async def note_request(self, note: RequestNote) -> None:
        self._require_room()
        await super().note_request(note)

    def _require_room(self) -> None:
        if self.strained is not None:
            raise StoreBusy(self.strained)

    async def _write(self, work: Callable[[FileConnection], T]) -> T:
        if self._engine is None:
            raise RuntimeError("this ledger was opened for reading only")
        return await self._engine.run(work)

    async def _write_together(self, work: Callable[[FileConnection, Sequence[I]], Sequence[T]], item: I) -> T:
        if self._engine is None:
            raise RuntimeError("this ledger was opened for reading only")
        return await self._engine.run_together(work, item)

    async def _read(self, work: Callable[[FileConnection], T]) -> T:
        if self.path is None:
            return await self._write(work)
        if self._reader is None or self._reading is None:
            raise StoreBusy("the ledger is closed")
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._reading, within, READ_SECONDS, self._reader, work)
        except sqlite3.Error as error:
            raise StoreBusy(f"the ledger could not be read: {error}") from error

    @property
    def engine(self) -> str:
        """As relay/store/upkeep.py says."""
        return version.said()

    @property
    def engine_trouble(self) -> tuple[str, str] | None:
        """As relay/store/upkeep.py says."""
        return version.trouble()

    def unfit(self, decisions: object) -> str | None:
        """As relay/store/upkeep.py says."""
        return unfit(decisions) if isinstance(self._engine, Apart) else None

    async def forget(self, person: str, *, now: float) -> int:
        return await self._and_sweep(super().forget(person, now=now))

    async def forget_again(self, *, now: float) -> int:
        return await self._and_sweep(super().forget_again(now=now)) if self._erasures() else 0

    async def reseal(self) -> int:
        return await self._and_sweep(super().reseal())

    async def _and_sweep(self, work: Awaitable[int]) -> int:
        """Do it, and have nothing of what it erased left in the file and its log."""
        if self.path is None:
            return await work
        async with self._sweeping:
            sweeping.owe(self.path)
            done = await work
            # Whoever asked may go away: what was begun is brought to its end.
            self._sweep = asyncio.create_task(sweeping.sweep(self.path, self._write))
            try:
                await asyncio.shield(self._sweep)
            except (OSError, StoreUnusable) as error:
                sweeping.tell(error)
        return done

    async def damage(self) -> str | None:
        return await self._read(sizing.damage)

    async def shrink(self, *, limit: int = 500) -> int:
        return await self._write(partial(sizing.shrink, limit=limit))

    async def sizes(self) -> Sizes:
        return await self._read(partial(sizing.sizes, path=self.path))

    def _note_erasure(self, digest: bytes) -> None:
        if self.path is not None:
            erasures.note(self.path, digest)

    def _erasures(self) -> frozenset[bytes]:
        return frozenset() if self.path is None else erasures.noted(self.path)

    async def close(self) -> None:
        async with self._leaving:
            reader, reading = self._reader, self._reading
            self._reader = self._reading = None
            if reader is not None and reading is not None:
                # Before the writer, which empties its log into the file only when it is the last to leave.
                await asyncio.to_thread(reading.shutdown)
                reader.close()
            if self._engine is not None:
                await self._engine.end()
