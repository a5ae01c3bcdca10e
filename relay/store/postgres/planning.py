"""Planning and settling beside other relays: one relay at a time for the events of a caller, and the steps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from relay.store import Planned
from relay.store.postgres.remembering import Remembering
from relay.store.sql import planning, settling
from relay.store.sql.rows import EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from relay.store import DecidePlan, DecideRipe, Follow, Settlement, Windows
    from relay.store.postgres.connection import ServerConnection

T = TypeVar("T")

RUN = "relay:run:"
_AHEAD = 8
"""How many times the wanted events are looked at: other relays are busy with the first ones."""
_WHO = "hashtextextended('relay:caller:' || coalesce(caller, source || ':' || key), 0)"
"""Whose events must be planned in order: a caller's, or those of a call that withheld its number."""
KNOWN = "not exists (select 1 from rule_versions v where v.version = d.rule_version and not v.version = any(${}))"
"""Steps of rules that this relay has read, or that nobody has written down."""


def waits(connection: ServerConnection) -> bool:
    """Whether an event waits to be planned: a look costs less than a transaction that finds nothing."""
    found = connection.execute("select 1 from events where planned_at is null limit 1")
    return found.fetchone() is not None


def plan(
    connection: ServerConnection,
    decide: DecidePlan,
    *,
    now: float,
    config: str,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
) -> Planned:
    """Judge the next events of callers whom no other relay is judging.

    The lock on a caller is taken before its events are read: whoever has it sees all that was planned for that caller.
    """
    held = connection.execute(
        f"with ahead as materialized (select seq, {_WHO} as who from events where planned_at is null "  # noqa: S608 - constants
        "order by seq limit $1) select seq, who from ahead where pg_try_advisory_xact_lock(who) limit $2",
        (_AHEAD * limit, limit),
    ).fetchall()
    if not held:
        return Planned(0)
    rows = connection.execute(
        f"select {EVENT} from events where planned_at is null and seq <= $1 and {_WHO} = any($2::bigint[]) "  # noqa: S608 - constants
        "order by seq",
        (max(row["seq"] for row in held), sorted({row["who"] for row in held})),
    ).fetchall()
    if not rows:
        return Planned(0)
    together = Remembering(connection, rows).remember
    return planning.plan_these(
        connection,
        rows,
        decide,
        {},
        now=now,
        config=config,
        windows=windows,
        prefix=prefix,
        remember=together,
    )


def ripen(
    connection: ServerConnection,
    decide: DecideRipe,
    *,
    now: float,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
    versions: Collection[str],
) -> int:
    """Let what is ripe be decided again, of runs that no other relay is busy with."""
    rows = connection.execute(
        "select id, run from deliveries d where state in ('waiting', 'held') and due_at is not null and due_at <= $1 "  # noqa: S608 - constants
        f"and {KNOWN.format(3)} order by due_at, seq limit $2",
        (now, limit, sorted(versions)),
    ).fetchall()
    free = connection.try_lock(RUN + row["run"] for row in rows) if rows else set()
    mine = [row for row in rows if RUN + row["run"] in free]
    planning.ripen_these(connection, mine, decide, now=now, windows=windows, prefix=prefix)
    return len(mine)


def settle_all(connection: ServerConnection, several: Sequence[tuple[Sequence[Settlement], Follow]]) -> list[int]:
    """Write down how tries ended, while nobody else moves the other steps of their runs."""
    connection.lock(*(RUN + settlement.delivery.run for settlements, _ in several for settlement in settlements))
    return settling.settle_all(connection, several)


def with_runs_of(work: Callable[[ServerConnection], T], ids: Sequence[str], connection: ServerConnection) -> T:
    """Do something to deliveries while nobody else moves the other steps of their runs."""
    rows = connection.execute("select distinct run from deliveries where id = any($1::text[])", (list(ids),))
    connection.lock(*(RUN + row["run"] for row in rows))
    return work(connection)
