"""Events that wait for the phone system's word, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.sealing import words
from relay.store.sql.rows import EVENT, dump, event_of, plain

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store.sql.connection import Connection


def unconfirmed(connection: Connection, limit: int) -> list[Event]:
    """The oldest of them."""
    columns = ", ".join(f"e.{name.strip()}" for name in EVENT.split(","))
    rows = connection.execute(
        f"select {columns} from unconfirmed u cross join events e where e.id = u.event order by e.seq limit ?",  # noqa: S608 - columns only
        (limit,),
    )
    return [event_of(row) for row in rows]


def confirm(connection: Connection, event: Event) -> None:
    """Write an event as it is now known; the planner meets it again."""
    connection.execute(
        "update events set started_at = ?, late = ?, caller = ?, caller_raw = ?, number = ?, call = ?, "
        "planned_at = null where seq = ?",
        (
            event.started_at,
            int(event.late),
            event.caller,
            words(connection, None if event.caller_raw is None else plain(event.caller_raw)),
            event.number,
            words(connection, dump(dict(event.call))),
            event.seq,
        ),
    )
    connection.execute("delete from unconfirmed where event = ?", (event.id,))
