"""Bringing a ledger's schema up to date: copied first, then changed in one transaction, all or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from typing import TYPE_CHECKING

import sqlite_utils
import structlog

from relay.errors import StoreUnusable
from relay.store.sqlite.generation import fsync_folder, mark_as_copy
from relay.store.sqlite.schema import LATEST, migrations

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

KEPT = 30 * 86400.0
"""Seconds for which the copy from before is kept: it holds people's words, too."""
_ROOM = 1.2


def applied(connection: sqlite3.Connection, path: Path | None) -> set[str]:
    """Names of the migrations that made this file.

    Raises:
        StoreUnusable: some of them this program does not know.
    """
    known = {migration.name for migration in migrations.applied(_database(connection))}
    if known - LATEST:
        raise StoreUnusable(f"{path} was written by a newer version of the relay; use that version, or a backup")
    return known


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Make it a ledger of this version.

    Raises:
        StoreUnusable: it is a database of something else, or there is no room for a copy.
        sqlite3.Error: it could not be changed; it is as it was.
    """
    before = applied(connection, path)
    if path is not None:
        _forget_old_copies(path)
    if before == LATEST:
        return
    if not before:
        _refuse_strangers(connection, path)
    elif path is not None:
        _copy_first(connection, path)
    connection.execute("begin immediate")
    try:
        migrations.apply(_database(connection))
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _refuse_strangers(connection: sqlite3.Connection, path: Path | None) -> None:
    strange = connection.execute(
        "select name from sqlite_master where type = 'table' and name <> '_sqlite_migrations'"
    ).fetchone()
    if strange is not None:
        raise StoreUnusable(f"{path} is a database of something else (it has a table {strange[0]}); name another file")


def _copy_first(connection: sqlite3.Connection, path: Path) -> None:
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < _ROOM * size:
        raise StoreUnusable(
            f"{path} must be changed for this version, and is copied before: that needs {size * _ROOM / 1e6:.0f} MB, "
            f"and {free / 1e6:.0f} MB are free. Make room, and start again"
        )
    copy = _copy_of(path)
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600))
    with contextlib.closing(sqlite3.connect(part)) as target:
        connection.backup(target)
        target.execute("pragma journal_mode = delete")
        with target:
            mark_as_copy(target)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(copy)
    fsync_folder(path.parent)
    log.info("the ledger was copied before its schema is changed", copy=str(copy))


def _copy_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.before-{len(LATEST)}")


def _forget_old_copies(path: Path) -> None:
    for copy in path.parent.glob(f"{path.name}.before-*"):
        if time.time() - copy.stat().st_mtime > KEPT:
            copy.unlink(missing_ok=True)


def _database(connection: sqlite3.Connection) -> sqlite_utils.Database:
    return sqlite_utils.Database(connection, execute_plugins=False)
