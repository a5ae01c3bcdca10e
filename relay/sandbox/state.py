"""What the pretend phone system remembers: one SQLite connection, used on the event loop, committed per request."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from relay.sandbox import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Row = dict[str, Any]


class State:
    """Rows in and rows out. Table and column names come from this package's own code, values always as parameters."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        # A stand-in survives its own restart, not a power cut: no fsync on the loop.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        schema.create(self._connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or none of it; inside another one it joins that one."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Every row of a SELECT."""
        return [dict(row) for row in self._connection.execute(sql, values)]

    def row(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """The first row of a SELECT, None when there is none."""
        found = self._connection.execute(sql, values).fetchone()
        return None if found is None else dict(found)

    def value(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """The first column of the first row, None when there is none."""
        found = self._connection.execute(sql, values).fetchone()
        return None if found is None else found[0]

    def get(self, table: str, row_id: str) -> Row | None:
        """One row by the id that the outside knows."""
        return self.row(f"SELECT * FROM {table} WHERE id = ?", (row_id,))  # noqa: S608 - table is our own word

    def add(self, table: str, **columns: Any) -> Row:
        """Write a new row, with a new uuid unless `id` is given, and read it back."""
        written = {"id": str(uuid.uuid4()), **columns}
        places = ", ".join("?" * len(written))
        sql = f"INSERT INTO {table} ({', '.join(written)}) VALUES ({places}) RETURNING *"  # noqa: S608 - our own words
        return dict(self._connection.execute(sql, tuple(written.values())).fetchone())

    def change(self, table: str, row_id: str, **columns: Any) -> Row:
        """Change a row that exists, and read it back."""
        changes = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE {table} SET {changes} WHERE id = ? RETURNING *"  # noqa: S608 - our own words
        return dict(self._connection.execute(sql, (*columns.values(), row_id)).fetchone())

    def remove(self, table: str, row_id: str) -> None:
        """Forget a row."""
        self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))  # noqa: S608 - table is our own word

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Any other change."""
        self._connection.execute(sql, values)

    def close(self) -> None:
        """Close the connection; what was temporary is gone."""
        self._connection.close()
