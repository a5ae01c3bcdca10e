"""Calls of one batch of events, remembered together: most are new, and most rules ask nothing about them.

Each must be there before a fact behind it is read, so what waits is written as soon as a statement asks for calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.store.sql.calls import count_new, row_of
from relay.store.sql.calls import remember_call as remember_now
from relay.store.sql.many import insert_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Event
    from relay.store.postgres.connection import ServerConnection
    from relay.store.sql.connection import Connection, Row

_COLUMNS = "calls (source, key, caller, number, began_at, direction, outcome, answered, seconds)"


class Remembering:
    """Remembers the calls of these events (`source`, `key`), one after the other."""

    def __init__(self, connection: ServerConnection, rows: Sequence[Row]) -> None:
        found = connection.execute(
            "select source, key from calls where (source, key) in (select * from unnest($1::text[], $2::text[]))",
            ([row["source"] for row in rows], [row["key"] for row in rows]),
        )
        self._known = {(row["source"], row["key"]) for row in found}
        self._new: list[tuple[Any, ...]] = []
        self._undone = False
        connection.before("calls", self)

    def remember(self, connection: Connection, event: Event) -> None:
        """Remember one; a call that is known already is corrected at once."""
        row = row_of(event)
        if row is None:
            return
        if self._undone or (event.source, event.key) in self._known:
            remember_now(connection, event)
            return
        self._known.add((event.source, event.key))
        self._new.append(row)
        count_new(connection, event)

    def undo(self) -> None:
        """From now on each is remembered by itself: which of them are known is not sure any more."""
        self._new, self._undone = [], True

    def write(self, connection: ServerConnection) -> None:
        """Write down what waits."""
        new, self._new = self._new, []
        if new:
            insert_many(connection, _COLUMNS, new, "on conflict (source, key) do nothing")
