"""Sums for people to look at: verdicts by the hour, counted as they happen (as calls are in `calls`), what is owed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from relay.store.pages import Traffic
from relay.store.sql.counts import balance
from relay.store.sql.rows import MAY_HAVE_ARRIVED

if TYPE_CHECKING:
    from collections import Counter

    from relay.store.sql.connection import Connection

HOUR = 3600
_BY_STATE = "select connector, state, count(*) as n from deliveries where state in ({}) group by connector, state"
_DEAD = "select connector, 'dead' as state, count(*) as n from {} group by connector"
_OWED_TO = (
    # Each is answered from a small index of what is not settled; one question about all states would be a walk.
    _BY_STATE.format("'due', 'sending'"),
    _BY_STATE.format("'waiting', 'held', 'unknown'"),
    _DEAD.format("(select connector from deliveries where state = 'dead' order by seq desc limit 1000) as latest"),
)

_RULED = (
    "insert into ruled (hour, rule, verdict, n) values (?, ?, ?, ?) "
    "on conflict (hour, rule, verdict) do update set n = ruled.n + excluded.n"
)


def count_verdicts(connection: Connection, ruled: Counter[tuple[str, str]], now: float) -> None:
    """Count the verdicts of one batch of events."""
    for (rule, word), n in ruled.items():
        connection.sum_up(_RULED, (int(now // HOUR), rule, word), n)


def traffic(connection: Connection, since: float) -> list[Traffic]:
    """Inbound calls by hour, number and outcome."""
    connection.write_sums()
    rows = connection.execute(
        "select hour, number, outcome, calls from traffic where hour >= ? and calls > 0 order by hour",
        (int(since // HOUR),),
    )
    return [Traffic(row["hour"], row["number"], row["outcome"], row["calls"]) for row in rows]


def ruled(connection: Connection, since: float) -> dict[str, dict[str, int]]:
    """Verdicts by rule."""
    connection.write_sums()
    found: dict[str, dict[str, int]] = defaultdict(dict)
    rows = connection.execute(
        "select rule, verdict, sum(n) as n from ruled where hour >= ? group by rule, verdict", (int(since // HOUR),)
    )
    for row in rows:
        found[row["rule"]][row["verdict"]] = row["n"]
    return dict(found)


def backlog(connection: Connection) -> dict[str, dict[str, int]]:
    """What is owed to each connector."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for question in _OWED_TO:
        for row in connection.execute(question):
            found[row["connector"]][row["state"]] += row["n"]
    return {connector: dict(states) for connector, states in found.items()}


def texts_since(connection: Connection, at: float) -> int:
    """How many texts count against the limits since then."""
    question = f"select count(*) as n from texts where at >= ? and shadow = 0 and {MAY_HAVE_ARRIVED}"  # noqa: S608 - a constant
    return int(connection.execute(question, (at,)).fetchone()["n"])


def pulse(connection: Connection) -> tuple[int, ...]:
    """What changes whenever something happened."""
    newest = connection.execute(
        "select (select max(seq) from events) as event, (select max(seq) from attempts) as attempt, "
        "(select max(seq) from requests) as request, (select max(id) from alerts) as alert"
    ).fetchone()
    counted = balance(connection)
    states = (number for _, number in sorted(counted.states.items()))
    return (*(newest[name] or 0 for name in newest.keys()), counted.planned, counted.owed, *states)  # noqa: SIM118 - a row is no mapping
