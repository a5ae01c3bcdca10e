"""Texts, one at a time in the whole cluster: what a person, a prefix and all are allowed is counted exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from relay.store.postgres.planning import RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.models import Delivery
    from relay.store.postgres.connection import ServerConnection

T = TypeVar("T")
TEXTS = "relay:texts"


def alone(work: Callable[[ServerConnection], T], connection: ServerConnection) -> T:
    """Do something that texts depend on while no text is judged."""
    connection.lock(TEXTS)
    return work(connection)


def begin(judge: Callable[[ServerConnection], T], delivery: Delivery, connection: ServerConnection) -> T:
    """Judge a text while no other is judged, and while nobody takes its claim away."""
    connection.lock(TEXTS, RUN + delivery.run)
    connection.execute("select 1 from deliveries where id = ? for update", (delivery.id,))
    return judge(connection)
