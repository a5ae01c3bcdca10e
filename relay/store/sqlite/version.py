"""The SQLite under us: one in a range of versions can lose committed writes, if two connections write at once.

Versions 3.7.0 to 3.51.2, but for the back-ports 3.50.7 and 3.44.6 (https://sqlite.org/wal.html#walresetbug). One
connection does every write and every checkpoint of ours, so that we cannot meet it; another program that
writes to the file could.
"""

from __future__ import annotations

import sqlite3

_FIXED = (3, 51, 3)
_FIRST = (3, 7, 0)
_BACK_PORTS = ((3, 50, 7), (3, 44, 6))


def in_bug_range(version: tuple[int, ...]) -> bool:
    """Whether this version has the bug."""
    ported = any(version[:2] == port[:2] and version >= port for port in _BACK_PORTS)
    return _FIRST <= version < _FIXED and not ported


def said() -> str:
    """What it is."""
    return f"SQLite {sqlite3.sqlite_version}"


def trouble() -> tuple[str, str] | None:
    """What is to be known of it, and what to do; None for a version without the bug."""
    if not in_bug_range(sqlite3.sqlite_version_info):
        return None
    return (
        f"{said()} can lose committed writes where a second program writes to the file; ours all go one way",
        "let nothing else open the file for writing (no sqlite3 shell, no Litestream), or use SQLite 3.51.3 or newer",
    )
