"""Taking what is due beside other relays: each skips what another has in hand, and a lane belongs to one at a time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from relay.store import Claimed, Taken
from relay.store.nodes import ALIVE
from relay.store.postgres.planning import KNOWN
from relay.store.sql import claiming
from relay.store.sql.nodes import others_live
from relay.store.sql.rows import EVENT, delivery_of, event_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

    from relay.models import Delivery
    from relay.store import Want
    from relay.store.postgres.connection import ServerConnection

LANE = "relay:lane:"
_LOOK_PAST = 64
"""Lanes that may be held up, after which the first rows of all lanes are looked for one by one."""
_DUE = f"d.connector = $1 and d.state = 'due' and d.lease_until is null and d.due_at <= $2 and {KNOWN.format(3)}"


def next_due_at(
    connection: ServerConnection, connectors: Sequence[str], now: float, *, unknown: bool = True
) -> float | None:
    """The next moment after now at which something can be taken, ripened, or, if `unknown`, looked up; in one go."""
    found = connection.execute(
        "select least((select min(at) from unnest($1::text[]) as u (name), lateral (select min(due_at) as at "
        "from deliveries where connector = u.name and state = 'due' and lease_until is null and due_at > $2) as one), "
        "(select min(due_at) from deliveries where state in ('waiting', 'held') and due_at is not null), "
        "(select min(due_at) from deliveries where state = 'unknown' and lease_until is null and $3)) as at",
        (list(connectors), now, unknown),
    )
    at: float | None = found.fetchone()["at"]
    return at


def claim(connection: ServerConnection, wants: Mapping[str, Want], *, now: float, versions: Collection[str]) -> Taken:
    """Take due deliveries, oldest first; within a lane in order, none past one that is under way or in back-off."""
    taken: list[Delivery] = []
    lingers: list[float] = []
    known = sorted(versions)
    for connector, want in wants.items():
        picked = _due(connection, connector, want, now, known, lingers)
        if picked:
            taken += _take(connection, picked, now + want.lease)
    return Taken(tuple(_with_events(connection, taken)), min(lingers, default=None))


def _due(
    connection: ServerConnection, connector: str, want: Want, now: float, known: list[str], lingers: list[float]
) -> list[int]:
    """The rows to take: single jobs and batches of free lanes, `slots` of them at most."""
    asked = (connector, now, known)
    picked: list[int] = []
    judged: set[str] = set()

    def pick(candidates: Iterable[Any], slots: int) -> int:
        for row in candidates:
            if slots <= 0:
                break
            seq, lane = row["seq"], row["lane"]
            if lane is None and seq not in picked:
                picked.append(seq)
                slots -= 1
            elif lane is not None and lane not in judged:
                judged.add(lane)
                if not connection.try_lock([f"{LANE}{connector}:{lane}"]):
                    continue
                batch = claiming.batch_of(connection, connector, lane, want, now, lingers)
                picked.extend(_known(connection, batch, known))
                slots -= bool(batch)
        return slots

    oldest = sorted([*_singles(connection, asked, want.slots), *_lanes(connection, asked, want.slots)], key=_age)
    left = pick(oldest, want.slots - want.newest)
    if want.newest and not left:
        is_long = claiming.is_long(connection, connector, now)
        pick(_newest(connection, asked, want.newest) if is_long else oldest, want.newest)
    return picked


def _age(row: Any) -> tuple[float, int]:
    return row["due_at"], row["seq"]


def _singles(connection: ServerConnection, asked: tuple[str, float, list[str]], slots: int, way: str = "") -> list[Any]:
    """The oldest due rows of no lane, or the latest (`way` is desc), but for those that another relay has in hand."""
    return connection.execute(
        f"select seq, due_at, lane from deliveries d where {_DUE} and d.lane is null "  # noqa: S608 - constants
        f"order by d.due_at {way}, d.seq {way} limit $4 for update skip locked",
        (*asked, slots),
    ).fetchall()


def _newest(connection: ServerConnection, asked: tuple[str, float, list[str]], slots: int) -> list[Any]:
    """Due rows, those that fell due last first; of a lane still its first row goes."""
    lanes = connection.execute(
        f"select seq, due_at, lane from deliveries d where {_DUE} and d.lane is not null "  # noqa: S608 - constants
        "order by d.due_at desc, d.seq desc limit $4",
        (*asked, _LOOK_PAST),
    )
    return sorted([*_singles(connection, asked, slots, "desc"), *lanes], key=_age, reverse=True)


def _known(connection: ServerConnection, batch: list[int], known: list[str]) -> list[int]:
    """The first rows of a lane, up to one whose rule this relay has not read yet."""
    if not batch:
        return batch
    rows = connection.execute(
        f"select seq from deliveries d where seq = any($1::bigint[]) and {KNOWN.format(2)}",  # noqa: S608 - constants
        (batch, known),
    )
    found = {row["seq"] for row in rows}
    return list(itertools.takewhile(found.__contains__, batch))


def _lanes(connection: ServerConnection, asked: tuple[str, float, list[str]], slots: int) -> Iterable[Any]:
    """The oldest due rows of lanes; past some of them, the first row of every lane, as one may have thousands due."""
    rows = connection.execute(
        f"select seq, due_at, lane from deliveries d where {_DUE} and d.lane is not null "  # noqa: S608 - constants
        "order by d.due_at, d.seq limit $4",
        (*asked, _LOOK_PAST + slots),
    ).fetchall()
    if len(rows) < _LOOK_PAST + slots:
        return rows
    return [
        *rows,
        *connection.execute(
            "with recursive lanes (lane) as ("  # noqa: S608 - constants
            "(select min(lane) from deliveries where connector = $1 and state in ('due', 'sending')) "
            "union all select (select min(o.lane) from deliveries o "
            "where o.connector = $1 and o.lane > lanes.lane and o.state in ('due', 'sending')) "
            "from lanes where lanes.lane is not null) "
            "select d.seq, d.due_at, d.lane from lanes join lateral (select * from deliveries h "
            "where h.connector = $1 and h.lane = lanes.lane and h.state in ('due', 'sending') order by h.seq limit 1) "
            f"d on true where lanes.lane is not null and {_DUE} order by d.due_at, d.seq",
            asked,
        ),
    ]


def _take(connection: ServerConnection, picked: list[int], lease_until: float) -> list[Delivery]:
    """Mark these as taken, in this order. A text is marked as sending only by the transaction that judges it."""
    rows = connection.execute(
        "update deliveries set state = case kind when 'text' then 'due' else 'sending' end, "
        "claims = claims + 1, lease_until = $2 where seq = any($1::bigint[]) "
        "and state = 'due' and lease_until is null returning *",
        (picked, lease_until),
    )
    by_seq = {row["seq"]: delivery_of(row) for row in rows}
    return [by_seq[seq] for seq in picked if seq in by_seq]


def _with_events(connection: ServerConnection, taken: Sequence[Delivery]) -> list[Claimed]:
    if not taken:
        return []
    rows = connection.execute(
        f"select {EVENT} from events where id = any($1::text[])",  # noqa: S608 - columns only
        (sorted({delivery.event for delivery in taken}),),
    )
    events = {row["id"]: event_of(row) for row in rows}
    return [Claimed(delivery, events[delivery.event]) for delivery in taken]


def claim_unknown(connection: ServerConnection, *, now: float, lease: float, limit: int) -> list[Claimed]:
    """Take texts of unknown fate whose settling time is over; their fate is asked about, never sent again."""
    rows = connection.execute(
        "update deliveries set claims = claims + 1, lease_until = $1 where seq in ("
        "select seq from deliveries where state = 'unknown' and lease_until is null and due_at <= $2 "
        "order by due_at limit $3 for update skip locked) returning *",
        (now + lease, now, limit),
    )
    deliveries = sorted(map(delivery_of, rows), key=lambda delivery: (delivery.due_at or 0.0, delivery.seq))
    return _with_events(connection, deliveries)


def free_leases(connection: ServerConnection, node: str, *, now: float, settle: float, everything: bool) -> int:
    """Give back what was claimed and not settled: everything only where no other relay lives that could hold it."""
    alone = everything and not others_live(connection, node, now - ALIVE)
    return claiming.free_leases(connection, now=now, settle=settle, everything=alone)
