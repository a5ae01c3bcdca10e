"""A ledger's file as one end of a copy: raw rows, whatever is sealed in them."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, TypeVar

from relay.errors import StoreUnusable
from relay.store.sqlite.connection import FileConnection
from relay.store.sqlite.opening import connect, connect_reader, take_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class FileEnd:
    """The file, locked against every relay."""

    def __init__(self, path: Path, *, new: bool) -> None:
        """`new`: it is made where there is none.

        Raises:
            StoreUnusable: there is none, it is of another version, or a relay uses it.
        """
        self.place = str(path)
        self._lock = take_lock(path)
        try:
            if new and not path.exists():
                connect(path).close()
            connect_reader(path).close()
            self._connection = sqlite3.connect(path, isolation_level=None, factory=FileConnection)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("pragma synchronous = full")
        except (sqlite3.Error, StoreUnusable) as error:
            os.close(self._lock)
            raise error if isinstance(error, StoreUnusable) else StoreUnusable(f"{path}: {error}") from None

    async def run(self, work: Callable[[FileConnection], T]) -> T:
        """Run a piece of work in a transaction; nobody else waits for this process."""
        self._connection.execute("begin immediate")
        try:
            result = work(self._connection)
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        return result

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        os.close(self._lock)
