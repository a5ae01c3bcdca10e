"""Reading the ledger: for people, for the planner's start, and for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.store.sealing import words
from relay.store.sql.rows import EVENT, IS_OWED, TEXT, attempt_of, delivery_of, event_of, owned_of, verdicts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Attempt, Delivery, Event, Owned, Verdict
    from relay.store.sql.connection import Connection

_NEWEST = 2**63 - 1
_FILTERS = ("caller", "number", "type")


def event(connection: Connection, reference: str) -> Event | None:
    """One event by its id, or the latest of a call; `last` is the latest of all."""
    questions: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("where id = ?", (reference,)),
        ("where key = ? order by seq desc limit 1", (reference,)),
    )
    if reference == "last":
        questions = (("order by seq desc limit 1", ()),)
    for which, values in questions:
        row = connection.execute(f"select {EVENT} from events {which}", values).fetchone()  # noqa: S608 - constants
        if row is not None:
            return event_of(row)
    return None


def events(
    connection: Connection,
    limit: int,
    before: int | None,
    person: str | None,
    number: str | None = None,
    kind: str | None = None,
) -> list[Event]:
    """Events, newest first; of one person, on one number, of one type."""
    asked = [(column, value) for column, value in zip(_FILTERS, (person, number, kind), strict=True) if value]
    which = "".join(f"{column} = ? and " for column, _ in asked)
    values = [value for _, value in asked]
    rows = connection.execute(
        f"select {EVENT} from events where {which}seq < ? order by seq desc limit ?",  # noqa: S608 - constants
        (*values, _NEWEST if before is None else before, limit),
    )
    return [event_of(row) for row in rows]


def verdicts(connection: Connection, event_id: str) -> tuple[Verdict, ...] | None:
    """The verdicts on an event."""
    row = connection.execute("select verdicts from verdicts where event = ?", (event_id,)).fetchone()
    return None if row is None else verdicts_of(row["verdicts"])


def deliveries(
    connection: Connection, limit: int, state: str | None, event_id: str | None, before: int | None
) -> list[Delivery]:
    """Deliveries, newest first; those of one event in the order of the steps."""
    newest = _NEWEST if before is None else before
    if event_id is not None:
        rows = connection.execute(
            f"select * from deliveries where event = ? {'' if state is None else 'and state = ?'} and seq < ? "  # noqa: S608 - constants
            "order by seq limit ?",
            (event_id, *([] if state is None else [state]), newest, limit),
        )
    elif state is not None:
        rows = connection.execute(
            "select * from deliveries where state = ? and seq < ? order by seq desc limit ?", (state, newest, limit)
        )
    else:
        rows = connection.execute("select * from deliveries where seq < ? order by seq desc limit ?", (newest, limit))
    return [delivery_of(row) for row in rows]


def attempts(connection: Connection, delivery: str) -> list[Attempt]:
    """Every try of a delivery, oldest first."""
    rows = connection.execute("select * from attempts where delivery = ? order by seq", (delivery,))
    return [attempt_of(row) for row in rows]


def texts(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Texts, newest first."""
    rows = connection.execute(f"select {TEXT} from texts order by at desc limit ?", (limit,))  # noqa: S608 - constants
    return [{**dict(row), "shadow": bool(row["shadow"])} for row in rows]


def oldest_due(connection: Connection) -> float | None:
    """When the oldest delivery that is due fell due; what is in back-off has been since before its first try."""
    asked = (
        "select min(due_at) as at from deliveries where state = 'due'",
        "select min(first_due_at) as at from deliveries where state = 'due' and tries > 0 and lease_until is null",
    )
    moments = [connection.execute(question).fetchone()["at"] for question in asked]
    return min((moment for moment in moments if moment is not None), default=None)


def owed_versions(connection: Connection) -> list[tuple[str, str]]:
    """Rule versions that something owed names."""
    rows = connection.execute(
        "select version, form from rule_versions where version in "  # noqa: S608 - a constant
        f"(select distinct rule_version from deliveries where {IS_OWED})"
    )
    return [(row["version"], row["form"]) for row in rows]


def owed_connectors(connection: Connection) -> set[str]:
    """Connectors that something owed names."""
    rows = connection.execute(f"select distinct connector from deliveries where {IS_OWED}")  # noqa: S608 - a constant
    return {row["connector"] for row in rows}


def save_rule(connection: Connection, version: str, name: str, form: str, now: float) -> None:
    """Keep a version of a rule."""
    connection.execute(
        "insert into rule_versions (version, name, form, first_at) values (?, ?, ?, ?) "
        "on conflict (version) do nothing",
        (version, name, form, now),
    )


def save_numbers(connection: Connection, numbers: Sequence[Owned]) -> None:
    """Keep the numbers as the phone system lists them now."""
    connection.execute("delete from numbers")
    connection.executemany(
        "insert into numbers (number, id, name, group_name, group_id, status, sms_enabled, created_at, read_at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (number) do update set id = excluded.id, "
        "name = excluded.name, group_name = excluded.group_name, group_id = excluded.group_id, "
        "status = excluded.status, sms_enabled = excluded.sms_enabled, created_at = excluded.created_at, "
        "read_at = excluded.read_at",
        [
            (
                n.number,
                n.id,
                words(connection, n.name),
                n.group,
                n.group_id,
                n.status,
                n.sms_enabled,
                n.created_at,
                n.read_at,
            )
            for n in numbers
        ],
    )


def numbers(connection: Connection) -> list[Owned]:
    """The business's numbers as last read."""
    return [owned_of(row) for row in connection.execute("select * from numbers order by number")]
