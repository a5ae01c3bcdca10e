"""What connectors remember, under their name and a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.store.sealing import keyed, words
from relay.store.sql.rows import dump, plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.store.memories import Memory
    from relay.store.sql.connection import Connection

KEPT = 90 * 86400.0
"""Seconds after which nobody adds to what happened."""


def memories(connection: Connection, connector: str, keys: Collection[str]) -> dict[str, Any]:
    """What is remembered under these keys."""
    found = {}
    for key in keys:
        row = connection.execute(
            "select value from memories where connector = ? and key = ?", (connector, keyed(connection, plain(key)))
        ).fetchone()
        if row is not None:
            found[key] = json.loads(row["value"])
    return found


def remember(connection: Connection, memory: Memory) -> None:
    """Keep one, in place of what was kept under its key before, and let go of the connector's oldest."""
    connection.execute(
        "insert into memories (connector, key, value, at) values (?, ?, ?, ?) "
        "on conflict (connector, key) do update set value = excluded.value, at = excluded.at",
        (
            memory.connector,
            keyed(connection, plain(memory.key)),
            words(connection, dump(memory.value)),
            memory.at,
        ),
    )
    connection.execute("delete from memories where connector = ? and at < ?", (memory.connector, memory.at - KEPT))
