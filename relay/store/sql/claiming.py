"""Taking what is due, each for a while, and giving it back when that while is over.

`indexed by` stands where SQLite, left to itself, would read everything of a state and sort it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store import Claimed, Taken
from relay.store.sealing import keyed
from relay.store.sql.many import listed
from relay.store.sql.planning import event_named, events_named
from relay.store.sql.rows import delivery_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.models import Delivery
    from relay.store import Want
    from relay.store.sql.connection import Connection

LONG = 100
"""Due rows of one connector that are a backlog."""
_LOOK_PAST = 64
"""Due rows of lanes that are held up, after which the other lanes are looked for one by one."""


def claim(connection: Connection, wants: Mapping[str, Want], *, now: float) -> Taken:
    """Take due deliveries, oldest first; within a lane in order, none past one that is under way or in back-off."""
    taken: list[Delivery] = []
    lingers: list[float] = []
    for connector, want in wants.items():
        picked = _due(connection, connector, want, now, lingers)
        if not picked:
            continue
        marks, values = listed(picked)
        # A text is marked as sending only by the transaction that judges it.
        rows = connection.execute(
            "update deliveries set state = case kind when 'text' then 'due' else 'sending' end, "  # noqa: S608 - marks only
            f"claims = claims + 1, lease_until = ? where seq in ({marks}) returning *",
            (now + want.lease, *values),
        ).fetchall()
        place = {seq: nth for nth, seq in enumerate(picked)}
        taken += sorted(map(delivery_of, rows), key=lambda delivery: place[delivery.seq])
    events = events_named(connection, [delivery.event for delivery in taken])
    claimed = tuple(Claimed(delivery, events[delivery.event]) for delivery in taken)
    return Taken(claimed, min(lingers, default=None))


def _due(connection: Connection, connector: str, want: Want, now: float, lingers: list[float]) -> list[int]:
    """The rows to take: single jobs and batches of free lanes, `slots` of them at most."""
    picked: list[int] = []
    judged: set[str] = set()

    def pick(candidates: Iterator[tuple[int, str | None]], slots: int) -> int:
        for seq, lane in candidates:
            if slots <= 0:
                break
            if lane is None and seq not in picked:
                picked.append(seq)
                slots -= 1
            elif lane is not None and lane not in judged:
                judged.add(lane)
                batch = batch_of(connection, connector, lane, want, now, lingers)
                picked.extend(batch)
                slots -= bool(batch)
        return slots

    left = pick(_candidates(connection, connector, now), want.slots - want.newest)
    if want.newest and not left:
        later = _newest if is_long(connection, connector, now) else _candidates
        pick(later(connection, connector, now), want.newest)
    return picked


def is_long(connection: Connection, connector: str, now: float) -> bool:
    """Whether so much is due that what is new would wait behind it; else the oldest go first, without exception."""
    found = connection.execute(
        "select 1 from deliveries where connector = ? and state = 'due' and lease_until is null and due_at <= ? "
        "order by due_at limit 1 offset ?",
        (connector, now, LONG),
    )
    return found.fetchone() is not None


def _newest(connection: Connection, connector: str, now: float) -> Iterator[tuple[int, str | None]]:
    """Due rows with their lanes, those that fell due last first; of a lane still its first row goes."""
    for row in connection.execute(
        "select seq, lane from deliveries where connector = ? and state = 'due' and lease_until is null "
        "and due_at <= ? order by due_at desc, seq desc limit ?",
        (connector, now, _LOOK_PAST),
    ):
        yield row["seq"], row["lane"]


def _candidates(connection: Connection, connector: str, now: float) -> Iterator[tuple[int, str | None]]:
    """Due rows with their lanes, oldest first, read as they are asked for.

    A lane that is held up may have thousands of rows due; so after some of them come the first rows of every lane,
    found by skipping from lane to lane, and the rows of no lane.
    """
    seen = 0
    for row in connection.execute(
        "select seq, lane from deliveries where connector = ? and state = 'due' and lease_until is null "
        "and due_at <= ? order by due_at, seq",
        (connector, now),
    ):
        yield row["seq"], row["lane"]
        seen += row["lane"] is not None
        if seen == _LOOK_PAST:
            break
    else:
        return
    yield from _heads(connection, connector, now)


def _heads(connection: Connection, connector: str, now: float) -> Iterator[tuple[int, str | None]]:
    """The first row of every lane, those longest due first, then the rows of no lane."""
    rows = connection.execute(
        "with recursive lanes (lane) as ("
        "select min(lane) from deliveries where connector = ?1 and state in ('due', 'sending') "
        "union all select (select min(lane) from deliveries "
        "where connector = ?1 and lane > lanes.lane and state in ('due', 'sending')) "
        "from lanes where lanes.lane is not null) "
        "select heads.seq, heads.lane from lanes join deliveries as heads on heads.seq = ("
        "select min(seq) from deliveries where connector = ?1 and lane = lanes.lane and state in ('due', 'sending')) "
        "where lanes.lane is not null and heads.state = 'due' and heads.due_at <= ?2 order by heads.due_at, heads.seq",
        (connector, now),
    )
    yield from ((row["seq"], row["lane"]) for row in rows)
    single = connection.execute(
        "select seq from deliveries indexed by deliveries_lane where connector = ? and lane is null "
        "and state in ('due', 'sending') and state = 'due' and lease_until is null and due_at <= ? order by seq",
        (connector, now),
    )
    yield from ((row["seq"], None) for row in single)


def batch_of(
    connection: Connection, connector: str, lane: str, want: Want, now: float, lingers: list[float]
) -> list[int]:
    """What may be taken of a lane: its first rows, as far as they are due, unless it is under way or gathering."""
    under_way = connection.execute(
        "select 1 from deliveries where lease_until is not null and connector = ? and lane = ? "
        "and state <> 'unknown' limit 1",
        (connector, keyed(connection, lane)),
    ).fetchone()
    if under_way is not None:
        return []
    rows = connection.execute(
        "select seq, due_at, tries from deliveries where connector = ? and lane = ? and state in ('due', 'sending') "
        "order by seq limit ?",
        (connector, keyed(connection, lane), want.rows),
    ).fetchall()
    blocked = next((place for place, row in enumerate(rows) if row["due_at"] > now), len(rows))
    free = rows[:blocked]
    if not free:
        return []
    gathered_at = min(row["due_at"] for row in free) + want.linger
    if len(free) < want.rows and gathered_at > now and not free[0]["tries"]:
        lingers.append(gathered_at)
        return []
    return [row["seq"] for row in free]


def claim_unknown(connection: Connection, *, now: float, lease: float, limit: int) -> list[Claimed]:
    """Take texts of unknown fate whose settling time is over; their fate is asked about, never sent again."""
    rows = connection.execute(
        "update deliveries set claims = claims + 1, lease_until = ? where seq in ("
        "select seq from deliveries indexed by deliveries_unknown "
        "where state = 'unknown' and lease_until is null and due_at <= ? order by due_at limit ?) returning *",
        (now + lease, now, limit),
    ).fetchall()
    deliveries = sorted((delivery_of(row) for row in rows), key=lambda delivery: (delivery.due_at, delivery.seq))
    return [Claimed(delivery, event_named(connection, delivery.event)) for delivery in deliveries]


def give_back(connection: Connection, deliveries: Sequence[Delivery]) -> int:
    """Let go of claims under which no try has begun; answers how many still held."""
    return connection.executemany(
        "update deliveries set state = 'due', lease_until = null, claims = claims + 1 "
        "where id = ? and claims = ? and lease_until is not null and state = 'sending' and kind <> 'text'",
        [(delivery.id, delivery.claims) for delivery in deliveries],
    ).rowcount


def free_leases(connection: Connection, *, now: float, settle: float, everything: bool) -> int:
    """Give back what was claimed and not settled. A text that may have left is never due again: it becomes unknown."""
    over = float("inf") if everything else now
    texts = connection.execute(
        "update deliveries set state = 'unknown', due_at = ?, lease_until = null, claims = claims + 1, "
        "reason = 'the relay stopped while it was being sent' "
        "where lease_until is not null and lease_until <= ? and kind = 'text' and state = 'sending' returning id",
        (now + settle, over),
    ).fetchall()
    connection.executemany("update texts set state = 'unknown' where id = ?", [(row["id"],) for row in texts])
    others = connection.execute(
        "update deliveries set state = case state when 'sending' then 'due' else state end, "
        "tries = tries + case state when 'sending' then 1 else 0 end, lease_until = null, claims = claims + 1 "
        # A text that another relay begins between the two statements waits for the next look: it is never due again.
        "where lease_until is not null and lease_until <= ? and not (kind = 'text' and state = 'sending')",
        (over,),
    )
    return len(texts) + others.rowcount


def next_due_at(connection: Connection, connectors: Sequence[str], *, now: float, unknown: bool = True) -> float | None:
    """The next moment after now at which something can be taken, ripened, or, if `unknown`, looked up."""
    questions: list[tuple[str, str, tuple[object, ...]]] = [
        ("deliveries_due", "connector = ? and state = 'due' and lease_until is null and due_at > ?", (connector, now))
        for connector in connectors
    ]
    questions.append(("deliveries_ripe", "state in ('waiting', 'held') and due_at is not null", ()))
    if unknown:
        questions.append(("deliveries_unknown", "state = 'unknown' and lease_until is null", ()))
    moments = [
        connection.execute(
            f"select min(due_at) as at from deliveries indexed by {index} where {where}",  # noqa: S608 - constants
            values,
        ).fetchone()["at"]
        for index, where, values in questions
    ]
    return min((moment for moment in moments if moment is not None), default=None)
