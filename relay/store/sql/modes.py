"""What was said of the modes of rules, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import SaidMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.store.sql.connection import Connection


def say_mode(connection: Connection, said: SaidMode) -> None:
    """Keep what was said of a rule."""
    connection.execute(
        "insert into said_modes (rule, mode, over, at) values (?, ?, ?, ?) on conflict (rule) do update set "
        "mode = excluded.mode, over = excluded.over, at = excluded.at",
        (said.rule, said.mode, said.over, said.at),
    )


def said_modes(connection: Connection) -> tuple[SaidMode, ...]:
    """Everything that was said."""
    rows = connection.execute("select rule, mode, over, at from said_modes order by rule").fetchall()
    return tuple(SaidMode(row["rule"], row["mode"], row["over"], row["at"]) for row in rows)


def unsay_modes(connection: Connection, rules: Sequence[str]) -> None:
    """Let go of what was said of these rules."""
    connection.executemany("delete from said_modes where rule = ?", [(rule,) for rule in rules])
