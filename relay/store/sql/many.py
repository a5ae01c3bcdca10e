"""Several rows in one statement: its own cost, and that of handing it to another thread, is more than that of a row."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.store.sql.connection import Connection

SIZES = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""Rows in one statement: few different ones, all of them prepared before long, and two or three for any number."""


def insert_many(connection: Connection, into: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> int:
    """Insert rows `into` a table and its columns, with what is to be done on `conflict`; answers how many were."""
    return sum(
        connection.execute(_statement(into, len(rows[0]), size, conflict), values).rowcount
        for size, values in _shared_out(rows)
    )


def update_from_values(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    which: Sequence[str],
    alike: str,
    rows: Sequence[Sequence[Any]],
) -> int:
    """`Connection.update_many`, where a table of values needs no types."""
    return sum(
        connection.execute(_update(table, tuple(columns), tuple(which), alike, size), values).rowcount
        for size, values in _shared_out(rows)
    )


def _shared_out(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, list[Any]]]:
    """For each statement how many rows it has, and their values one behind the other."""
    done = 0
    while done < len(rows):
        size = next(size for size in SIZES if size <= len(rows) - done)
        yield size, list(chain.from_iterable(rows[done : done + size]))
        done += size


def listed(values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The marks and values of `… in (…)`. The last is said again up to a power of two, for few different statements."""
    size = 1 << max(len(values) - 1, 0).bit_length()
    return ", ".join("?" * size), [*values, *[values[-1]] * (size - len(values))]


@lru_cache(256)
def _statement(into: str, columns: int, rows: int, conflict: str) -> str:
    marks = f"({', '.join('?' * columns)})"
    return f"insert into {into} values {', '.join([marks] * rows)} {conflict}".rstrip()  # noqa: S608 - constants


@lru_cache(256)
def _update(table: str, columns: tuple[str, ...], which: tuple[str, ...], alike: str, rows: int) -> str:
    said = [f"said.column{place}" for place in range(1, len(columns) + len(which) + 1)]
    changes = ", ".join(f"{column} = {value}" for column, value in zip(columns, said, strict=False))
    found = " and ".join(f"it.{column} = {value}" for column, value in zip(which, said[len(columns) :], strict=True))
    marks = f"({', '.join('?' * len(said))})"
    given = ", ".join([marks] * rows)
    return f"update {table} as it set {changes}, {alike} from (values {given}) as said where {found}"  # noqa: S608 - constants
