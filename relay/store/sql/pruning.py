"""Letting go of what is old, a few hundred rows at a time, by index; never of anything owed.

An event loses its words first (`pruned` 1), then what its sender wrote (2), then goes as a whole. What recognises it
when it comes again stays, in few bytes; so do calls, texts without their words, opt-outs and what ran once.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.models import Event
from relay.store.sealing import words
from relay.store.sql.rows import IS_OWED, dump, raw_of
from relay.store.upkeep import Pruned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.store.sql.connection import Connection, Row
    from relay.store.upkeep import Prunable

WORDS = ("transcription", "summary")
"""What was said in a call."""
_SPOKEN = frozenset(f"call.{name}" for name in WORDS)
_EVENT_OWED = f"planned_at is null or exists (select 1 from deliveries d where d.event = e.id and d.{IS_OWED})"  # noqa: S608 - constants
_DONE = f"event = ? and state <> 'dead' and not {IS_OWED}"
"""Deliveries that nobody will try again; dead ones may be retried, and keep what they would say."""


@dataclass(frozen=True)
class _Way:
    find: str
    """Rows behind a place, in order: `place`, `at`, `owed` (these are passed by), and what letting go needs."""
    let_go: Callable[[Connection, Sequence[Row]], None]


def prunable(connection: Connection, kind: Prunable, *, before: float, after: float, limit: int) -> Pruned:
    """How many of the next rows would go."""
    rows, place = _find(connection, kind, before, after, limit)
    return Pruned(len(rows), place)


def prune(connection: Connection, kind: Prunable, *, before: float, after: float, limit: int) -> Pruned:
    """Let go of the next rows."""
    rows, place = _find(connection, kind, before, after, limit)
    if rows:
        _WAYS[kind].let_go(connection, rows)
    return Pruned(len(rows), place)


def _find(
    connection: Connection, kind: Prunable, before: float, after: float, limit: int
) -> tuple[list[Row], float | None]:
    """Rows that may go, and the place to look on from, None at the end: what comes later is younger."""
    rows = connection.execute(_WAYS[kind].find, (after, limit)).fetchall()
    old = list(itertools.takewhile(lambda row: row["at"] < before, rows))
    place = old[-1]["place"] if len(old) == limit else None
    return [row for row in old if not row["owed"]], place


def _words(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany("update events set pruned = 1 where seq = ?", [(row["place"],) for row in rows])
    for row in rows:
        told = json.loads(row["call"])
        if all(told.get(name) is None for name in WORDS):
            continue
        wrote = connection.execute("select raw, body from events where seq = ?", (row["place"],)).fetchone()
        call, raw = without_words(told, raw_of(wrote))
        connection.execute(
            "update events set call = ?, raw = ?, body = null where seq = ?",
            (words(connection, dump(call)), words(connection, dump(raw)), row["place"]),
        )
        connection.execute(f"update deliveries set action = null where {_DONE}", (row["id"],))  # noqa: S608 - constants
        _blank_findings(connection, row["id"])


def _blank_findings(connection: Connection, event: str) -> None:
    """A verdict that judged the words says no longer what they were."""
    row = connection.execute("select verdicts from verdicts where event = ?", (event,)).fetchone()
    if row is None:
        return
    verdicts = json.loads(row["verdicts"])
    for verdict in verdicts:
        verdict[4] = [[n, w, "pruned" if n in _SPOKEN else found, held] for n, w, found, held in verdict[4]]
    connection.execute("update verdicts set verdicts = ? where event = ?", (words(connection, dump(verdicts)), event))


def without_words(call: Mapping[str, Any], raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call without what was said in it, wherever its sender wrote that."""
    said = {call[name] for name in WORDS if isinstance(call.get(name), str)}
    return {name: value for name, value in call.items() if name not in WORDS}, _without(raw, said)


def _without(value: Any, said: set[Any]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, said) for name, one in value.items() if not (isinstance(one, str) and one in said)}
    return [_without(one, said) for one in value] if isinstance(value, list) else value


def _bodies(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany(
        "update events set body = null, raw = '{}', call = ?, pruned = 2 where seq = ?",
        [(words(connection, _without_body(row["call"])), row["place"]) for row in rows],
    )
    connection.executemany(
        f"update deliveries set action = null, receipt = null, notes = '{{}}' where {_DONE}",  # noqa: S608 - constants
        [(row["id"],) for row in rows],
    )


def _without_body(call: str) -> str:
    return dump({name: value for name, value in json.loads(call).items() if name != "body"})


def _texts(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany("update texts set body = null where id = ?", [(row["id"],) for row in rows])


def _attempts(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany("delete from attempts where seq = ?", [(row["place"],) for row in rows])


def _requests(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany("delete from requests where seq = ?", [(row["place"],) for row in rows])


def _events(connection: Connection, rows: Sequence[Row]) -> None:
    connection.executemany(
        "insert into seen (call, type, event, at) values (?, ?, ?, ?) on conflict (call, type) do nothing",
        [(_call(row["source"], row["key"]), row["of_type"], row["id"], row["at"]) for row in rows if not row["nth"]],
    )
    names = [(row["id"],) for row in rows]
    connection.executemany("delete from attempts where delivery in (select id from deliveries where event = ?)", names)
    forgotten = sum(connection.execute("delete from deliveries where event = ?", name).rowcount for name in names)
    connection.executemany("delete from verdicts where event = ?", names)
    connection.executemany("delete from events where seq = ?", [(row["place"],) for row in rows])
    connection.count("pruned", len(rows))
    connection.count("forgotten", forgotten)


_WAYS: dict[Prunable, _Way] = {
    "transcripts": _Way(
        f"select seq as place, id, call, received_at as at, {_EVENT_OWED} as owed "  # noqa: S608 - constants
        "from events e where pruned = 0 and seq > ? order by seq limit ?",
        _words,
    ),
    "bodies": _Way(
        f"select seq as place, id, call, received_at as at, {_EVENT_OWED} as owed "  # noqa: S608 - constants
        "from events e where pruned = 1 and seq > ? order by seq limit ?",
        _bodies,
    ),
    "texts": _Way(
        "select at as place, id, at, state in ('sending', 'unknown') as owed "
        "from texts where body is not null and at > ? order by at limit ?",
        _texts,
    ),
    "attempts": _Way(
        "select seq as place, started_at as at, "  # noqa: S608 - constants
        f"exists (select 1 from deliveries d where d.id = a.delivery and d.{IS_OWED}) as owed "
        "from attempts a where seq > ? order by seq limit ?",
        _attempts,
    ),
    "requests": _Way(
        "select seq as place, at, 0 as owed from requests where seq > ? order by seq limit ?",
        _requests,
    ),
    "events": _Way(
        f"select seq as place, id, source, key, of_type, nth, received_at as at, {_EVENT_OWED} as owed "  # noqa: S608 - constants
        "from events e where seq > ? order by seq limit ?",
        _events,
    ),
}


def _call(source: str, key: str) -> bytes:
    """What a call is recognised by once its event is gone: 16 bytes that tell nothing else of it."""
    return hashlib.blake2b(f"{source}\x00{key}".encode(), digest_size=16).digest()


def seen(connection: Connection, source: str, key: str, of_type: str) -> str | None:
    """The id of an event that is pruned."""
    row = connection.execute(
        "select event from seen where call = ? and type = ?", (_call(source, key), of_type)
    ).fetchone()
    return None if row is None else str(row["event"])


def any_seen(connection: Connection, events: Sequence[Event]) -> bool:
    """Whether one of these is pruned; asked in one statement, and mostly of an empty table."""
    if connection.execute("select 1 from seen limit 1").fetchone() is None:
        return False
    calls = [_call(event.source, event.key) for event in events]
    which = f"select 1 from seen where call in ({', '.join('?' * len(calls))}) limit 1"  # noqa: S608 - marks only
    return connection.execute(which, calls).fetchone() is not None


def seen_of(connection: Connection, source: str, key: str) -> list[Event]:
    """The events of one call that are pruned, as far as anything is left of them."""
    rows = connection.execute("select type, event, at from seen where call = ?", (_call(source, key),))
    return [Event(row["event"], source, row["type"], key, row["at"], of_type=row["type"]) for row in rows]


def as_pruned(event: Event, pruned: int) -> Event | None:
    """A repeat without what retention has taken from the first; None where nothing is left to compare it with."""
    if pruned > 1:
        return None
    call, raw = without_words(event.call, event.raw) if pruned else (event.call, event.raw)
    return replace(event, call=call, raw=raw)
