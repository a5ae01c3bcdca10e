"""The way of a whole ledger under a key: its seal found, everything in it sealed, and sealed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import StoreUnusable
from relay.store.sealing import SEALED, SETTING, keyed, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.store.seal import Keys, Seal
    from relay.store.sealing import Columns
    from relay.store.sql.connection import Connection, Row

log = structlog.get_logger(__name__)

KEPT = "seal"
"""The name under which the ledger keeps its seal, sealed."""
_ALSO = "opt_out_key"
"""What opt-outs are found by: with it, and ten thousand million tries, numbers could be found out."""
_ROWS = 500
Key = tuple[Any, ...]
"""The values of a row's key, in order."""


def unlock(connection: Connection, keys: Keys | None, name: str) -> bool:
    """Use the seal of a ledger, which errors call by `name`; False where it has none.

    Raises:
        StoreUnusable: it is sealed, and the key is missing or another one.
    """
    kept = _kept(connection)
    if kept is None:
        return False
    if keys is None:
        raise StoreUnusable(f"the ledger {name} is sealed: set {SETTING} to the key that it was sealed with")
    connection.use(keys.unwrap(kept))
    return True


def _kept(connection: Connection) -> bytes | None:
    row = connection.execute("select value from meta where name = ?", (KEPT,)).fetchone()
    return None if row is None else bytes(row["value"])


def begin(connection: Connection, keys: Keys) -> None:
    """Seal everything in a ledger that was written without a key, within one transaction, and use the seal."""
    seal, kept = keys.begin()
    rows = sum(
        _write_back(connection, table, columns, columns.ways, _sealed_rows(seal, columns, found))
        for table, columns in SEALED.items()
        for found in _batches(connection, table, columns)
    )
    row = connection.execute("select value from meta where name = ?", (_ALSO,)).fetchone()
    connection.execute("update meta set value = ? where name = ?", (seal.words(bytes(row["value"])), _ALSO))
    connection.execute("insert into meta (name, value) values (?, ?)", (KEPT, kept))
    connection.use(seal)
    if rows:
        log.warning("the ledger was plain and is sealed now; its earlier backups are not", rows=rows)


def reseal_some(connection: Connection, table: str, after: Key | None) -> tuple[int, Key | None]:
    """Seal the next rows of a table anew, behind a key; answers how many, and where to go on: None at its end."""
    columns = SEALED[table]
    names = [name for name, way in columns.ways.items() if way == "words"]
    found = _next_rows(connection, table, columns, after) if names else []
    if not found:
        return 0, None
    rows = [(*(words(connection, row[name]) for name in names), *_key_of(connection, columns, row)) for row in found]
    return _write_back(connection, table, columns, names, rows), _key_of(connection, columns, found[-1])


def reseal_keys(connection: Connection, keys: Keys) -> None:
    """Keep what the seal and opt-outs hang on under the newest key: after it the older ones open nothing."""
    row = connection.execute("select value from meta where name = ?", (_ALSO,)).fetchone()
    connection.execute("update meta set value = ? where name = ?", (words(connection, bytes(row["value"])), _ALSO))
    kept = _kept(connection)
    if kept is not None:
        connection.execute("update meta set value = ? where name = ?", (keys.again(kept), KEPT))


def _key_of(connection: Connection, columns: Columns, row: Row) -> Key:
    """A row's key as it is kept."""
    return tuple(
        keyed(connection, row[name]) if columns.ways.get(name) == "keyed" else row[name] for name in columns.key
    )


def _next_rows(connection: Connection, table: str, columns: Columns, after: Key | None) -> list[Row]:
    key, named = ", ".join(columns.key), ", ".join(dict.fromkeys((*columns.key, *columns.ways)))
    marks = ", ".join("?" * len(columns.key))
    where, values = ("", ()) if after is None else (f"where ({key}) > ({marks}) ", after)
    return connection.execute(
        f"select {named} from {table} {where}order by {key} limit ?",  # noqa: S608 - constants
        (*values, _ROWS),
    ).fetchall()


def _batches(connection: Connection, table: str, columns: Columns) -> Iterator[list[Row]]:
    """All rows of a table in the order of its key. What is sealed meanwhile sorts before what is not."""
    after: Key | None = None
    while found := _next_rows(connection, table, columns, after):
        after = tuple(found[-1][name] for name in columns.key)
        yield found


def _sealed_rows(seal: Seal, columns: Columns, found: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [
        (
            *(seal.sealed(way, row[name]) for name, way in columns.ways.items()),
            *(row[name] for name in columns.key),
        )
        for row in found
    ]


def _write_back(
    connection: Connection,
    table: str,
    columns: Columns,
    names: Iterable[str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    changes = ", ".join(f"{name} = ?" for name in names)
    which = " and ".join(f"{name} = ?" for name in columns.key)
    connection.executemany(f"update {table} set {changes} where {which}", rows)  # noqa: S608 - constants
    return len(rows)
