"""The audit log as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import Act
from relay.store.sealing import words
from relay.store.sql.rows import plain

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_NEWEST = 2**62


def note_act(connection: Connection, act: Act) -> None:
    """Write one down."""
    connection.execute(
        "insert into acts (at, who, what, about, config) values (?, ?, ?, ?, ?)",
        (act.at, words(connection, plain(act.who)), act.what, words(connection, plain(act.about)), act.config),
    )


def acts(connection: Connection, limit: int, before: int | None) -> list[Act]:
    """What was done, newest first."""
    rows = connection.execute(
        "select seq, at, who, what, about, config from acts where seq < ? order by seq desc limit ?",
        (_NEWEST if before is None else before, limit),
    )
    return [Act(row["at"], row["who"], row["what"], row["about"], row["config"], row["seq"]) for row in rows]
