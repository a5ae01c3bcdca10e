"""Taking what has just been planned, in the transaction that plans it, as far as its worker has room.

A claim a moment later would do the same: read and change each row once more, which takes as long as to settle it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import State
from relay.store import Claimed
from relay.store.sql.rows import as_kept, insert_deliveries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.models import Delivery, Event
    from relay.store import Want
    from relay.store.sql.connection import Connection


class Taking:
    """What of a batch is taken at once. Single jobs of no lane only; whatever is judged when it leaves is not."""

    def __init__(self, wants: Mapping[str, Want], now: float) -> None:
        self.claimed: list[Claimed] = []
        self.left: set[str] = set()
        """Connectors to which something is owed that was not taken."""
        self._wants = wants
        self._now = now
        self._taken: dict[str, int] = {}

    def write(self, connection: Connection, owed: Sequence[tuple[Event, Delivery]]) -> None:
        """Write new deliveries down, each with its event, and take of them what may be taken."""
        written: list[Delivery] = []
        leases: dict[str, float] = {}
        claimed: list[Claimed] = []
        left: set[str] = set()
        taken = dict(self._taken)
        for event, delivery in owed:
            want = self._wants.get(delivery.connector)
            if want is not None and taken.get(delivery.connector, 0) < want.slots and self._may_leave(delivery):
                held = as_kept(delivery).but(state=State.SENDING, claims=delivery.claims + 1)
                taken[held.connector] = taken.get(held.connector, 0) + 1
                leases[held.id] = self._now + want.lease
                claimed.append(Claimed(held, event))
                written.append(held)
                continue
            written.append(delivery)
            if not delivery.state.settled:
                left.add(delivery.connector)
        insert_deliveries(connection, written, leases)
        self.claimed += claimed
        self.left |= left
        self._taken = taken

    def _may_leave(self, delivery: Delivery) -> bool:
        due = delivery.state is State.DUE and delivery.due_at is not None and delivery.due_at <= self._now
        return due and delivery.kind == "send" and delivery.lane is None
