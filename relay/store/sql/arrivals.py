"""Events coming in: written once, recognised when they come again, merged when they bring what was missing."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.models import quick
from relay.store import Accepted, RequestNote
from relay.store.sealing import words
from relay.store.sql import pruning
from relay.store.sql.rows import EVENT, dump, event_of, insert_events, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Event
    from relay.store import Merge
    from relay.store.sql.connection import Connection

KEPT_REQUESTS = 2000
"""Requests of each kind that stay readable."""


@quick
@dataclass(frozen=True, slots=True)
class Arrival:
    """An event at the door, and how a repeat of it is merged."""

    event: Event
    body: bytes
    merge: Merge


class _KnownError(Exception):
    """One of several events is no new one."""


def accept_all(connection: Connection, arrivals: Sequence[Arrival]) -> list[Accepted]:
    """Write down several events, nearly always all of them new: then in one statement; else one by one."""
    events = [arrival.event for arrival in arrivals]
    if not pruning.any_seen(connection, events):
        with contextlib.suppress(_KnownError):
            # One alone leaves nothing behind to be undone where it is no new one.
            with connection.apart() if len(arrivals) > 1 else contextlib.nullcontext():
                _insert_new(connection, arrivals)
            connection.count("accepted", len(arrivals))
            return [Accepted(event.id) for event in events]
    return [accept(connection, one.event, one.body, one.merge) for one in arrivals]


def _insert_new(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    if insert_events(connection, [(one.event, one.body) for one in arrivals]) < len(arrivals):
        raise _KnownError


def accept(connection: Connection, event: Event, body: bytes, merge: Merge) -> Accepted:
    """Write an event down, or recognise it and merge what was missing."""
    of_type = event.of_type or event.type
    row = connection.execute(
        f"select {EVENT}, pruned from events where source = ? and key = ? and of_type = ? order by nth desc limit 1",  # noqa: S608 - columns only
        (event.source, event.key, of_type),
    ).fetchone()
    if row is None:
        gone = pruning.seen(connection, event.source, event.key, of_type)
        if gone is not None:
            connection.count("duplicates")
            return Accepted(gone, duplicate=True)
        insert_events(connection, [(event, body)])
        connection.count("accepted")
        return Accepted(event.id)
    latest = event_of(row)
    first = _first(connection, latest)
    connection.count("duplicates")
    connection.execute("update events set repeats = repeats + 1 where id = ?", (first,))
    again = pruning.as_pruned(event, row["pruned"])
    merged = None if again is None else merge(latest, again)
    if merged is None:
        return Accepted(first, duplicate=True)
    insert_events(connection, [(merged, body)])
    connection.count("accepted")
    connection.count("enriched")
    return Accepted(first, duplicate=True, enriched=merged.id)


def _first(connection: Connection, latest: Event) -> str:
    """The id of the event itself, of which `latest` may be an enrichment; the first row may be pruned by now."""
    if not latest.nth:
        return latest.id
    row = connection.execute(
        "select id from events where source = ? and key = ? and of_type = ? and nth = 0",
        (latest.source, latest.key, latest.of_type),
    ).fetchone()
    gone = pruning.seen(connection, latest.source, latest.key, latest.of_type) if row is None else str(row["id"])
    return gone or latest.id


def known(connection: Connection, source: str, key: str) -> list[Event]:
    """The events of one call, those that are pruned too, of which little is left."""
    rows = connection.execute(
        f"select {EVENT} from events where source = ? and key = ? order by seq",  # noqa: S608 - columns only
        (source, key),
    )
    return [*pruning.seen_of(connection, source, key), *(event_of(row) for row in rows)]


def note_request(connection: Connection, note: RequestNote) -> None:
    """Keep a request that made no event, and let the oldest of its kind go."""
    connection.execute(
        "insert into requests (at, kind, source, status, reason, remote, headers, body) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            note.at,
            note.kind,
            plain(note.source),
            note.status,
            words(connection, plain(note.reason)),
            words(connection, plain(note.remote)),
            words(connection, dump(dict(note.headers))),
            words(connection, note.body),
        ),
    )
    connection.execute(
        "delete from requests where kind = ?1 and seq <= "
        "(select seq from requests where kind = ?1 order by seq desc limit 1 offset ?2)",
        (note.kind, KEPT_REQUESTS),
    )


def requests(connection: Connection, limit: int, kind: str | None, before: int | None = None) -> list[RequestNote]:
    """Requests that made no event, newest first."""
    which, values = ("", ()) if kind is None else ("kind = ? and ", (kind,))
    rows = connection.execute(
        f"select * from requests where {which}seq < ? order by seq desc limit ?",  # noqa: S608 - constants
        (*values, 2**63 - 1 if before is None else before, limit),
    )
    return [
        RequestNote(
            row["kind"],
            row["at"],
            row["source"],
            row["status"],
            row["reason"],
            row["remote"],
            json.loads(row["headers"]),
            row["body"],
            row["seq"],
        )
        for row in rows
    ]
