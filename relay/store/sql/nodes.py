"""Relays and duties as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.nodes import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.store.sql.connection import Connection

_DAY = 86400.0


def report(
    connection: Connection, node: Node, wants: Sequence[str], *, now: float, lease: float, alone: bool
) -> frozenset[str]:
    """Write down that a relay lives, and the duties that it takes; `alone`, nobody else can hold any."""
    if alone:
        connection.execute("delete from duties where node <> ?", (node.id,))
        connection.execute("delete from nodes where id <> ?", (node.id,))
    connection.execute("delete from nodes where seen_at < ?", (now - _DAY,))
    connection.execute(
        "insert into nodes (id, host, pid, version, config, roles, started_at, seen_at, lag) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set version = excluded.version, "
        "config = excluded.config, seen_at = excluded.seen_at, lag = excluded.lag",
        (node.id, node.host, node.pid, node.version, node.config, node.roles, node.started_at, now, node.lag),
    )
    for name in sorted(wants):
        connection.execute(
            "insert into duties (name, node, until) values (?1, ?2, ?3) on conflict (name) do update "
            "set node = excluded.node, until = excluded.until where duties.node = excluded.node or duties.until <= ?4",
            (name, node.id, now + lease, now),
        )
    held = connection.execute("select name from duties where node = ? and until > ?", (node.id, now))
    return frozenset(row["name"] for row in held) & frozenset(wants)


def drop_duty(connection: Connection, name: str, node: str) -> None:
    """Free a duty, if that relay has it."""
    connection.execute("delete from duties where name = ? and node = ?", (name, node))


def leave(connection: Connection, node: str) -> None:
    """Forget a relay that said goodbye."""
    connection.execute("delete from duties where node = ?", (node,))
    connection.execute("delete from nodes where id = ?", (node,))


def nodes(connection: Connection) -> list[Node]:
    """Every relay, with what it does for all."""
    holds: dict[str, list[str]] = {}
    for row in connection.execute("select name, node from duties order by name"):
        holds.setdefault(row["node"], []).append(row["name"])
    rows = connection.execute("select * from nodes order by started_at, id")
    return [Node(**{**dict(row), "holds": tuple(holds.get(row["id"], ()))}) for row in rows]


def others_live(connection: Connection, node: str, since: float) -> bool:
    """Whether another relay has been seen since then."""
    found = connection.execute("select 1 from nodes where id <> ? and seen_at > ? limit 1", (node, since))
    return found.fetchone() is not None
