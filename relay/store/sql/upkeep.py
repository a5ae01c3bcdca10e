"""What people and the relay's own loops change beside the queue: marks, texts off, opt-outs, second chances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from relay.models import CALL_TYPES, DUE_OTHERWISE, QUARANTINED, State
from relay.optout import MARK
from relay.store.sealing import words
from relay.store.sql.facts import person
from relay.store.sql.planning import event_named, follow_up
from relay.store.sql.rows import EVENT, delivery_of, dump, event_of, save_delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Delivery, Event
    from relay.store import Follow
    from relay.store.sql.connection import Connection, Row

_RESTORED = "owed by a copy that was put back; it may have gone out since the copy was made"
_TYPES = ", ".join(f"'{kind}'" for kind in CALL_TYPES)
_PAGE = 500
_WITHOUT_TEXTS = "released from quarantine, without texts"


def mark(connection: Connection, name: str) -> float | None:
    """How far a loop has come, Unix seconds."""
    row = connection.execute("select at from marks where name = ?", (name,)).fetchone()
    return None if row is None else float(row["at"])


def set_mark(connection: Connection, name: str, at: float) -> None:
    """Remember how far a loop has come."""
    connection.execute(
        "insert into marks (name, at) values (?, ?) on conflict (name) do update set at = excluded.at", (name, at)
    )


def without_ai(connection: Connection, source: str, since: float, until: float) -> list[Event]:
    """Calls that arrived within (since, until] without AI fields and have not been enriched since."""
    found: list[Event] = []
    after = 0
    while True:
        rows = connection.execute(
            f"select {EVENT} from events e where received_at > ? and received_at <= ? and source = ? and nth = 0 "  # noqa: S608 - constants
            f"and type in ({_TYPES}) and seq > ? and not exists (select 1 from events n "
            "where n.source = e.source and n.key = e.key and n.of_type = e.of_type and n.nth > 0) "
            "order by seq limit ?",
            (since, until, source, after, _PAGE),
        ).fetchall()
        found += [event for event in map(event_of, rows) if event.call.get("ai_category") is None]
        if len(rows) < _PAGE or len(found) >= _PAGE:
            return found[:_PAGE]
        after = rows[-1]["seq"]


def switch_texts(connection: Connection, *, off: bool) -> None:
    """Turn every text off or on again; what is due meanwhile is held."""
    if off:
        connection.execute(
            "insert into meta (name, value) values ('texts_off', ?) on conflict (name) do nothing", (b"\x01",)
        )
    else:
        connection.execute("delete from meta where name = 'texts_off'")


def texts_are_off(connection: Connection) -> bool:
    """Whether the switch is off."""
    return connection.execute("select 1 from meta where name = 'texts_off'").fetchone() is not None


def restored(connection: Connection) -> bool:
    """Whether this ledger was put back, and nobody has allowed texts since."""
    return connection.execute("select 1 from meta where name = 'restored'").fetchone() is not None


def texts_after_restore(connection: Connection, follow: Follow, now: float) -> int:
    """Allow texts again; what the copy owed may have gone out since it was made, and never goes. Answers how many."""
    row = connection.execute("select value from meta where name = 'restored'").fetchone()
    if row is None:
        return 0
    connection.execute("delete from meta where name = 'restored'")
    texts = connection.execute(
        "select * from deliveries where state in ('due', 'waiting', 'held') and kind = 'text' and seq <= ?",
        (int(bytes(row["value"])),),
    ).fetchall()
    done = 0
    for text in map(delivery_of, texts):
        gone = text.moved(State.SUPPRESSED, reason=_RESTORED, settled_at=now)
        done += save_delivery(connection, gone)
        follow_up(connection, gone, follow)
    return done


def opt_out(connection: Connection, number: str, now: float, how: str) -> int:
    """Never text this person again; answers how many waiting texts are judged at once, and so suppressed.

    What is planned bears a mark, so that a START a moment later does not let it go before its time.
    """
    connection.execute(
        "insert into opt_outs (person, at, how, number) values (?, ?, ?, ?) on conflict (person) do nothing",
        (person(connection, number), now, how, number),
    )
    hurried = 0
    for text in _texts_to(connection, number):
        notes = words(connection, dump({**json.loads(text["notes"]), MARK: number}))
        connection.execute("update deliveries set notes = ? where id = ? and lease_until is null", (notes, text["id"]))
        hurried += connection.execute(
            "update deliveries set due_at = ?1, claims = claims + 1 "
            "where id = ?2 and state in ('waiting', 'held') and due_at > ?1",
            (now, text["id"]),
        ).rowcount
    return hurried


def _texts_to(connection: Connection, number: str) -> list[Row]:
    """Texts to a person that have not begun; one that is not filled in yet goes to the caller."""
    rows = connection.execute(
        "select d.id, d.action, d.notes, e.caller from deliveries d join events e on e.id = d.event "
        "where d.kind = 'text' and d.state in ('due', 'waiting', 'held')"
    )
    return [
        row
        for row in rows
        if (row["caller"] if row["action"] is None else json.loads(row["action"]).get("to")) == number
    ]


def opt_in(connection: Connection, number: str) -> bool:
    """Take an opt-out back; False when there was none."""
    gone = connection.execute("delete from opt_outs where person = ?", (person(connection, number),))
    return gone.rowcount == 1


def opt_outs(connection: Connection, limit: int, before: tuple[float, int] | None) -> list[dict[str, object]]:
    """Who opted out, newest first; `number` is None for people whose number was erased."""
    at, shown = (None, 0) if before is None else before
    which = "" if at is None else "where at <= ? "
    rows = connection.execute(
        f"select number, at, how from opt_outs {which}order by at desc, person limit ? offset ?",  # noqa: S608 - constants
        (*(() if at is None else (at,)), limit, shown),
    )
    return [dict(row) for row in rows]


def retry(connection: Connection, ids: Sequence[str], now: float) -> int:
    """Give dead deliveries another schedule of tries; answers how many there were."""
    done = 0
    for name in ids:
        retried = connection.execute(
            "update deliveries set state = 'due', due_at = ?, first_due_at = ?, tries = 0, settled_at = null, "
            "claims = claims + 1, lease_until = null, reason = 'retried by hand' where id = ? and state = 'dead'",
            (now, now, name),
        ).rowcount
        if retried:
            connection.execute(
                "update standings set paused_at = null, paused_by = null, paused_why = null "
                "where paused_by = 'relay' and connector = (select connector from deliveries where id = ?)",
                (name,),
            )
        done += retried
    return done


def cancel(connection: Connection, ids: Sequence[str], follow: Follow, now: float) -> int:
    """Call off what has not begun; the later steps of its run hear of it. Answers how many there were."""
    done = 0
    for name in ids:
        row = connection.execute(
            "select * from deliveries where id = ? and state in ('due', 'waiting', 'held') and lease_until is null",
            (name,),
        ).fetchone()
        if row is None:
            continue
        gone = delivery_of(row).moved(State.CANCELLED, reason="cancelled by hand", settled_at=now)
        done += save_delivery(connection, gone)
        follow_up(connection, gone, follow)
    return done


def release(connection: Connection, event: str, follow: Follow, now: float) -> int:
    """Let a quarantined event's deliveries go, without its texts; answers how many there were."""
    rows = connection.execute("select * from deliveries where event = ? and state = 'held' order by seq", (event,))
    held = [delivery for delivery in map(delivery_of, rows.fetchall()) if delivery.quarantined]
    freed = [_freed(delivery, now) for delivery in held]
    let_go = []
    for delivery in freed:
        moved = connection.execute(
            "update deliveries set state = ?, due_at = ?, settled_at = ?, reason = ?, notes = ?, claims = claims + 1 "
            "where id = ? and state = 'held'",
            (
                delivery.state,
                delivery.due_at,
                delivery.settled_at,
                words(connection, delivery.reason),
                words(connection, dump(dict(delivery.notes))),
                delivery.id,
            ),
        )
        if moved.rowcount:  # another relay may have ended it a moment ago
            let_go.append(delivery)
    for delivery in let_go:
        follow_up(connection, delivery, follow)
    return sum(not delivery.state.settled for delivery in let_go)


def _freed(delivery: Delivery, now: float) -> Delivery:
    notes = {name: value for name, value in delivery.notes.items() if name not in (QUARANTINED, DUE_OTHERWISE)}
    if delivery.kind == "text":
        return delivery.moved(State.SUPPRESSED, reason=_WITHOUT_TEXTS, settled_at=now, notes=notes)
    due_at = delivery.notes.get(DUE_OTHERWISE, now)
    return delivery.moved(State.WAITING, reason=None, due_at=None if due_at is None else max(due_at, now), notes=notes)


def quarantined(connection: Connection, limit: int) -> list[Event]:
    """Events that wait for somebody to release them, newest first."""
    held = connection.execute("select event, notes from deliveries where state = 'held'")
    names = {row["event"] for row in held if json.loads(row["notes"]).get(QUARANTINED)}
    return sorted((event_named(connection, name) for name in names), key=lambda event: -event.seq)[:limit]
