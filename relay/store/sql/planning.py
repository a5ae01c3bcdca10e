"""From events to what is owed: planned when they arrive, decided again when a waiting step falls due."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import structlog

from relay.models import Plan, State, Verdict
from relay.store import Planned, Run
from relay.store.sealing import keyed, words
from relay.store.sql.calls import remember_call
from relay.store.sql.facts import LedgerKnown, opt_out_key
from relay.store.sql.many import insert_many, listed
from relay.store.sql.rows import (
    EVENT,
    delivery_of,
    dump_verdicts,
    event_of,
    save_idle,
)
from relay.store.sql.sums import count_verdicts
from relay.store.sql.taking import Taking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.models import Delivery, Event
    from relay.store import DecidePlan, DecideRipe, Follow, Want, Windows
    from relay.store.sql.connection import Connection, Row

log = structlog.get_logger(__name__)

_AGAIN = "on conflict (event) do update set at = excluded.at, config = excluded.config, verdicts = excluded.verdicts"
if TYPE_CHECKING:
    Judge = Callable[[Event], Plan]


def plan(
    connection: Connection,
    decide: DecidePlan,
    wants: Mapping[str, Want],
    *,
    now: float,
    config: str,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
) -> Planned:
    """Judge the next events; each sees the ones before it. One that cannot be planned gets a verdict that says so.

    What is due at once is taken as far as `wants` go.
    """
    rows = connection.execute(
        f"select {EVENT} from events where planned_at is null order by seq limit ?",  # noqa: S608 - columns only
        (limit,),
    ).fetchall()
    if not rows:
        return Planned(0)
    return plan_these(connection, rows, decide, wants, now=now, config=config, windows=windows, prefix=prefix)


def plan_these(
    connection: Connection,
    rows: Sequence[Row],
    decide: DecidePlan,
    wants: Mapping[str, Want],
    *,
    now: float,
    config: str,
    windows: Windows,
    prefix: Callable[[str], str],
    remember: Callable[[Connection, Event], None] = remember_call,
) -> Planned:
    """Judge these events, one at least, in this order; nobody else may be judging them."""
    key = opt_out_key(connection)

    def judge(event: Event) -> Plan:
        remember(connection, event)
        known = LedgerKnown(connection, event, now=now, windows=windows, prefix=prefix, key=key)
        decided = decide(event, known)
        known.insist()
        keep_facts(connection, decided, now)
        return decided

    taking = Taking(wants, now)
    plans = _plan_together(connection, rows, judge, taking)
    if plans is None:
        plans = [_plan_alone(connection, row, judge, taking) for row in rows]
    verdicts = [
        (row["id"], now, config, words(connection, dump_verdicts(decided.verdicts)))
        for row, decided in zip(rows, plans, strict=True)
    ]
    insert_many(connection, "verdicts (event, at, config, verdicts)", verdicts, _AGAIN)
    marks, places = listed([row["seq"] for row in rows])
    connection.execute(f"update events set planned_at = ? where seq in ({marks})", (now, *places))  # noqa: S608 - marks only
    words_said = (word for decided in plans for word in decided.verdicts)
    count_verdicts(connection, Counter((verdict.rule, verdict.word) for verdict in words_said), now)
    return Planned(len(rows), tuple(taking.claimed), frozenset(taking.left))


def _plan_together(connection: Connection, rows: Sequence[Row], judge: Judge, taking: Taking) -> list[Plan] | None:
    """Plan all of them, or none where one fails: then each is planned alone, to find out which."""
    try:
        with connection.apart():
            events = [event_of(row) for row in rows]
            plans = [judge(event) for event in events]
            owed = [
                (event, delivery) for event, decided in zip(events, plans, strict=True) for delivery in decided.owed
            ]
            taking.write(connection, owed)
    except Exception as error:
        if connection.ends_all(error):
            raise
        return None
    return plans


def _plan_alone(connection: Connection, row: Row, judge: Judge, taking: Taking) -> Plan:
    try:
        with connection.apart():
            event = event_of(row)
            decided = judge(event)
            taking.write(connection, [(event, delivery) for delivery in decided.owed])
    except Exception as error:
        if connection.ends_all(error):
            raise
        log.exception("an event could not be planned", id=row["id"])
        return Plan((Verdict("*", "error", f"{type(error).__name__}: {error}"),))
    return decided


def keep_facts(connection: Connection, decided: Plan, now: float) -> None:
    """What the events behind it are to know of a plan: the tags it gave, the rules that ran."""
    _tag(connection, decided.tags, now)
    if decided.once:
        connection.executemany(
            "insert into once (rule, value, run) values (?, ?, ?) on conflict (rule, value) do nothing",
            [(rule, keyed(connection, value), run) for rule, value, run in decided.once],
        )


def ripen(
    connection: Connection,
    decide: DecideRipe,
    *,
    now: float,
    windows: Windows,
    prefix: Callable[[str], str],
    limit: int,
) -> int:
    """Let waiting and held deliveries whose time has come be decided again. One that cannot be decided is dead."""
    rows = connection.execute(
        "select id, run from deliveries indexed by deliveries_ripe "
        "where state in ('waiting', 'held') and due_at is not null and due_at <= ? order by due_at, seq limit ?",
        (now, limit),
    ).fetchall()
    ripen_these(connection, rows, decide, now=now, windows=windows, prefix=prefix)
    return len(rows)


def ripen_these(
    connection: Connection,
    rows: Sequence[Row],
    decide: DecideRipe,
    *,
    now: float,
    windows: Windows,
    prefix: Callable[[str], str],
) -> None:
    """Let these (`id`, `run`) be decided again, as far as they are still ripe; nobody else may move their runs."""
    for row in rows:
        run = run_of(connection, row["run"])
        ripe = next(delivery for delivery in run.deliveries if delivery.id == row["id"])
        if ripe.state not in (State.WAITING, State.HELD) or ripe.due_at is None or ripe.due_at > now:
            continue  # moved by a step of the same run a moment ago
        try:
            with connection.apart():
                known = LedgerKnown(connection, run.event, now=now, windows=windows, prefix=prefix)
                changes, tags = decide(run, ripe, known)
                known.insist()
                for changed in changes:
                    save_idle(connection, changed)
                _tag(connection, tags, now)
        except Exception as error:
            if connection.ends_all(error):
                raise
            log.exception("a step could not be decided", id=ripe.id)
            save_idle(connection, ripe.moved(State.DEAD, reason=f"{type(error).__name__}: {error}", settled_at=now))


def follow_up(connection: Connection, delivery: Delivery, follow: Follow) -> None:
    """Let the later steps of the run know, where any are waiting for this one.

    A `follow` that fails leaves them waiting: undoing what has settled would send it again.
    """
    if not delivery.state.settled:
        return
    waiting = connection.execute(
        "select 1 from deliveries where run = ? and step > ? and state = 'waiting' limit 1",
        (delivery.run, delivery.step),
    ).fetchone()
    if waiting is None:
        return
    try:
        with connection.apart():
            for changed in follow(run_of(connection, delivery.run)):
                save_idle(connection, changed)
    except Exception as error:
        if connection.ends_all(error):
            raise
        log.exception("the steps below a delivery were not told that it settled", id=delivery.id)


def followed(connection: Connection, deliveries: Sequence[Delivery], follow: Follow) -> None:
    """The same for several that settled together: mostly nothing of their runs waits, which one question tells."""
    settled = [delivery for delivery in deliveries if delivery.state.settled]
    if not settled:
        return
    marks, values = listed([delivery.run for delivery in settled])
    waiting = connection.execute(
        f"select distinct run from deliveries where run in ({marks}) and state = 'waiting'",  # noqa: S608 - marks only
        values,
    )
    runs = {row["run"] for row in waiting}
    for delivery in settled:
        if delivery.run in runs:
            follow_up(connection, delivery, follow)


def run_of(connection: Connection, run: str) -> Run:
    """A run: its event, and its deliveries in the order of the steps."""
    deliveries = tuple(
        delivery_of(row) for row in connection.execute("select * from deliveries where run = ? order by step", (run,))
    )
    return Run(event_named(connection, deliveries[0].event), deliveries)


def event_named(connection: Connection, name: str) -> Event:
    """The event of that id, which must be there."""
    return event_of(
        connection.execute(f"select {EVENT} from events where id = ?", (name,)).fetchone()  # noqa: S608 - columns only
    )


def events_named(connection: Connection, names: Sequence[str]) -> dict[str, Event]:
    """The events of those ids, which must be there."""
    if not names:
        return {}
    marks, values = listed(sorted(set(names)))
    rows = connection.execute(f"select {EVENT} from events where id in ({marks})", values)  # noqa: S608 - columns and marks only
    return {row["id"]: event_of(row) for row in rows}


def _tag(connection: Connection, tags: Sequence[tuple[str, str]], now: float) -> None:
    if not tags:
        return
    connection.executemany(
        "insert into tags (person, tag, at) values (?, ?, ?) on conflict (person, tag) do nothing",
        [(*pair, now) for pair in tags],
    )
