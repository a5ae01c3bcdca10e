"""Whether a file can be trusted before anything is written to it. One that is damaged is copied aside, and left alone.

A look at every page takes long where there are millions of rows, so an ordinary start looks for a moment; after a fault
of the file it looks to the end (`suspect`). A log that was cut off or deleted cannot be seen: SQLite takes what is left
for all there was (https://sqlite.org/wal.html, "The WAL file format").
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreUnusable
from relay.store.sqlite.connection import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.3
"""Of the second that a start may take with a million events."""


def prove(path: Path) -> None:
    """Look at the pages of a ledger without changing them.

    Raises:
        StoreUnusable: it is damaged; the message says how, where its copy is, and what to do.
    """
    if not path.exists() or not path.stat().st_size:
        return
    marker = _marker(path)
    wrong = _damage(path, math.inf if marker.exists() else LOOK_SECONDS)
    if wrong is not None:
        raise StoreUnusable(
            f"the ledger {path} is damaged ({wrong}). It was left as it is, and {_set_aside(path)}. "
            "Put a backup in its place (relay backup makes them); what came since can be fetched with relay backfill"
        )
    marker.unlink(missing_ok=True)


def suspect(path: Path) -> None:
    """Remember that something was wrong with the file, so that the next start looks at all of it."""
    with contextlib.suppress(OSError):
        _marker(path).touch(0o600)


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".suspect")


def _damage(path: Path, seconds: float) -> str | None:
    """What is wrong with it first; None when nothing is, or when it is something that opening it will tell."""
    if seconds <= 0:
        return None
    over = threading.Event()
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            ) as connection,
            _for_a_while(connection, seconds, over),
        ):
            said = connection.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if code_of(error) == sqlite3.SQLITE_INTERRUPT:
            over.set()
        elif code_of(error) == sqlite3.SQLITE_CORRUPT:
            return str(error)
        said = "ok"
    if over.is_set():  # a look that was ended takes the pages that it did not reach for lost ones
        log.info("the ledger is too large to be looked at whole at a start; relay backup does", file=str(path))
        return None
    return None if said == "ok" else " ".join(str(said).split())


@contextlib.contextmanager
def _for_a_while(connection: sqlite3.Connection, seconds: float, over: threading.Event) -> Iterator[None]:
    """End what goes on in here after a while, and say so by `over`. A walk through a table asks no progress handler."""

    def end() -> None:
        over.set()
        connection.interrupt()

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _set_aside(path: Path) -> str:
    """Copy it and its log, once for each state that it was found in; answers what became of that."""
    state = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.damaged-{state}")
    try:
        for suffix in ("-wal", ""):
            source, target = (one.with_name(one.name + suffix) for one in (path, copy))
            if source.exists() and source.stat().st_size and not target.exists():
                shutil.copy2(source, target)
                target.chmod(0o600)
    except OSError as error:
        return f"could not be copied aside: {error.strerror}"
    return f"copied to {copy}"
