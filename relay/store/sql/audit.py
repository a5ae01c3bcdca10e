"""The audit log as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import Act
from relay.store.sealing import words
from relay.store.sql.rows import plain

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_NEWEST = 2**62


def note_act(connection: Connection, act: Act) -> int:
    """Write one down; answers its place."""
    who, about = words(connection, plain(act.who)), words(connection, plain(act.about))
    outcome = None if act.outcome is None else words(connection, plain(act.outcome))
    row = connection.execute(
        "insert into acts (at, who, what, about, config, outcome) values (?, ?, ?, ?, ?, ?) returning seq",
        (act.at, who, act.what, about, act.config, outcome),
    ).fetchone()
    return int(row["seq"])


def tell_outcome(connection: Connection, seq: int, outcome: str) -> None:
    """Write down what came of one."""
    connection.execute(
        "update acts set outcome = ? where seq = ? and outcome is null", (words(connection, plain(outcome)), seq)
    )


def acts(connection: Connection, limit: int, before: int | None) -> list[Act]:
    """What was done, newest first."""
    rows = connection.execute(
        "select seq, at, who, what, about, config, outcome from acts where seq < ? order by seq desc limit ?",
        (_NEWEST if before is None else before, limit),
    )
    return [
        Act(row["at"], row["who"], row["what"], row["about"], row["config"], row["seq"], row["outcome"]) for row in rows
    ]
