"""Recognising a ledger that is a copy from earlier: each opening names it anew, inside it and in a file beside it.

A backup bears a name that no file beside a ledger ever says; any other copy bears the name of when it was made.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from relay.store.sqlite.beside import open_beside

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

A_COPY = "copy"
"""The name of every backup."""


def take_over(connection: sqlite3.Connection, path: Path) -> None:
    """Name the ledger anew. If its name is not the one that stands beside it, it was restored: texts are held.

    The file beside it says both names until the ledger bears the new one, so that a crash in between is no restore.

    Raises:
        OSError: the file beside it cannot be written.
    """
    ledger = path.resolve()
    beside = ledger.with_name(ledger.name + ".generation")
    found = connection.execute("select value from meta where name = 'generation'").fetchone()
    said = set(beside.read_text().split()) if beside.exists() else set()
    name = secrets.token_hex(8)
    was = "" if found is None else bytes(found["value"]).decode()
    _write(ledger, beside, f"{name} {was}\n" if was in said else f"{name}\n")
    connection.execute("begin immediate")
    if was and was not in said:
        connection.execute(
            "insert or replace into meta (name, value) "
            "select 'restored', cast(cast(coalesce(max(seq), 0) as text) as blob) from deliveries"
        )
    connection.execute("insert or replace into meta (name, value) values ('generation', ?)", (name.encode(),))
    connection.execute("commit")
    _write(ledger, beside, f"{name}\n")


def _write(ledger: Path, path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    with os.fdopen(open_beside(ledger, part, os.O_WRONLY | os.O_TRUNC), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """See to it that the names in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mark_as_copy(connection: sqlite3.Connection) -> None:
    """Name a copy so that it is recognised wherever it is put back."""
    connection.execute("insert or replace into meta (name, value) values ('generation', ?)", (A_COPY.encode(),))
