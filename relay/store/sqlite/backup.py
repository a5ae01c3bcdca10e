"""A copy of a ledger that is in use, made by SQLite itself, and the proof that such a copy is sound.

Copying the file with `cp` would miss what is still in the log beside it, and may catch pages half written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.errors import StoreUnusable
from relay.store.sql import counts
from relay.store.sqlite.generation import fsync_folder, mark_as_copy
from relay.store.sqlite.opening import connect_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.store.sqlite.connection import FileConnection


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy as it was found: how long, its SHA-256, what is in it, and what is wrong with it."""

    file: Path
    bytes: int
    sha256: str
    events: int = 0
    deliveries: int = 0
    wrong: tuple[str, ...] = ()


def back_up(ledger: Path, folder: Path, at: float) -> Copy:
    """Copy the ledger into a folder under a name with the time (`at`, Unix seconds), beside whatever service uses it.

    The copy appears whole or not at all, for its owner's eyes only, with a `.sha256` beside it.

    Raises:
        StoreUnusable: the ledger cannot be read, or the copy is not sound.
        OSError: the folder cannot be written, or its disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    file = folder / f"{ledger.stem}-{stamp}Z.db"
    part = file.with_name(file.name + ".part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(ledger, part)
        copy = verify(part, thorough=True)
        if copy.wrong:
            raise StoreUnusable(f"the copy of {ledger} is not sound: {'; '.join(copy.wrong)}")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        _write_checksum(_checksum_of(file), copy.sha256, file.name)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    fsync_folder(folder)
    return Copy(file, copy.bytes, copy.sha256, copy.events, copy.deliveries)


def _copy(ledger: Path, part: Path) -> None:
    with contextlib.closing(connect_reader(ledger)) as source, contextlib.closing(sqlite3.connect(part)) as copy:
        try:
            source.backup(copy)
            copy.execute("pragma journal_mode = delete")  # so that it is one file, without a log
            with copy:
                mark_as_copy(copy)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(part.parent)) from None
            raise StoreUnusable(f"the ledger {ledger} could not be copied: {error}") from None


def verify(file: Path, *, thorough: bool = False) -> Copy:
    """Prove a copy without changing it: its checksum, its pages, and that every sum in it is right.

    Raises:
        StoreUnusable: it is no ledger of this version.
        OSError: it cannot be read.
    """
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    copy = Copy(file, file.stat().st_size, digest)
    wrong = []
    checksum = _checksum_of(file)
    if checksum.exists() and checksum.read_text().split()[:1] != [digest]:
        wrong.append(f"it is not what {checksum.name} says it was")
    with contextlib.closing(connect_reader(file, "immutable=1")) as connection:
        try:
            check = "integrity_check" if thorough else "quick_check"
            wrong += [row[0] for row in connection.execute(f"pragma {check}(3)") if row[0] != "ok"]
            wrong += _wrong_sums(connection)
            events, deliveries = (
                connection.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - constants
                for table in ("events", "deliveries")
            )
        except sqlite3.Error as error:
            return Copy(file, copy.bytes, digest, wrong=(*wrong, str(error)))
    return Copy(file, copy.bytes, digest, events, deliveries, tuple(wrong))


def _wrong_sums(connection: FileConnection) -> Iterator[str]:
    """Where the rows, counted one by one, are not what was counted as they came."""
    balance = counts.balance(connection)
    if balance.wrong is not None:
        yield balance.wrong
    events = connection.execute("select count(*) from events").fetchone()[0]
    if events != balance.unplanned + balance.planned:
        yield f"{balance.unplanned + balance.planned} events should be there, and {events} are"
    states = {row[0]: row[1] for row in connection.execute("select state, count(*) from deliveries group by state")}
    if states != balance.states:
        yield f"deliveries should stand {dict(balance.states)}, and stand {states}"


def _checksum_of(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _write_checksum(path: Path, digest: str, name: str) -> None:
    """As `sha256sum --check` reads it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{digest}  {name}\n")
        file.flush()
        os.fsync(file.fileno())
