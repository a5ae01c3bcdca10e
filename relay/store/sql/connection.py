"""What the ledger's SQL asks of a connection; SQLite's own is nearly that, PostgreSQL's is made to look like it.

The dialect is what both understand: `?`, `?1` and `:name` for values, `insert … on conflict`, truth as 0 and 1, JSON
decoded in Python, every moment a Unix second, every sum an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from relay.store.seal import Seal

Values = Sequence[Any] | Mapping[str, Any]


class Row(Protocol):
    """One row, read by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> Iterable[str]:
        """The names of its columns."""
        ...


class Rows(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection within one transaction.

    With a seal it seals telephone numbers wherever they are bound, and opens everything sealed wherever it is read.
    """

    seal: Seal | None

    def use(self, seal: Seal) -> None:
        """Begin to seal and to open."""
        ...

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, sql: str, values: Iterable[Values], /) -> Rows:
        """Run one statement with each of these; `rowcount` is the sum."""
        ...

    def update_many(
        self, table: str, columns: Sequence[str], which: Sequence[str], alike: str, rows: Sequence[Sequence[Any]]
    ) -> int:
        """Change several rows of a table in one go; answers how many were found.

        Each of `rows` holds the values of `columns`, then those of `which`, by which its row is found, no two of them
        the same; `alike` is changed in all.
        """
        ...

    def apart(self) -> AbstractContextManager[None]:
        """What fails in here is undone alone, and raised; the transaction around it stands unless `ends_all`."""
        ...

    def ends_all(self, error: BaseException) -> bool:
        """Whether the database is at fault, not the piece of work: then the whole transaction is over."""
        ...

    def is_fault(self, error: BaseException) -> bool:
        """Whether an error is the database's own."""
        ...

    def go_on_behind(self, numbered: Mapping[str, str]) -> None:
        """After rows came with their numbers: the next one of each table gets the number behind the last."""
        ...

    def sum_up(self, statement: str, place: tuple[Any, ...], by: int) -> None:
        """Add to a sum that every writer adds to, by a statement that takes its place and how much.

        It is written by `write_sums`, or at the end of the transaction: writers wait for each other no longer than they
        must, and what is added to one place is one statement.
        """

    def write_sums(self) -> None:
        """Write down what was added so far, before somebody reads it."""
        ...

    def count(self, name: str, by: int = 1) -> None:
        """Count something that the tables do not count themselves."""
        ...
