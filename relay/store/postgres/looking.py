"""One look at what there is to do: the questions that a turn asks at once are one statement.

It costs less than the transactions that would find nothing.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from relay.store.postgres.connection import ServerConnection

    Read = Callable[[Callable[[ServerConnection], "Seen"]], Coroutine[Any, Any, "Seen"]]


class Seen(NamedTuple):
    """What there is at a moment: waiting steps whose time has come, what is due, texts to be asked about."""

    ripe: bool
    due: bool
    unknown: bool


class Looks:
    """Asks the ledger once for all who ask within one turn of the loop."""

    def __init__(self, read: Read) -> None:
        """`read` runs a piece of work that only reads."""
        self._read = read
        self._next: asyncio.Task[Seen] | None = None
        self._now = 0.0
        self._connectors: set[str] = set()

    async def ask(self, now: float, connectors: Collection[str] = ()) -> Seen:
        """What there is at that moment, or a little later; `due` is of those connectors that anybody named.

        Raises:
            StoreBusy: the database cannot be asked.
        """
        if self._next is None:
            self._now, self._connectors = now, set()
            self._next = asyncio.get_running_loop().create_task(self._ask())
        self._now = max(self._now, now)
        self._connectors.update(connectors)
        return await asyncio.shield(self._next)

    async def _ask(self) -> Seen:
        self._next = None
        return await self._read(partial(look, connectors=sorted(self._connectors), now=self._now))


def look(connection: ServerConnection, connectors: Collection[str], now: float) -> Seen:
    """Look."""
    row = connection.execute(
        "select exists (select 1 from deliveries where state in ('waiting', 'held') and due_at is not null "
        "and due_at <= $2) as ripe, "
        "exists (select 1 from unnest($1::text[]) as u (name) where exists (select 1 from deliveries "
        "where connector = u.name and state = 'due' and lease_until is null and due_at <= $2)) as due, "
        "exists (select 1 from deliveries where state = 'unknown' and lease_until is null and due_at <= $2) as unknown",
        (list(connectors), now),
    ).fetchone()
    return Seen(row["ripe"], row["due"], row["unknown"])
