"""Events coming in beside other relays: whoever writes about a call has it alone until the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from relay.store.sql import arrivals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.models import Event
    from relay.store import Accepted
    from relay.store.postgres.connection import ServerConnection
    from relay.store.sql.arrivals import Arrival

T = TypeVar("T")


def accept_all(connection: ServerConnection, come: Sequence[Arrival]) -> list[Accepted]:
    """Write several down, or recognise them: a repeat that comes through another relay sees the first."""
    connection.lock(*(_call(arrival.event) for arrival in come))
    return arrivals.accept_all(connection, come)


def about(event: Event, work: Callable[[ServerConnection], T], connection: ServerConnection) -> T:
    """Do something about a call while nobody else does."""
    connection.lock(_call(event))
    return work(connection)


def _call(event: Event) -> str:
    return f"relay:call:{event.source}:{event.key}"
