"""What people and the relay's own loops change beside the queue: marks, texts off, opt-outs, second chances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import CALL_TYPES, State
from relay.optout import MARK
from relay.store.sql.facts import person
from relay.store.sql.planning import follow_up
from relay.store.sql.rows import delivery_of, event_of, save_delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Event
    from relay.store import Follow
    from relay.store.sql.connection import Connection

_TO_THEM = (
    "(json_extract(action, '$.to') = :number "
    "or action is null and event in (select id from events where caller = :number))"
)
_RESTORED = "owed by a copy that was put back; it may have gone out since the copy was made"
_TYPES = ", ".join(f"'{kind}'" for kind in CALL_TYPES)


def mark(connection: Connection, name: str) -> float | None:
    """How far a loop has come, Unix seconds."""
    row = connection.execute("select at from marks where name = ?", (name,)).fetchone()
    return None if row is None else float(row["at"])


def set_mark(connection: Connection, name: str, at: float) -> None:
    """Remember how far a loop has come."""
    connection.execute("insert or replace into marks (name, at) values (?, ?)", (name, at))


def without_ai(connection: Connection, source: str, since: float, until: float) -> list[Event]:
    """Calls that arrived within (since, until] without AI fields and have not been enriched since."""
    rows = connection.execute(
        f"select * from events e where received_at > ? and received_at <= ? and source = ? and nth = 0 "  # noqa: S608 - constants
        f"and type in ({_TYPES}) and json_extract(call, '$.ai_category') is null and not exists "
        "(select 1 from events n where n.source = e.source and n.key = e.key and n.of_type = e.of_type and n.nth > 0) "
        "order by seq limit 500",
        (since, until, source),
    )
    return [event_of(row) for row in rows]


def switch_texts(connection: Connection, *, off: bool) -> None:
    """Turn every text off or on again; what is due meanwhile is held."""
    if off:
        connection.execute("insert or replace into meta (name, value) values ('texts_off', x'01')")
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
    connection.execute(
        f"update deliveries set notes = json_set(notes, '$.{MARK}', :number) where kind = 'text' "  # noqa: S608 - constants
        f"and state in ('due', 'waiting', 'held') and lease_until is null and {_TO_THEM}",
        {"number": number},
    )
    hurried = connection.execute(
        "update deliveries set due_at = :now, claims = claims + 1 where kind = 'text' "  # noqa: S608 - constants
        f"and state in ('waiting', 'held') and due_at > :now and {_TO_THEM}",
        {"now": now, "number": number},
    )
    return hurried.rowcount


def opt_in(connection: Connection, number: str) -> bool:
    """Take an opt-out back; False when there was none."""
    gone = connection.execute("delete from opt_outs where person = ?", (person(connection, number),))
    return gone.rowcount == 1


def opt_outs(connection: Connection, limit: int) -> list[dict[str, object]]:
    """Who opted out, newest first; `number` is None for people whose number was erased."""
    rows = connection.execute("select number, at, how from opt_outs order by at desc limit ?", (limit,))
    return [dict(row) for row in rows]


def retry(connection: Connection, ids: Sequence[str], now: float) -> int:
    """Give dead deliveries another schedule of tries; answers how many there were."""
    done = connection.executemany(
        "update deliveries set state = 'due', due_at = ?, first_due_at = ?, tries = 0, settled_at = null, "
        "claims = claims + 1, lease_until = null, reason = 'retried by hand' where id = ? and state = 'dead'",
        [(now, now, name) for name in ids],
    )
    return done.rowcount


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


def release(connection: Connection, event: str, now: float) -> int:
    """Let a quarantined event's deliveries go, without its texts; answers how many there were."""
    connection.execute(
        "update deliveries set state = 'suppressed', settled_at = ?, claims = claims + 1, "
        "reason = 'released from quarantine, without texts' "
        "where event = ? and state = 'held' and kind = 'text' and json_extract(notes, '$.quarantined')",
        (now, event),
    )
    done = connection.execute(
        "update deliveries set state = 'waiting', due_at = ?, reason = null, "
        "notes = json_remove(notes, '$.quarantined'), claims = claims + 1 "
        "where event = ? and state = 'held' and json_extract(notes, '$.quarantined')",
        (now, event),
    )
    return done.rowcount


def quarantined(connection: Connection, limit: int) -> list[Event]:
    """Events that wait for somebody to release them, newest first."""
    rows = connection.execute(
        "select * from events where id in (select event from deliveries where state = 'held' "
        "and json_extract(notes, '$.quarantined')) order by seq desc limit ?",
        (limit,),
    )
    return [event_of(row) for row in rows]
