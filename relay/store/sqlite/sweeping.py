"""Having nothing left in the ledger's files of what was erased, while everybody else goes on writing.

The file is swept a megabyte at a time between other work. Nothing is written into it meanwhile: its log takes what
comes, and tells at the end which pages that were, to be swept once more after they have been put in their place.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreUnusable
from relay.store.sqlite.generation import fsync_folder
from relay.store.sqlite.scrubbing import Scrubber, pages_of_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import Any

    from relay.store.sqlite.connection import FileConnection

log = structlog.get_logger(__name__)

_STEP = 256
"""Pages swept at a time: a megabyte, some milliseconds."""
_AUTOMATIC = 1000
"""Pages in the log from which SQLite empties it by itself; its own default."""


def owe(path: Path) -> None:
    """Write down, beside the ledger, that a sweep is owed: one that a fall cuts short is made at the next start."""
    _mark(path).touch(0o600)
    fsync_folder(path.parent)


def is_owed(path: Path) -> bool:
    """Whether a sweep was cut short."""
    return _mark(path).exists()


async def sweep(path: Path, run: Callable[[Callable[[FileConnection], Any]], Awaitable[Any]]) -> None:
    """Sweep the file in pieces of work that `run` does in turn with others.

    Raises:
        StoreBusy: as `run`.
    """
    await run(_then(partial(_begin, path=path)))
    first: int | None = 1
    try:
        while first is not None:
            first = await run(partial(_step, first=first))
    finally:
        await run(_then(partial(_finish, path=path, whole=first is None)))


def sweep_at_once(connection: FileConnection, path: Path) -> None:
    """The same while nobody else uses the ledger; what cannot be done is told, and stays owed."""
    try:
        _begin(connection, path)
        first: int | None = 1
        while first is not None:
            first = _step(connection, first)
        _finish(connection, path, whole=True)
    except (OSError, StoreUnusable) as error:
        tell(error)


def tell(error: Exception) -> None:
    """Say that something may be left."""
    log.error(
        "what was erased may still stand in pages that hold nothing; the next start looks to it again", why=str(error)
    )


def _then(act: Callable[[FileConnection], None]) -> Callable[[FileConnection], None]:
    """Work that has something done outside of its transaction."""
    return partial(_put_off, act)


def _put_off(act: Callable[[FileConnection], None], connection: FileConnection) -> None:
    connection.afterwards = act


def _begin(connection: FileConnection, path: Path) -> None:
    if connection.scrubber is None:
        connection.scrubber = Scrubber(path)
    connection.execute("pragma wal_autocheckpoint = 0")
    if not connection.execute("pragma auto_vacuum").fetchone()[0]:
        # A file without a map of its pages gets one, and is clean, once it is written anew.
        connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()


def _step(connection: FileConnection, first: int) -> int | None:
    """Sweep some pages; answers where to go on, None at the end."""
    if connection.scrubber is None or first > connection.scrubber.pages():
        return None
    connection.scrubber.sweep(first, _STEP)
    return first + _STEP


def _finish(connection: FileConnection, path: Path, *, whole: bool) -> None:
    """Put in place what was written meanwhile, sweep those pages too, and forget what SQLite still holds of any."""
    written = pages_of_log(path)
    held_up = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    connection.execute(f"pragma wal_autocheckpoint = {_AUTOMATIC}")
    if connection.scrubber is None or not whole:
        raise StoreUnusable("the file could not be swept whole")
    for page in written:
        connection.scrubber.sweep(page, 1)
    connection.scrubber.flush()
    connection.execute("pragma shrink_memory")
    if held_up:
        raise StoreUnusable("somebody reads the ledger without end, so that its log could not be emptied")
    _mark(path).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(real.name + ".unswept")
