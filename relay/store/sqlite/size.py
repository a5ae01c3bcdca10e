"""How large and how sound the file is, and giving back what it no longer needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.upkeep import Sizes

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def sizes(connection: sqlite3.Connection, path: Path | None) -> Sizes:
    """Bytes of the file, of what is used in it, and of its log."""
    page, pages, free = (_pragma(connection, name) for name in ("page_size", "page_count", "freelist_count"))
    log = None if path is None else path.with_name(path.name + "-wal")
    return Sizes(pages * page, (pages - free) * page, log.stat().st_size if log is not None and log.exists() else 0)


def shrink(connection: sqlite3.Connection, limit: int) -> int:
    """Give free pages back, `limit` at most; answers how many are left. A checkpoint then cuts the file."""
    if not _pragma(connection, "auto_vacuum"):
        return 0
    for _ in range(min(limit, _pragma(connection, "freelist_count"))):
        # One at a time: Python's driver stops after the first page of a longer request.
        connection.execute("pragma incremental_vacuum(1)")
    return _pragma(connection, "freelist_count")


def damage(connection: sqlite3.Connection) -> str | None:
    """What is wrong with its pages first; None where nothing is."""
    said = " ".join(str(connection.execute("pragma quick_check(1)").fetchone()[0]).split())
    return None if said == "ok" else said


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"pragma {name}").fetchone()[0]
    return value
