"""Rows to values and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from relay.models import OWED, UNCONFIRMED, Attempt, Delivery, Event, Finding, Owned, State, Verdict
from relay.store.sealing import keyed, words
from relay.store.sql.many import insert_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.store.sql.connection import Connection, Row

_DELIVERY_COLUMNS = (
    "id, event, run, rule, rule_version, step, kind, connector, lane, state, due_at, first_due_at, born_at, shadow, "
    "action, reason, claims, tries, notes, receipt, settled_at"
)
EVENT = (
    "seq, id, source, type, key, of_type, nth, received_at, started_at, age_known, late, caller, caller_raw, number, "
    "call, raw, body"
)
TEXT = (
    "id, run, rule, recipient, sender, body, state, shadow, at, provider_id, "
    "(select event from deliveries where deliveries.id = texts.id) as event"
)
"""A text, and the event it answers: None of one that others sent, or whose event the ledger no longer keeps."""
IS_OWED = "state in (" + ", ".join(f"'{state}'" for state in OWED) + ")"
"""Deliveries that something is still to be done about."""
MAY_HAVE_ARRIVED = "state in ('sending', 'unknown', 'sent', 'abandoned')"
"""Texts that may have reached somebody."""
_INTO_DELIVERIES = f"deliveries ({_DELIVERY_COLUMNS})"
_INTO_HELD_DELIVERIES = f"deliveries ({_DELIVERY_COLUMNS}, lease_until)"


def dump(value: Any) -> str:
    """JSON as the ledger keeps it: ASCII, as strangers send halves of characters; what is no JSON is kept as text."""
    return json.dumps(value, separators=(",", ":"), default=str)


def dump_sound(value: Any) -> str:
    """The same for what is known to be JSON, four times as fast; ASCII only where UTF-8 cannot hold it."""
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except ValueError:
        return dump(value)


def load(text: str) -> Any:
    """What was dumped; halves of characters are read by the slower reader, as the quicker one knows none."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def plain(text: str) -> str:
    """Text that every database can hold, whatever a stranger wrote: no NUL, no half of a character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def event_of(row: Row) -> Event:
    """An event from its row."""
    return Event(
        id=row["id"],
        source=row["source"],
        type=row["type"],
        key=row["key"],
        received_at=row["received_at"],
        call=load(row["call"]),
        raw=raw_of(row),
        caller=row["caller"],
        number=row["number"],
        caller_raw=row["caller_raw"],
        of_type=row["of_type"],
        nth=row["nth"],
        started_at=row["started_at"],
        age_known=bool(row["age_known"]),
        late=bool(row["late"]),
        seq=row["seq"],
    )


def raw_of(row: Row) -> Any:
    """An event's fields as their sender wrote them; where the row has none, its body says the same."""
    return load(row["raw"] or row["body"])


_INTO_EVENTS = (
    "events (id, source, type, key, of_type, nth, received_at, started_at, age_known, late, caller, caller_raw, "
    "number, call, raw, body)"
)


def insert_events(connection: Connection, events: Sequence[tuple[Event, bytes]]) -> int:
    """Write events down with their bodies; answers how many were new. Counting them is the caller's."""
    rows = [_event_row(connection, event, body) for event, body in events]
    waiting = [(event.id,) for event, _ in events if event.call.get(UNCONFIRMED) == "waiting"]
    if waiting:
        insert_many(connection, "unconfirmed (event)", waiting, "on conflict (event) do nothing")
    return insert_many(connection, _INTO_EVENTS, rows, "on conflict (source, key, of_type, nth) do nothing")


def _event_row(connection: Connection, event: Event, body: bytes) -> tuple[Any, ...]:
    raw = dump_sound(event.raw)
    return (
        event.id,
        event.source,
        event.type,
        event.key,
        event.of_type or event.type,
        event.nth,
        event.received_at,
        event.started_at,
        event.age_known,
        event.late,
        event.caller,
        words(connection, None if event.caller_raw is None else plain(event.caller_raw)),
        event.number,
        words(connection, dump_sound(event.call)),
        # Byte for byte what came: kept once. Whoever takes the body away writes down what is to stay of its fields.
        words(connection, "" if raw.encode() == body else raw),
        words(connection, body),
    )


def delivery_of(row: Row) -> Delivery:
    """A delivery from its row."""
    return Delivery(
        id=row["id"],
        event=row["event"],
        run=row["run"],
        rule=row["rule"],
        rule_version=row["rule_version"],
        step=row["step"],
        kind=row["kind"],
        connector=row["connector"],
        lane=row["lane"],
        state=State(row["state"]),
        due_at=row["due_at"],
        first_due_at=row["first_due_at"],
        born_at=row["born_at"],
        shadow=bool(row["shadow"]),
        action=None if row["action"] is None else load(row["action"]),
        reason=row["reason"],
        claims=row["claims"],
        tries=row["tries"],
        notes={} if row["notes"] == "{}" else json.loads(row["notes"]),
        receipt=None if row["receipt"] is None else json.loads(row["receipt"]),
        settled_at=row["settled_at"],
        seq=row["seq"],
    )


def insert_deliveries(
    connection: Connection, deliveries: Sequence[Delivery], leases: Mapping[str, float] | None = None
) -> None:
    """Write new deliveries down; `leases` are until when some of them, by id, are held by whoever they are given to."""
    if not deliveries:
        return
    connection.count("owed", len(deliveries))
    if leases:
        rows = [(*_delivery_row(connection, one), leases.get(one.id)) for one in deliveries]
        insert_many(connection, _INTO_HELD_DELIVERIES, rows)
    else:
        insert_many(connection, _INTO_DELIVERIES, [_delivery_row(connection, one) for one in deliveries])


def as_kept(d: Delivery) -> Delivery:
    """A new delivery as it will be read: its action and its notes in the types of JSON."""
    action = None if d.action is None else load(dump_sound(d.action))
    return d.but(action=action, notes=json.loads(dump(dict(d.notes)))) if d.notes else d.but(action=action)


def _delivery_row(connection: Connection, d: Delivery) -> tuple[Any, ...]:
    return (
        d.id,
        d.event,
        d.run,
        d.rule,
        d.rule_version,
        d.step,
        d.kind,
        d.connector,
        keyed(connection, d.lane),
        d.state,
        d.due_at,
        d.first_due_at,
        d.born_at,
        d.shadow,
        words(connection, None if d.action is None else dump_sound(d.action)),
        words(connection, None if d.reason is None else plain(d.reason)),
        d.claims,
        d.tries,
        words(connection, dump(dict(d.notes)) if d.notes else "{}"),
        words(connection, None if d.receipt is None else dump(d.receipt)),
        d.settled_at,
    )


_SAVED = ("state", "due_at", "first_due_at", "action", "lane", "reason", "tries", "notes", "receipt", "settled_at")
_SAVE_DELIVERY = (
    f"update deliveries set {', '.join(f'{column} = ?' for column in _SAVED)}, lease_until = null "  # noqa: S608 - columns only
    "where id = ? and claims = ?"
)


def save_delivery(connection: Connection, d: Delivery) -> bool:
    """Write a delivery as it now stands and end its lease; False when somebody claimed it since it was read."""
    return connection.execute(_SAVE_DELIVERY, _saved(connection, d)).rowcount == 1


def save_deliveries(connection: Connection, deliveries: Sequence[Delivery]) -> int:
    """The same for several, no two of them the same; answers how many nobody had claimed since they were read."""
    rows = [_saved(connection, d) for d in deliveries]
    return connection.update_many("deliveries", _SAVED, ("id", "claims"), "lease_until = null", rows)


def save_idle(connection: Connection, d: Delivery) -> bool:
    """The same for a delivery that nobody holds; False for one under way, whose fate is its holder's word."""
    return (
        connection.execute(
            f"{_SAVE_DELIVERY} and lease_until is null and state <> 'unknown'", _saved(connection, d)
        ).rowcount
        == 1
    )


def _saved(connection: Connection, d: Delivery) -> tuple[Any, ...]:
    return (
        d.state,
        d.due_at,
        d.first_due_at,
        words(connection, None if d.action is None else dump_sound(d.action)),
        keyed(connection, d.lane),
        words(connection, None if d.reason is None else plain(d.reason)),
        d.tries,
        words(connection, dump(dict(d.notes)) if d.notes else "{}"),
        words(connection, None if d.receipt is None else dump(d.receipt)),
        d.settled_at,
        d.id,
        d.claims,
    )


def dump_verdicts(verdicts: Iterable[Verdict]) -> str:
    """Verdicts as one compact record."""
    return dump_sound(
        [
            [v.rule, v.word, v.why, v.until, [[f.name, f.wanted, f.found, int(f.held)] for f in v.findings]]
            for v in verdicts
        ]
    )


def verdicts_of(text: str) -> tuple[Verdict, ...]:
    """Verdicts from their record."""
    return tuple(
        Verdict(rule, word, why, tuple(Finding(n, w, f, bool(h)) for n, w, f, h in findings), until)
        for rule, word, why, until, findings in json.loads(text)
    )


def attempt_of(row: Row) -> Attempt:
    """A try from its row."""
    return Attempt(row["delivery"], row["number"], row["started_at"], row["seconds"], row["outcome"], row["answer"])


def owned_of(row: Row) -> Owned:
    """One of the business's numbers from its row."""
    return Owned(
        number=row["number"],
        id=row["id"],
        name=row["name"],
        group=row["group_name"],
        group_id=row["group_id"],
        status=row["status"],
        sms_enabled=None if row["sms_enabled"] is None else bool(row["sms_enabled"]),
        created_at=row["created_at"],
        read_at=row["read_at"],
    )
