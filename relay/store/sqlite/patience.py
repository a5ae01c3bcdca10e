"""No reading holds on to an old state of the file for long: the log could not be emptied meanwhile, and would grow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from relay.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store.sqlite.connection import FileConnection

T = TypeVar("T")

READ_SECONDS = 5.0
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock; some tenths of a millisecond."""


def within(seconds: float, connection: FileConnection, work: Callable[[FileConnection], T]) -> T:
    """Read, in so many seconds at most.

    Raises:
        StoreBusy: it took longer, and was broken off.
        sqlite3.Error: as the reading raises it.
    """
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        return work(connection)
    except Exception as error:
        if time.monotonic() > end:
            raise StoreBusy(f"a reading of the ledger took longer than {seconds:g} s; ask for less") from error
        raise
    finally:
        connection.set_progress_handler(None, 0)
