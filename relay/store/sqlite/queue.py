"""The queue: planned, ripened, claimed, settled; every move in one transaction, fenced by the claim count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import State
from relay.store import Claimed, Run, Taken
from relay.store.sqlite.facts import SqliteKnown, remember_call
from relay.store.sqlite.rows import (
    delivery_of,
    dump_verdicts,
    event_of,
    insert_deliveries,
    save_delivery,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from relay.models import Delivery, Event
    from relay.store import DecidePlan, DecideRipe, DecideText, Follow, Settlement, TextAddress, Want, Windows

_LOOK_PAST = 64
"""Due rows looked at in one claim at least, so that a lane that is held up does not hide the others."""
_TEXT_STATES = {
    State.DELIVERED: "sent",
    State.UNKNOWN: "unknown",
    State.ABANDONED: "abandoned",
    State.SENDING: "sending",
}


def plan(
    connection: sqlite3.Connection,
    decide: DecidePlan,
    *,
    now: float,
    config: str,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
) -> int:
    """Judge the next events; each sees the ones before it."""
    rows = connection.execute("select * from events where planned_at is null order by seq limit ?", (limit,)).fetchall()
    for row in rows:
        event = event_of(row)
        remember_call(connection, event)
        decided = decide(event, SqliteKnown(connection, event, now=now, windows=windows, prefix=prefix))
        connection.execute(
            "insert or replace into verdicts (event, at, config, verdicts) values (?, ?, ?, ?)",
            (event.id, now, config, dump_verdicts(decided.verdicts)),
        )
        insert_deliveries(connection, decided.owed)
        _tag(connection, decided.tags, now)
        connection.executemany("insert or ignore into once (rule, value, run) values (?, ?, ?)", decided.once)
        connection.execute("update events set planned_at = ? where seq = ?", (now, event.seq))
    return len(rows)


def ripen(
    connection: sqlite3.Connection,
    decide: DecideRipe,
    *,
    now: float,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
) -> int:
    """Let waiting and held deliveries whose time has come be decided again."""
    rows = connection.execute(
        "select id, run from deliveries where state in ('waiting', 'held') and due_at is not null and due_at <= ? "
        "order by due_at, seq limit ?",
        (now, limit),
    ).fetchall()
    for row in rows:
        run = _run(connection, row["run"])
        ripe = next(delivery for delivery in run.deliveries if delivery.id == row["id"])
        if ripe.state not in (State.WAITING, State.HELD) or ripe.due_at is None or ripe.due_at > now:
            continue  # moved by a step of the same run a moment ago
        known = SqliteKnown(connection, run.event, now=now, windows=windows, prefix=prefix)
        changes, tags = decide(run, ripe, known)
        for changed in changes:
            save_delivery(connection, changed)
        _tag(connection, tags, now)
    return len(rows)


def claim(connection: sqlite3.Connection, wants: Mapping[str, Want], *, now: float) -> Taken:
    """Take due deliveries, oldest first; within a lane in order, none past one that is under way or in back-off."""
    taken: list[Claimed] = []
    lingers: list[float] = []
    for connector, want in wants.items():
        rows = connection.execute(
            "select * from deliveries where connector = ? and state = 'due' and lease_until is null and due_at <= ? "
            "order by due_at, seq limit ?",
            (connector, now, max(want.slots * want.rows, _LOOK_PAST)),
        ).fetchall()
        for row in _in_lanes(connection, connector, rows, want, now, lingers):
            delivery = delivery_of(row)
            state = State.DUE if delivery.kind == "text" else State.SENDING
            connection.execute(
                "update deliveries set state = ?, claims = claims + 1, lease_until = ? where seq = ?",
                (state, now + want.lease, delivery.seq),
            )
            taken.append(
                Claimed(replace(delivery, state=state, claims=delivery.claims + 1), _event(connection, delivery))
            )
    return Taken(tuple(taken), min(lingers, default=None))


def _in_lanes(
    connection: sqlite3.Connection,
    connector: str,
    rows: Sequence[sqlite3.Row],
    want: Want,
    now: float,
    lingers: list[float],
) -> list[sqlite3.Row]:
    """Of the candidates, those whose lane is free, at most `rows` of a lane and `slots` lanes or single jobs."""
    lanes: dict[str, list[sqlite3.Row]] = {}
    picked: list[sqlite3.Row] = []
    slots = want.slots
    for row in rows:
        if row["lane"] is None:
            if slots:
                picked.append(row)
                slots -= 1
            continue
        lanes.setdefault(row["lane"], []).append(row)
    for lane, members in lanes.items():
        if not slots:
            break
        blocked = connection.execute(
            "select min(seq) as seq from deliveries where connector = ? and lane = ? and state in ('due', 'sending') "
            "and (state = 'sending' or lease_until is not null or due_at > ?)",
            (connector, lane, now),
        ).fetchone()["seq"]
        under_way = connection.execute(
            "select 1 from deliveries where connector = ? and lane = ? and state = 'sending' limit 1", (connector, lane)
        ).fetchone()
        free = [row for row in sorted(members, key=lambda row: row["seq"]) if blocked is None or row["seq"] < blocked]
        if not free or under_way is not None:
            continue
        gathered_at = free[0]["due_at"] + want.linger
        if len(free) < want.rows and gathered_at > now and not free[0]["tries"]:
            lingers.append(gathered_at)
        else:
            picked.extend(free[: want.rows])
            slots -= 1
    return picked


def claim_unknown(connection: sqlite3.Connection, *, now: float, lease: float, limit: int) -> list[Claimed]:
    """Take texts of unknown fate whose settling time is over; their fate is asked about, never sent again."""
    rows = connection.execute(
        "select * from deliveries where state = 'unknown' and due_at <= ? and lease_until is null order by due_at limit ?",
        (now, limit),
    ).fetchall()
    taken = []
    for row in rows:
        delivery = delivery_of(row)
        connection.execute(
            "update deliveries set claims = claims + 1, lease_until = ? where seq = ?", (now + lease, delivery.seq)
        )
        taken.append(Claimed(replace(delivery, claims=delivery.claims + 1), _event(connection, delivery)))
    return taken


def begin_text(
    connection: sqlite3.Connection,
    delivery: Delivery,
    address: TextAddress,
    decide: DecideText,
    follow: Follow,
    *,
    now: float,
    windows: Windows,
) -> Delivery:
    """Judge a claimed text with everything it counts against, in the transaction that marks it."""
    current = connection.execute("select claims, state from deliveries where id = ?", (delivery.id,)).fetchone()
    if current["claims"] != delivery.claims or current["state"] != State.DUE:
        return replace(delivery, state=State.CANCELLED, reason="claimed by somebody else")
    event = _event(connection, delivery)
    known = SqliteKnown(connection, event, now=now, windows=windows, prefix=lambda _: address.prefix)
    decided = decide(delivery, event, known)
    if decided.state not in (State.SENDING, State.SHADOW):
        save_delivery(connection, decided)
        _follow(connection, decided, follow)
        return decided
    connection.execute(
        "update deliveries set state = ?, reason = ?, settled_at = ?, "
        "lease_until = case when ? then lease_until end where id = ?",
        (decided.state, decided.reason, decided.settled_at, decided.state is State.SENDING, decided.id),
    )
    connection.execute(
        "insert or replace into texts (id, run, rule, recipient, prefix, sender, body, state, shadow, at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            decided.id,
            decided.run,
            decided.rule,
            address.recipient,
            address.prefix,
            address.sender,
            address.body,
            decided.state,
            decided.state is State.SHADOW,
            now,
        ),
    )
    if decided.state is State.SHADOW:
        _follow(connection, decided, follow)
    return decided


def settle(connection: sqlite3.Connection, settlements: Sequence[Settlement], follow: Follow) -> int:
    """Write down how tries ended; a settlement whose claim is over changes nothing but the list of attempts."""
    held = 0
    for settlement in settlements:
        delivery, attempt = settlement.delivery, settlement.attempt
        if attempt is not None:
            connection.execute(
                "insert into attempts (delivery, number, started_at, seconds, outcome, answer) values (?, ?, ?, ?, ?, ?)",
                (delivery.id, attempt.number, attempt.started_at, attempt.seconds, attempt.outcome, attempt.answer),
            )
        if not save_delivery(connection, delivery):
            continue
        held += 1
        if delivery.kind == "text":
            _mark_text(connection, settlement)
        _follow(connection, delivery, follow)
    return held


def _mark_text(connection: sqlite3.Connection, settlement: Settlement) -> None:
    delivery = settlement.delivery
    state = _TEXT_STATES.get(delivery.state)
    if state is None:  # provably not accepted: it occupies nobody's cooldown
        connection.execute("delete from texts where id = ? and not shadow", (delivery.id,))
        return
    connection.execute(
        "update texts set state = ?, provider_id = coalesce(?, provider_id) where id = ?",
        (state, settlement.provider_id, delivery.id),
    )


def free_leases(connection: sqlite3.Connection, *, now: float, settle: float, everything: bool) -> int:
    """Give back what was claimed and not settled. A text that may have left is never due again: it becomes unknown."""
    over = (now,) if not everything else (float("inf"),)
    texts = connection.execute(
        "update deliveries set state = 'unknown', due_at = ?, lease_until = null, claims = claims + 1, "
        "reason = 'the relay stopped while it was being sent' "
        "where kind = 'text' and state = 'sending' and lease_until <= ? returning id",
        (now + settle, *over),
    ).fetchall()
    connection.executemany("update texts set state = 'unknown' where id = ?", [(row["id"],) for row in texts])
    others = connection.execute(
        "update deliveries set state = case state when 'unknown' then state else 'due' end, "
        "tries = tries + (state = 'sending'), lease_until = null, claims = claims + 1 "
        "where lease_until is not null and lease_until <= ?",
        over,
    )
    return len(texts) + others.rowcount


def bury(connection: sqlite3.Connection, connector: str, reason: str, now: float) -> int:
    """Give up on everything that waits for a connector; what is under way settles by itself."""
    done = connection.execute(
        "update deliveries set state = 'dead', reason = ?, settled_at = ?, claims = claims + 1 "
        "where connector = ? and state in ('due', 'waiting', 'held')",
        (reason, now, connector),
    )
    return done.rowcount


def next_due_at(connection: sqlite3.Connection, connectors: Sequence[str], *, now: float) -> float | None:
    """The next moment after now at which something can be taken, ripened, or looked up."""
    moments = [
        connection.execute(
            "select min(due_at) as at from deliveries where connector = ? and state = 'due' and due_at > ?",
            (connector, now),
        ).fetchone()["at"]
        for connector in connectors
    ]
    for state in ("state in ('waiting', 'held') and due_at is not null", "state = 'unknown'"):
        moments.append(
            connection.execute(f"select min(due_at) as at from deliveries where {state}").fetchone()["at"]  # noqa: S608 - constants
        )
    return min((moment for moment in moments if moment is not None), default=None)


def _tag(connection: sqlite3.Connection, tags: Sequence[tuple[str, str]], now: float) -> None:
    connection.executemany(
        "insert or ignore into tags (person, tag, at) values (?, ?, ?)", [(*tag, now) for tag in tags]
    )


def _run(connection: sqlite3.Connection, run: str) -> Run:
    deliveries = tuple(
        delivery_of(row) for row in connection.execute("select * from deliveries where run = ? order by step", (run,))
    )
    return Run(_event(connection, deliveries[0]), deliveries)


def _event(connection: sqlite3.Connection, delivery: Delivery) -> Event:
    return event_of(connection.execute("select * from events where id = ?", (delivery.event,)).fetchone())


def _follow(connection: sqlite3.Connection, delivery: Delivery, follow: Follow) -> None:
    """Let the later steps of the run know, where any are waiting for this one."""
    if not delivery.state.settled:
        return
    waiting = connection.execute(
        "select 1 from deliveries where run = ? and step > ? and state = 'waiting' limit 1",
        (delivery.run, delivery.step),
    ).fetchone()
    if waiting is None:
        return
    for changed in follow(_run(connection, delivery.run)):
        save_delivery(connection, changed)
