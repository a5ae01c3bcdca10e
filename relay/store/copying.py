"""A whole ledger from one engine to the other: row by row as it stands, sealed or not, and proved afterwards.

It goes table by table in the order of each table's key, and what is in the target already is not copied again: so a
copy that was broken off goes on where it stopped. Nothing else may use either ledger meanwhile.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from relay.errors import StoreUnusable
from relay.store.drawing import COUNTS, draw, names_of_all
from relay.store.nodes import ALIVE
from relay.store.place import without_extra

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from relay.store.drawing import Table
    from relay.store.place import Place
    from relay.store.sql.connection import Connection

T = TypeVar("T")

BATCH = 500
_PASSING = {"nodes", "duties"}
"""What relays that live say of themselves; a copy begins without."""
_META = "meta"
_OWN = ("generation", "restored", "copy_of")
"""What a ledger says of itself, and not of what is in it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a table held at the end, on both sides alike: how many rows, and the SHA-256 of all of them in order."""

    table: str
    rows: int
    sha256: str


class End(Protocol):
    """One of the two ledgers."""

    place: str

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work in a transaction."""


async def copy(source: End, target: End, told: Callable[[str, int, int], None]) -> list[Proof]:
    """Copy and prove; `told` hears of the table, the rows copied so far, and how many there are.

    The ledger that was left is marked, so that it sends no text if somebody starts it again.

    Raises:
        StoreUnusable: the target holds something else, or the two are not alike in the end.
    """
    tables = [table for name, table in draw(names_of_all()).tables.items() if name not in {*_PASSING, COUNTS, _META}]
    name = await source.run(_name)
    await target.run(lambda connection: _begin(connection, name, target.place))
    for table in tables:
        await _copy_table(source, target, table, told)
    counts = await source.run(_counts)
    meta = await source.run(_meta)
    await target.run(lambda connection: _end(connection, counts, meta, tables))
    proofs = [await _proved(source, target, table, told) for table in tables]
    await target.run(lambda connection: connection.execute("delete from meta where name = 'copy_of'"))
    await source.run(_leave)
    return proofs


def _name(connection: Connection) -> bytes:
    """What tells this ledger from every other."""
    row = connection.execute("select value from meta where name = 'opt_out_key'").fetchone()
    return hashlib.sha256(bytes(row["value"])).digest()


def _begin(connection: Connection, name: bytes, place: str) -> None:
    row = connection.execute("select value from meta where name = 'copy_of'").fetchone()
    if row is not None and bytes(row["value"]) == name:
        return
    for table in ("events", "calls", "texts", "opt_outs"):
        if row is not None or connection.execute(f"select 1 from {table} limit 1").fetchone() is not None:  # noqa: S608 - constants
            raise StoreUnusable(f"{place} holds another ledger already; name an empty one")
    connection.execute("insert into meta (name, value) values ('copy_of', ?)", (name,))


async def _copy_table(source: End, target: End, table: Table, told: Callable[[str, int, int], None]) -> None:
    total = await source.run(lambda connection: _count(connection, table))
    done = await target.run(lambda connection: _count(connection, table))
    after = await target.run(lambda connection: _last(connection, table))
    told(table.name, done, total)
    while rows := await source.run(lambda connection, place=after: _page(connection, table, place)):  # type: ignore[misc]
        await target.run(lambda connection, page=rows: _insert(connection, table, page))  # type: ignore[misc]
        after = _place(table, rows[-1])
        done += len(rows)
        told(table.name, done, total)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(f'select count(*) as n from "{table.name}"').fetchone()["n"])  # noqa: S608 - our own tables


def _last(connection: Connection, table: Table) -> tuple[Any, ...] | None:
    columns, order = _names(table.key), ", ".join(f'"{name}" desc' for name in table.key)
    row = connection.execute(f'select {columns} from "{table.name}" order by {order} limit 1').fetchone()  # noqa: S608 - our own tables
    return None if row is None else tuple(row[name] for name in table.key)


def _page(connection: Connection, table: Table, after: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
    which = "" if after is None else f"where ({_names(table.key)}) > ({', '.join('?' * len(after))})"
    rows = connection.execute(
        f'select {_names(_columns(table))} from "{table.name}" {which} order by {_names(table.key)} limit ?',  # noqa: S608 - our own tables
        (*(after or ()), BATCH),
    )
    return [tuple(row[name] for name in _columns(table)) for row in rows]


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = _columns(table)
    connection.executemany(
        f'insert into "{table.name}" ({_names(columns)}) values ({", ".join("?" * len(columns))})',  # noqa: S608 - our own tables
        rows,
    )


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _place(table: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(row[_columns(table).index(name)] for name in table.key)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _counts(connection: Connection) -> list[tuple[str, int]]:
    rows = connection.execute("select name, cast(sum(n) as bigint) as n from counts group by name order by name")
    return [(row["name"], row["n"]) for row in rows]


def _meta(connection: Connection) -> list[tuple[str, bytes]]:
    rows = connection.execute("select name, value from meta")
    return [(row["name"], bytes(row["value"])) for row in rows if row["name"] not in _OWN]


def _end(
    connection: Connection,
    counts: Sequence[tuple[str, int]],
    meta: Sequence[tuple[str, bytes]],
    tables: Sequence[Table],
) -> None:
    """Counts as they were, in place of those of the copying; keys and switches; and new rows go on behind the last."""
    connection.execute("delete from counts")
    connection.executemany("insert into counts (name, n) values (?, ?)", counts)
    connection.execute(f"delete from meta where name not in ({', '.join('?' * len(_OWN))})", _OWN)  # noqa: S608 - places only
    connection.executemany("insert into meta (name, value) values (?, ?)", meta)
    connection.go_on_behind({table.name: table.numbered for table in tables if table.numbered is not None})


async def _proved(source: End, target: End, table: Table, told: Callable[[str, int, int], None]) -> Proof:
    mine, theirs = [await end.run(lambda connection: _proof(connection, table)) for end in (source, target)]
    if mine != theirs:
        raise StoreUnusable(
            f"{table.name} is not the same on both sides ({mine.rows} rows, {theirs.rows} there): something else was "
            "written meanwhile; empty the target and copy again, with every relay stopped"
        )
    told(f"{table.name}, proved", mine.rows, mine.rows)
    return mine


def _proof(connection: Connection, table: Table) -> Proof:
    digest, rows, after = hashlib.sha256(), 0, None
    while page := _page(connection, table, after):
        for row in page:
            digest.update(repr(row).encode())
        rows, after = rows + len(page), _place(table, page[-1])
    return Proof(table.name, rows, digest.hexdigest())


def _leave(connection: Connection) -> None:
    """What was left is a copy from earlier, from now on: it sends no text before somebody says so."""
    newest = connection.execute("select coalesce(max(seq), 0) as n from deliveries").fetchone()["n"]
    connection.execute(
        "insert into meta (name, value) values ('restored', ?) on conflict (name) do nothing", (str(newest).encode(),)
    )


@asynccontextmanager
async def end_at(place: Place, *, new: bool) -> AsyncIterator[End]:
    """One of the two, which nobody else may be using; `new`: it may have to be made.

    Raises:
        StoreUnusable: it cannot be used, or a relay is at work on it.
    """
    if place.file is not None:
        from relay.store.sqlite.whole import FileEnd  # noqa: PLC0415 - only the engine that is used

        file = FileEnd(place.file, new=new)
        try:
            yield file
        finally:
            file.close()
        return
    try:
        from relay.store.postgres.whole import DatabaseEnd  # noqa: PLC0415 - an extra, and only the engine that is used
    except ModuleNotFoundError as error:
        raise without_extra(error) from None
    database = await DatabaseEnd.open(str(place.address))
    try:
        if await database.run(_somebody_lives):
            raise StoreUnusable(f"relays are at work on {database.place}; stop them first (relay nodes)")
        yield database
    finally:
        await database.close()


def _somebody_lives(connection: Connection) -> bool:
    """By the database's own clock, to which relays set theirs."""
    found = connection.execute(
        "select 1 from nodes where seen_at > extract(epoch from clock_timestamp()) - ? limit 1", (ALIVE,)
    )
    return found.fetchone() is not None
