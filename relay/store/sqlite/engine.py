"""The one writing connection, on a thread of its own, with group commit.

Whatever waits in the queue is run and committed together; each caller resumes after its commit. A piece of work that
fails rolls back alone. SQLite before 3.51.3 can lose writes when two connections checkpoint at the wrong moment, so
nothing else ever writes to the file (https://sqlite.org/releaselog/3_51_3.html), and a lock file keeps second
processes away.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from typing import TYPE_CHECKING, TypeVar

import sqlite_utils

from relay.errors import StoreBusy, StoreUnusable
from relay.store.sqlite.schema import LATEST, migrations

if TYPE_CHECKING:
    from pathlib import Path
    from collections.abc import Callable

T = TypeVar("T")
Work = "tuple[Callable[[sqlite3.Connection], T], asyncio.Future[T], asyncio.AbstractEventLoop]"

BATCH = 256
"""Pieces of work in one commit at most."""
BUSY_SECONDS = 5.0


class Engine:
    """Runs pieces of work on the file, in the order they came, several to a commit."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._lock = None if path is None else _take_lock(path)
        self._broken: str | None = None
        self._closing = False
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

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run one piece of work in the next transaction; resumes after its commit.

        Raises:
            StoreBusy: nothing was written: the disk is full, the file locked, or the ledger closing.
        """
        if self._broken or self._closing:
            raise StoreBusy(self._broken or "the ledger is closing")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put((work, future, loop))
        # Shielded: a caller that goes away does not undo what is already on its way to the disk.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Finish what waits, then close the file."""
        if self._closing:
            return
        self._closing = True
        self._queue.put(None)
        self._thread.join()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        try:
            connection = connect(self.path)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that is opening
            self._opened.put(error)
            return
        self._opened.put(None)
        try:
            while self._commit_next(connection):
                pass
        finally:
            connection.close()

    def _commit_next(self, connection: sqlite3.Connection) -> bool:
        """Wait for work, commit one batch; False when the last of it is done."""
        first = self._queue.get()
        batch, last = [], first is None
        if not last:
            batch.append(first)
        while not last and len(batch) < BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                last = True
            else:
                batch.append(item)
        if batch:
            _answer(self._transact(connection, batch))
        return not last

    def _transact(self, connection: sqlite3.Connection, batch: list) -> list:  # type: ignore[type-arg]
        outcomes = []
        try:
            connection.execute("begin immediate")
            for work, future, loop in batch:
                outcomes.append((loop, future, *_attempt(connection, work)))
            connection.execute("commit")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("rollback")
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT}:
                # A failed fsync may have lost pages that a second fsync would call safe: stop acknowledging.
                self._broken = f"the ledger's file failed ({error}); the relay stops and must be started again"
            busy = StoreBusy(f"the ledger could not be written: {error}")
            return [(loop, future, None, busy) for _, future, loop in batch]
        return outcomes


def _attempt(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]
) -> tuple[T | None, BaseException | None]:
    """One piece of work under a savepoint. An error of the disk ends the whole batch; any other ends only this piece."""
    connection.execute("savepoint piece")
    try:
        result = work(connection)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the caller who asked for it
        connection.execute("rollback to piece")
        connection.execute("release piece")
        return None, error
    connection.execute("release piece")
    return result, None


def _answer(outcomes: list) -> None:  # type: ignore[type-arg]
    by_loop: dict[asyncio.AbstractEventLoop, list] = {}  # type: ignore[type-arg]
    for loop, future, result, error in outcomes:
        by_loop.setdefault(loop, []).append((future, result, error))
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list) -> None:  # type: ignore[type-arg]
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def connect(path: Path | None) -> sqlite3.Connection:
    """The writing connection, its schema brought up to date.

    Raises:
        StoreUnusable: the file cannot be opened, is damaged, or is newer than this program.
    """
    try:
        connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, check_same_thread=True)
        connection.row_factory = sqlite3.Row
        for pragma in (
            f"busy_timeout = {int(BUSY_SECONDS * 1000)}",
            "journal_mode = wal",
            "synchronous = full",
            "foreign_keys = on",
            "trusted_schema = off",
            "temp_store = memory",
            "cache_size = -16000",
        ):
            connection.execute(f"pragma {pragma}")
        database = sqlite_utils.Database(connection)
        known = {migration.name for migration in migrations.applied(database)}
        if known - LATEST:
            connection.close()
            raise StoreUnusable(f"{path} was written by a newer version of the relay; use that version, or a backup")
        migrations.apply(database)
    except sqlite3.Error as error:
        raise StoreUnusable(
            f"the ledger {path} cannot be opened: {error}. Check that its folder exists and can be written"
        ) from None
    if path is not None:
        path.chmod(0o600)
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read and never checkpoints.

    Raises:
        StoreUnusable: there is no such file, or it cannot be read.
    """
    if not path.exists():
        raise StoreUnusable(f"there is no ledger at {path} yet; `relay serve` makes it on its first start")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("pragma query_only = on")
        connection.execute(f"pragma busy_timeout = {int(BUSY_SECONDS * 1000)}")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise StoreUnusable(f"the ledger {path} cannot be read: {error}") from None
    return connection


def _take_lock(path: Path) -> int:
    """Hold the ledger's lock file for the life of the process.

    Raises:
        StoreUnusable: another process holds it, or the folder cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(f"the ledger's folder {path.parent} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreUnusable(
            f"another relay (process {holder}) already serves the ledger {path}; stop it first"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
