"""SQLite's connection, with what the ledger's SQL asks of one beside running statements."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

from relay.store.sql.many import update_from_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from relay.store.seal import Seal
    from relay.store.sqlite.scrubbing import Scrubber

_OF_DISK = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def code_of(error: BaseException) -> int:
    """SQLite's primary code of an error."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


class FileConnection(sqlite3.Connection):
    """A connection to the ledger's file."""

    seal: Seal | None = None
    afterwards: Callable[[FileConnection], None] | None = None
    """What is to be done once this transaction is committed, before anybody hears of it."""
    scrubber: Scrubber | None = None
    """The same file, for what SQLite leaves in it; open as long as this connection is."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.sums: Counter[tuple[str, tuple[Any, ...]]] = Counter()
        """What this transaction has yet to add, by the statement that adds it and the place it is added to."""

    def close(self) -> None:
        """Close the file, and only then what may not be closed before."""
        super().close()
        if self.scrubber is not None:
            self.scrubber.close()
            self.scrubber = None

    def use(self, seal: Seal) -> None:  # noqa: ARG002 - the protocol
        """Refuse: nothing is sealed here."""
        raise TypeError("a connection that cannot seal")

    def ends_all(self, error: BaseException) -> bool:
        """Whether the file is at fault, not the piece of work: then the whole transaction is over."""
        return not self.in_transaction or (isinstance(error, sqlite3.Error) and code_of(error) in _OF_DISK)

    def is_fault(self, error: BaseException) -> bool:
        """Whether an error is SQLite's own."""
        return isinstance(error, sqlite3.Error)

    def update_many(
        self, table: str, columns: Sequence[str], which: Sequence[str], alike: str, rows: Sequence[Sequence[Any]]
    ) -> int:
        """Change several rows, several to a statement."""
        return update_from_values(self, table, columns, which, alike, rows)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """What fails in here is undone alone, and raised; the transaction around it stands unless the disk failed."""
        self.execute("savepoint apart")
        sums = self.sums.copy()
        try:
            yield
        except BaseException as error:
            self.sums = sums
            if not self.ends_all(error):
                self.execute("rollback to apart")
                self.execute("release apart")
            raise
        self.execute("release apart")

    def go_on_behind(self, numbered: Mapping[str, str]) -> None:
        """SQLite does so by itself."""

    def sum_up(self, statement: str, place: tuple[Any, ...], by: int) -> None:
        """Add to a sum: written down before sums are read, or at the end, once for all that was added to a place."""
        self.sums[statement, place] += by

    def write_sums(self) -> None:
        """Write down what was added so far."""
        sums, self.sums = self.sums, Counter()
        for statement in {statement for statement, _ in sums}:
            self.executemany(statement, [(*place, by) for (to, place), by in sums.items() if to == statement and by])

    def count(self, name: str, by: int = 1) -> None:
        """Count something that the tables do not count themselves."""
        self.execute("update counts set n = n + ? where name = ?", (by, name))


class SealedConnection(FileConnection):
    """The same under a key. A class of its own, so that a ledger without a key pays nothing for it."""

    def use(self, seal: Seal) -> None:
        """Begin to seal and to open."""
        self.seal = seal
        self.row_factory = lambda cursor, values: sqlite3.Row(cursor, seal.opened(values))

    def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
        """As sqlite3 does it."""
        return super().execute(sql, values if self.seal is None else self.seal.bound(values))

    def executemany(self, sql: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        """As sqlite3 does it."""
        return super().executemany(sql, rows if self.seal is None else map(self.seal.bound, rows))
