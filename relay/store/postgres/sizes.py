"""How large the ledger is in the database, and folding up what counted for connections that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.upkeep import Sizes

if TYPE_CHECKING:
    from relay.store.postgres.connection import ServerConnection

_SAMPLE = 500
_ROW = 400
"""Bytes that an event and what belongs to it need beside what was written: heads of rows, and indexes."""
_EVENT = "pg_column_size(call) + pg_column_size(raw) + coalesce(pg_column_size(body), 0)"
_DELIVERY = "coalesce(pg_column_size(action), 0) + coalesce(pg_column_size(receipt), 0) + pg_column_size(notes)"


def sizes(connection: ServerConnection) -> Sizes:
    """Bytes on the server's disk; and what the rows that are there need, which falls as soon as rows go.

    The latter is the average of the oldest and newest rows times how many there are. The server vacuums for itself.
    """
    held = connection.execute(
        "select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as bytes from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relkind = 'r'"
    ).fetchone()["bytes"]
    used = _needed(connection, "events", _EVENT) + _needed(connection, "deliveries", _DELIVERY)
    return Sizes(held, min(used, held))


def _needed(connection: ServerConnection, table: str, bytes_of: str) -> int:
    counted = "name in ('planned', 'unplanned')" if table == "events" else "name like 'state %'"
    row = connection.execute(
        f"select (select coalesce(sum(n), 0) from counts where {counted}) as n, (select avg({bytes_of}) from ("  # noqa: S608 - constants
        f"(select * from {table} order by seq limit $1) union all (select * from {table} order by seq desc limit $1)"
        ") as sample) as bytes",
        (_SAMPLE,),
    ).fetchone()
    return int(row["n"] * ((row["bytes"] or 0) + _ROW))


def tidy(connection: ServerConnection) -> int:
    """Add up the counts of connections that are gone; the room itself is the server's to vacuum. Nothing is left."""
    connection.execute(
        "with gone as (delete from counts where slot <> 0 "
        "and slot not in (select pid from pg_stat_activity where pid is not null) returning name, n) "
        "insert into counts (name, slot, n) select name, 0, sum(n)::bigint from gone group by name "
        "on conflict (name, slot) do update set n = counts.n + excluded.n"
    )
    return 0
