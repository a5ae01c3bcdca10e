"""Runs and their moves, to rows and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.models import Change, NumberRun
from relay.store.sealing import words
from relay.store.sql.rows import dump, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.store.sql.connection import Connection, Row

RUN = "id, kind, by, at, state, key, why, ask, until, told_at, answered_by, answered_at, moves"
CHANGE = (
    "id, run, place, number, kind, action, because, rule, source, target, state, notes, reason, moved, at, settled_at"
)


def run_of(row: Row) -> NumberRun:
    """A run from its row."""
    return NumberRun(**{name: row[name] for name in RUN.split(", ")})


def change_of(row: Row) -> Change:
    """A move from its row."""
    return Change(
        id=row["id"],
        run=row["run"],
        number=row["number"],
        kind=row["kind"],
        action=json.loads(row["action"]),
        because=row["because"],
        rule=row["rule"],
        source=row["source"],
        to=row["target"],
        state=row["state"],
        notes=json.loads(row["notes"]),
        reason=row["reason"],
        moved=bool(row["moved"]),
        at=row["at"],
        settled_at=row["settled_at"],
    )


INSERT_CHANGE = f"insert into changes ({CHANGE}) values ({', '.join('?' * 16)})"  # noqa: S608 - columns only


def saved(connection: Connection, change: Change, place: int) -> tuple[Any, ...]:
    """What `INSERT_CHANGE` takes; `place` is where the move stands in its run."""
    return (
        change.id,
        change.run,
        place,
        change.number,
        change.kind,
        words(connection, dump(dict(change.action))),
        words(connection, plain(change.because)),
        change.rule,
        change.source,
        change.to,
        change.state,
        words(connection, dump(dict(change.notes))),
        words(connection, None if change.reason is None else plain(change.reason)),
        int(change.moved),
        change.at,
        change.settled_at,
    )


def save(connection: Connection, change: Change) -> None:
    """Write down how a move stands now."""
    connection.execute(
        "update changes set state = ?, source = ?, notes = ?, reason = ?, moved = ?, at = ?, settled_at = ? "
        "where id = ?",
        (
            change.state,
            change.source,
            words(connection, dump(dict(change.notes))),
            words(connection, None if change.reason is None else plain(change.reason)),
            int(change.moved),
            change.at,
            change.settled_at,
            change.id,
        ),
    )


def insert_run(connection: Connection, run: NumberRun) -> None:
    """Write down a run, unless it is there."""
    values: Iterable[Any] = (getattr(run, name) for name in RUN.split(", "))
    connection.execute(
        f"insert into number_runs ({RUN}) values ({', '.join('?' * 13)}) on conflict (id) do nothing",  # noqa: S608 - columns only
        tuple(values),
    )
