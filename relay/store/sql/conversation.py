"""Texts that came in and that still wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.sql.rows import EVENT, event_of

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store.sql.connection import Connection

_MOST = 500


def unanswered_texts(connection: Connection, *, since: float, until: float) -> list[Event]:
    """Texts within (since, until] whose senders nobody answered afterwards, oldest first."""
    rows = connection.execute(
        f"select {EVENT} from events where type = 'text.received' and caller is not null "  # noqa: S608 - columns only
        "and received_at > ? and received_at <= ? "
        "and not exists (select 1 from texts t where t.recipient = events.caller and t.at > events.received_at "
        "and t.run = '' and t.shadow = 0) "
        "and not exists (select 1 from calls c where c.caller = events.caller and c.began_at > events.received_at "
        "and c.answered = 1) order by seq limit ?",
        (since, until, _MOST),
    )
    return [event_of(row) for row in rows]


def doubtful_texts(connection: Connection, *, since: float) -> list[Event]:
    """Texts since then that may ask to stop, newest first."""
    rows = connection.execute(
        f"select {EVENT} from events where type = 'text.received' and caller is not null "  # noqa: S608 - columns only
        "and received_at > ? order by seq desc",
        (since,),
    )
    return [event for row in rows if (event := event_of(row)).call.get("review")][:_MOST]
