"""Opening the ledger's file: one process at a time, nobody else's eyes, a schema this program knows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreHeld, StoreUnusable
from relay.store.sql.sealing import begin, unlock
from relay.store.sqlite.beside import open_beside
from relay.store.sqlite.connection import FileConnection, SealedConnection
from relay.store.sqlite.generation import take_over
from relay.store.sqlite.migrating import applied, migrate
from relay.store.sqlite.schema import LATEST
from relay.store.sqlite.soundness import prove
from relay.store.sqlite.sweeping import is_owed, owe, sweep_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.store.seal import Keys

BUSY_SECONDS = 5.0
WAL_KEPT = 16 * 2**20
"""Bytes that the log of what is not in the file yet keeps after it was emptied."""
_INCREMENTAL = 2
_ROOM = 3
"""How many times its size a file needs free to be written anew: its copy, and the log of that."""
_OUTLIVES = 2.0
"""Seconds for which a lock may outlive the process that it names."""
_LOCK_MOST = 300
"""Bytes of a lock file: a process id and an address."""

log = structlog.get_logger(__name__)
_NO_LEDGER = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def connect(path: Path | None, keys: Keys | None = None) -> FileConnection:
    """The writing connection, its schema brought up to date; in memory where there is no path.

    With `keys` a ledger that is plain is sealed first.

    Raises:
        StoreUnusable: the file cannot be opened, is damaged, is something else, is newer than this program, or is
            sealed with another key.
    """
    with _opening(path) as opened:
        if path is not None:
            prove(path)
            _make_private(path)
        connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, factory=_kind(keys))
        opened.callback(connection.close)
        connection.row_factory = sqlite3.Row
        _learn_to_shrink(connection, path)
        for pragma in (
            f"busy_timeout = {int(BUSY_SECONDS * 1000)}",
            "journal_mode = wal",
            "synchronous = full",
            "foreign_keys = on",
            "trusted_schema = off",
            "secure_delete = on",
            "temp_store = memory",
            "cache_size = -16000",
            f"journal_size_limit = {WAL_KEPT}",
        ):
            connection.execute(f"pragma {pragma}")
        is_sealed = bool(applied(connection, path)) and unlock(connection, keys, str(path))
        migrate(connection, path)
        if keys is not None and not is_sealed:
            _seal(connection, keys, path)
        if path is not None and is_owed(path):
            sweep_at_once(connection, path)
        if path is not None:
            take_over(connection, path)
    return connection


def open_reader(path: Path, keys: Keys | None) -> FileConnection:
    """A connection that reads what is sealed.

    Raises:
        StoreUnusable: as `connect_reader`, and where the key of a sealed ledger is missing or another one.
    """
    with _opening(path) as opened:
        connection = connect_reader(path, kind=_kind(keys))
        opened.callback(connection.close)
        unlock(connection, keys, str(path))
    return connection


def connect_reader(path: Path, how: str = "mode=ro", kind: type[FileConnection] = FileConnection) -> FileConnection:
    """A connection that can only read and never checkpoints; any thread may use it, one at a time.

    `how` is SQLite's: `immutable=1` leaves no trace beside a file that nobody uses.

    Raises:
        StoreUnusable: there is no such file, it cannot be read, or its schema is not the one this program knows.
    """
    if not path.exists():
        raise StoreUnusable(f"there is no ledger at {path} yet; `relay serve` makes it on its first start")
    with _opening(path) as opened:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False, factory=kind
        )
        opened.callback(connection.close)
        connection.row_factory = sqlite3.Row
        connection.execute(f"pragma busy_timeout = {int(BUSY_SECONDS * 1000)}")
        connection.execute("pragma query_only = on")
        if LATEST - applied(connection, path):
            raise StoreUnusable(f"{path} is not a ledger of this version yet; `relay serve` brings it up to date")
    return connection


@contextlib.contextmanager
def _opening(path: Path | None) -> Iterator[contextlib.ExitStack]:
    """What is opened meanwhile is closed again if it cannot be used, and whoever asked for it is told why."""
    with contextlib.ExitStack() as opened:
        try:
            yield opened
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, error) from None
        opened.pop_all()


def _kind(keys: Keys | None) -> type[FileConnection]:
    return FileConnection if keys is None else SealedConnection


def _seal(connection: FileConnection, keys: Keys, path: Path | None) -> None:
    """Seal a plain ledger, whole or not at all; pages and log still hold what was plain, which is seen to next."""
    if path is not None:
        owe(path)
    connection.execute("begin immediate")
    begin(connection, keys)
    connection.execute("commit")


def tell_addresses(path: Path, admin: str, public: str) -> None:
    """Write the HOST:PORT of the listeners into the lock file, for commands that find the ledger held.

    Only whoever holds the lock calls this; taking the lock empties the file.
    """
    with contextlib.suppress(OSError):  # on a full disk commands fall back on the configured address
        _lock_of(path).write_text(f"{os.getpid()}\n{admin}\n{public}\n")


def public_address(path: Path) -> str | None:
    """The HOST:PORT at which the process that holds the lock takes webhooks; None where none lives, or it says none."""
    found = _holder(path)
    return found and found[1]


def is_held(path: Path) -> bool:
    """Whether another process that lives holds the lock."""
    found = _holder(path)
    return found is not None and found[0] != os.getpid()


def _holder(path: Path) -> tuple[int, str | None] | None:
    """The process that holds the lock, with its public address; None where none lives.

    The lock itself is not tried: even a moment's holding would keep a service from starting.
    """
    try:
        written, _, public = _addresses(_lock_of(path).read_text(errors="replace"))
        holder = int(written)
        with contextlib.suppress(PermissionError):  # it lives, and belongs to somebody else
            os.kill(holder, 0)
    except (OSError, ValueError, OverflowError):
        return None
    return holder, public


def _addresses(written: str) -> tuple[str, str | None, str | None]:
    """Process, admin and public address, as the lock file has them."""
    lines = [*written.splitlines(), "", "", ""]
    return lines[0].strip(), lines[1].strip() or None, lines[2].strip() or None


def _lock_of(path: Path) -> Path:
    real = path.resolve()  # two names of one file have one lock
    return real.with_name(real.name + ".lock")


def take_lock(path: Path, holder: int | None = None) -> int:
    """Hold the ledger's lock file for the life of the process; answers its descriptor.

    `holder` is the process that is told to whoever else wants it; this one, where none is named.

    Raises:
        StoreUnusable: another process holds it, or the folder cannot be written.
    """
    lock = _lock_of(path)
    try:
        descriptor = open_beside(path.resolve(), lock, os.O_RDWR)
    except OSError as error:
        raise StoreUnusable(
            f"the ledger {path} cannot be locked: {error.strerror}. Check that its folder exists and can be written"
        ) from None
    try:
        _lock(descriptor)
    except BlockingIOError:
        named, admin, _ = _said_in(descriptor)
        os.close(descriptor)
        raise StoreHeld(
            f"another relay (process {named or 'unknown'}) already serves the ledger {path}; stop it first",
            admin,
            named or "unknown",
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise StoreUnusable(f"the ledger {path} cannot be locked: {error.strerror}. Keep it on a local disk") from None
    with contextlib.suppress(OSError):  # on a full disk nobody learns who holds it; it is held all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(holder or os.getpid()).encode(), 0)
    return descriptor


def _lock(descriptor: int) -> None:
    """Take the lock. Of a relay that was killed the ledger's own process may have it a moment longer.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be locked.
    """
    until = time.monotonic() + _OUTLIVES
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until or _lives(_said_in(descriptor)[0]):
                raise
            time.sleep(0.01)


def _said_in(descriptor: int) -> tuple[str, str | None, str | None]:
    return _addresses(os.pread(descriptor, _LOCK_MOST, 0).decode(errors="replace"))


def _lives(process: str) -> bool:
    """Whether a process lives; one without a number is taken for one that does."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (PermissionError, ValueError):
        return True
    return True


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, as its companions (-wal, -shm) get the same mode."""
    path.touch(0o600)
    for suffix in ("", "-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.chmod(0o600)


def _learn_to_shrink(connection: sqlite3.Connection, path: Path | None) -> None:
    """See to it that the file can give pages back; one that was made without is written anew, once, given the room."""
    connection.execute("pragma auto_vacuum = incremental")
    if path is None or connection.execute("pragma auto_vacuum").fetchone()[0] == _INCREMENTAL:
        return
    room = shutil.disk_usage(path.parent).free
    if room < _ROOM * path.stat().st_size:
        log.warning("the ledger's file cannot shrink before there is room to write it anew", file=str(path), free=room)
        return
    connection.execute("vacuum")


def _unusable(path: Path | None, error: Exception) -> StoreUnusable:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_LEDGER:
        return StoreUnusable(f"{path} is no ledger, or it is damaged ({error}); name another file, or restore a backup")
    return StoreUnusable(
        f"the ledger {path} cannot be opened: {error}. Check that its folder exists and can be written"
    )
