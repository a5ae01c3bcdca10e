"""Acts by the key of whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.answers import Asked
from relay.store.sealing import words

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

KEPT = 86400.0
"""Seconds for which a key is known."""


def begin_act(connection: Connection, key: str, what: str, now: float) -> Asked | None:
    """Note that an act begins; what is known of this key."""
    connection.execute("delete from asked where at < ?", (now - KEPT,))
    new = connection.execute(
        "insert into asked (name, what, at) values (?, ?, ?) on conflict (name) do nothing", (key, what, now)
    )
    if new.rowcount:
        return None
    row = connection.execute("select what, answer, at from asked where name = ?", (key,)).fetchone()
    return Asked(row["what"], row["answer"], row["at"])


def end_act(connection: Connection, key: str, answer: str | None) -> None:
    """Keep what came of it, or forget that it was asked."""
    if answer is None:
        connection.execute("delete from asked where name = ?", (key,))
    else:
        connection.execute("update asked set answer = ? where name = ?", (words(connection, answer), key))
