"""The one writing connection, on a thread of its own, with group commit.

Whatever waits in the queue is run and committed together; each caller resumes after its commit. A piece of work that
fails rolls back alone. SQLite before 3.51.3 can lose writes when two connections checkpoint at the wrong moment, so
nothing else ever writes to the file (https://sqlite.org/releaselog/3_51_3.html), and a lock file keeps second
processes away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import structlog

from relay import failpoints
from relay.errors import StoreBusy, StoreUnusable
from relay.store.sqlite import sweeping
from relay.store.sqlite.connection import FileConnection, code_of
from relay.store.sqlite.opening import connect, take_lock
from relay.store.sqlite.pieces import Piece, only, run_apart, run_straight
from relay.store.sqlite.soundness import suspect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from relay.store.seal import Keys
    from relay.store.sqlite.ballast import Ballast

log = structlog.get_logger(__name__)

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item

BATCH = 256
"""Pieces of work in one commit at most."""
_LOOK_AGAIN = 1.0
"""Seconds between two looks whether a full disk has room again."""
_FATAL = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB}


class Engine:
    """Runs pieces of work on the file, in the order they came, several to a commit.

    Raises:
        StoreUnusable: the file cannot be opened.
    """

    def __init__(self, path: Path | None, keys: Keys | None = None, ballast: Ballast | None = None) -> None:
        self.path = path
        self.strained = False
        """Whether the disk was full lately: what is owed is still written down, and nothing new may come in."""
        self._ballast = ballast
        self._look_at = 0.0
        self._keys = keys
        self._queue: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Piece]] = {}
        """What was asked for in this turn of a loop, which is handed to the thread at its end."""
        self._lock = None if path is None else take_lock(path)
        self._broken: str | None = None
        self._closing = False
        self._gate = threading.Lock()
        """Nothing enters the queue behind the None that ends it."""
        self._opened: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()
        failure = self._opened.get()
        if failure is not None:
            self._release()
            raise failure

    @property
    def broken(self) -> str | None:
        """Why the file can no longer be trusted; None while it can."""
        return self._broken

    async def run(self, work: Callable[[FileConnection], T]) -> T:
        """Run one piece of work in the next transaction; resumes after its commit.

        Raises:
            StoreBusy: nothing was written: the disk is full, the file locked, or the ledger closing.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Piece(work, future, loop))
        return await future

    async def run_together(self, work: Callable[[FileConnection, Sequence[I]], Sequence[T]], item: I) -> T:
        """The same for work that is cheaper for several items at once: neighbours in the queue are done in one.

        Where that fails, each is done alone, so that one bad item fails no other.

        Raises:
            StoreBusy: as `run`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Piece(partial(only, work, item), future, loop, work, item))
        return await future

    def _put(self, piece: Piece) -> None:
        """Hand it to the thread at the end of this turn of the loop, with all else that the turn asks for.

        A caller that goes away does not undo what is on its way to the disk.
        """
        with self._gate:
            if self._broken or self._closing:
                raise StoreBusy(self._broken or "the ledger is closing")
            gathered = self._gathered.setdefault(piece.loop, [])
            gathered.append(piece)
        if len(gathered) == 1:
            piece.loop.call_soon(self._hand_over, piece.loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._gate:
            for piece in self._gathered.pop(loop, ()):
                self._queue.put(piece)

    def close(self) -> None:
        """Finish what waits, then close the file."""
        with self._gate:
            if not self._closing:
                self._closing = True
                for piece in chain.from_iterable(self._gathered.values()):
                    self._queue.put(piece)
                self._gathered.clear()
                self._queue.put(None)
        self._thread.join()
        self._release()

    def _release(self) -> None:
        with self._gate:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _run(self) -> None:
        try:
            connection = self._open()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that is opening
            self._opened.put(error)
            return
        self._opened.put(None)
        try:
            while batch := self._next_batch():
                self._transact(connection, batch)
                if connection.afterwards is not None:
                    _do_afterwards(connection)
                _answer(batch)
        finally:
            connection.close()
            if self._ballast is not None:
                self._ballast.drop()

    def _open(self) -> FileConnection:
        try:
            connection = connect(self.path, self._keys)
        except StoreUnusable:
            # A process that was killed on a full disk left its ballast behind.
            if self._ballast is None or not self._ballast.drop():
                raise
            connection = connect(self.path, self._keys)
        if self._ballast is not None:
            self._ballast.take()
        return connection

    def _next_batch(self) -> list[Piece]:
        """Wait for work, take what is there; nothing when the last of it is done."""
        first = self._queue.get()
        return [] if first is None else [first, *self._take(BATCH - 1)]

    def _take(self, most: int) -> list[Piece]:
        """What waits now."""
        taken: list[Piece] = []
        with contextlib.suppress(queue.Empty):
            while len(taken) < most:
                piece = self._queue.get_nowait()
                if piece is None:
                    self._queue.put(None)  # found again once what is at hand is committed
                    break
                taken.append(piece)
        return taken

    def _transact(self, connection: FileConnection, batch: list[Piece]) -> None:
        if self._broken:
            _refuse(batch, self._broken)
            return
        self._take_new_ballast()
        try:
            if not self._written(connection, batch, run_straight):
                self._written(connection, batch, run_apart)
        except Exception as error:  # noqa: BLE001 - every caller is told, and the thread lives on
            undone = _rolled_back(connection)
            if undone and code_of(error) == sqlite3.SQLITE_FULL and self._drop_ballast():
                self._transact(connection, batch)
                return
            if not undone or not isinstance(error, sqlite3.Error) or code_of(error) in _FATAL:
                # A failed fsync may have lost pages that a second fsync would call safe: stop acknowledging.
                self._broken = f"the ledger's file failed ({error}); the relay stops and must be started again"
                if self.path is not None:
                    suspect(self.path)
            _refuse(batch, f"the ledger could not be written: {error}")

    def _written(
        self, connection: FileConnection, batch: list[Piece], run: Callable[[FileConnection, Sequence[Piece]], bool]
    ) -> bool:
        """Run a batch and commit it; False where a piece failed that can be told apart only by running each alone."""
        connection.execute("begin immediate")
        connection.sums.clear()  # of a transaction that was undone
        done = run(connection, batch)
        while done and (late := self._take(BATCH - len(batch))):
            batch += late
            done = run(connection, late)
        if not done:
            connection.execute("rollback")
            connection.afterwards = None
            return False
        connection.write_sums()
        failpoints.reach("ledger_committing")
        connection.execute("commit")
        failpoints.reach("ledger_committed")
        return True

    def _drop_ballast(self) -> bool:
        """Give the room that was kept to what is owed; False where there is none to give."""
        if self._ballast is None or not self._ballast.held:
            return False
        self._ballast.drop()
        self.strained, self._look_at = True, time.monotonic() + _LOOK_AGAIN
        log.critical("the disk is full: nothing new is taken in until there is room; what is owed is still delivered")
        return True

    def _take_new_ballast(self) -> None:
        """Look whether the disk has room again, once a second while it had none."""
        if not self.strained or self._ballast is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_AGAIN
        if self._ballast.take():
            self.strained = False
            log.info("the disk has room again")


def _do_afterwards(connection: FileConnection) -> None:
    act, connection.afterwards = connection.afterwards, None
    try:
        if act is not None:
            act(connection)
    except (sqlite3.Error, OSError, StoreUnusable) as error:
        sweeping.tell(error)


def _rolled_back(connection: FileConnection) -> bool:
    """Whether nothing of the transaction is left; SQLite itself has ended it after some faults."""
    try:
        if connection.in_transaction:
            connection.execute("rollback")
    except sqlite3.Error:
        return False
    return True


def _refuse(batch: list[Piece], why: str) -> None:
    for piece in batch:
        piece.error = StoreBusy(why)


def _answer(batch: list[Piece]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Piece]] = {}
    for piece in batch:
        by_loop.setdefault(piece.loop, []).append(piece)
    for loop, pieces in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_answer_all, pieces)


def _answer_all(pieces: list[Piece]) -> None:
    for piece in pieces:
        piece.answer()
