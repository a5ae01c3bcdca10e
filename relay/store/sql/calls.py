"""One short row for each call, which facts about people and numbers are counted from, and calls by the hour.

The two are kept as one: of every number and hour there are as many calls by the hour as rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import CALL_TYPES, UNCONFIRMED

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store.sql.connection import Connection

HOUR = 3600
ANSWERED = "answered"
_COUNT = (
    "insert into traffic (hour, number, outcome, calls) values (?, ?, ?, ?) "
    "on conflict (hour, number, outcome) do update set calls = traffic.calls + excluded.calls"
)
Place = tuple[int, str, str]
"""Hour since 1970, number (empty where it is not known), outcome."""


def remember_call(connection: Connection, event: Event) -> None:
    """Keep the row of a call; an answered call stays answered whatever comes later, and its length the longest."""
    row = row_of(event)
    if row is None:
        return
    new = connection.execute(
        "insert into calls (source, key, caller, number, began_at, direction, outcome, answered, seconds) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, key) do nothing",
        row,
    )
    if not new.rowcount:
        _correct(connection, event, str(event.call.get("outcome", "")), event.call.get("duration") or 0)
        return
    count_new(connection, event)


def row_of(event: Event) -> tuple[Any, ...] | None:
    """What is remembered of a call, in the order of the columns; None of what is no call that counts."""
    if (event.of_type or event.type) not in CALL_TYPES or event.call.get("is_test") or UNCONFIRMED in event.call:
        return None
    outcome = str(event.call.get("outcome", ""))
    return (
        event.source,
        event.key,
        event.caller,
        event.number,
        event.began_at,
        event.call.get("direction", "inbound"),
        outcome,
        int(outcome == ANSWERED),
        event.call.get("duration") or 0,
    )


def count_new(connection: Connection, event: Event) -> None:
    """Count a call that is remembered for the first time."""
    if event.call.get("direction", "inbound") == "inbound":
        place = _place(event.began_at, event.number, str(event.call.get("outcome", "")))
        connection.sum_up(_COUNT, place, 1)


def _correct(connection: Connection, event: Event, outcome: str, seconds: float) -> None:
    """A call that is known already: what was missing is put in, and its place among the hours changes with it."""
    known = connection.execute(
        "select caller, number, began_at, direction, outcome, answered, seconds from calls "
        "where source = ? and key = ?",
        (event.source, event.key),
    ).fetchone()
    before = _place(known["began_at"], known["number"], known["outcome"])
    began_at = min(known["began_at"], event.began_at)
    number = event.number if known["number"] is None else known["number"]
    if known["answered"] and outcome != ANSWERED:
        outcome = known["outcome"]
    connection.execute(
        "update calls set caller = ?, number = ?, began_at = ?, outcome = ?, answered = ?, seconds = ? "
        "where source = ? and key = ?",
        (
            event.caller if known["caller"] is None else known["caller"],
            number,
            began_at,
            outcome,
            int(bool(known["answered"]) or outcome == ANSWERED),
            max(known["seconds"], seconds),
            event.source,
            event.key,
        ),
    )
    after = _place(began_at, number, outcome)
    if known["direction"] == "inbound" and after != before:
        connection.sum_up(_COUNT, before, -1)
        connection.sum_up(_COUNT, after, 1)


def _place(began_at: float, number: str | None, outcome: str) -> Place:
    return int(began_at // HOUR), number or "", outcome
