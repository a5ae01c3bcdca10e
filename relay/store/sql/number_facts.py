"""What the ledger knows of all the business's numbers at once, and of which times it knows nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from relay.models import CALL_TYPES, NumberFacts, Outage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Owned
    from relay.store.sql.connection import Connection

DAY = 86400.0
YEAR = 366 * DAY
SILENT = 300.0
"""Seconds without a sign of life after which nobody listened: a service gives one every minute."""
LATELY = 1800.0
"""Seconds since the last sign of life, or the last fetching of calls, for which the ledger is taken to be whole."""
_ALIVE = "alive"
HISTORY = "history"
"""As `relay.rules.facts` names it."""
_KINDS = ", ".join(f"'{kind}'" for kind in CALL_TYPES)


def number_facts(connection: Connection, owned: Sequence[Owned], now: float) -> list[NumberFacts]:
    """What is known of these numbers: each is looked up by index, so that only what is counted is read."""
    if not owned:
        return []
    week, month = now - 7 * DAY, now - 30 * DAY
    marks = ", ".join("?" * len(owned))
    counts = {
        row["number"]: [row["d7"], row["d30"], row["a7"], row["a30"], row["first_at"]]
        for row in connection.execute(
            "select number, count(*) as d30, coalesce(sum(answered), 0) as a30, "  # noqa: S608 - marks only
            "coalesce(sum(case when began_at > ? then 1 else 0 end), 0) as d7, "
            "coalesce(sum(case when began_at > ? then answered else 0 end), 0) as a7, min(began_at) as first_at "
            f"from calls where number in ({marks}) and began_at > ? and direction = 'inbound' group by number",
            (week, week, *(one.number for one in owned), month),
        )
    }
    _count_unplanned(connection, counts, week, month)
    return [NumberFacts(one, *counts.get(one.number, (0, 0, 0, 0, None))) for one in owned]


def _count_unplanned(connection: Connection, counts: dict[str, list[float]], week: float, month: float) -> None:
    """Calls that are written down and not planned yet count too: a number that rang just now is not silent."""
    rows = connection.execute(
        "select e.number, e.of_type, e.call, coalesce(e.started_at, e.received_at) as at from events e "  # noqa: S608 - constants
        f"where e.planned_at is null and e.number is not null and e.of_type in ({_KINDS}) and not exists "
        "(select 1 from calls c where c.source = e.source and c.key = e.key)"
    )
    for row in rows:
        call = json.loads(row["call"])
        if row["at"] <= month or call.get("is_test") or call.get("direction", "inbound") != "inbound":
            continue
        found = counts.setdefault(row["number"], [0, 0, 0, 0, row["at"]])
        answered = int(call.get("outcome") == "answered")
        lately = int(row["at"] > week)
        found[0] += lately
        found[1] += 1
        found[2] += answered * lately
        found[3] += answered


def alive(connection: Connection, now: float) -> None:
    """Give a sign of life; what lies since the last one is an outage, when that is too long."""
    row = connection.execute("select at from marks where name = ?", (_ALIVE,)).fetchone()
    if row is not None and now - row["at"] > SILENT:
        connection.execute(
            "insert into outages (since, until) values (?, ?) on conflict (since) do nothing", (row["at"], now)
        )
    if row is None or now > row["at"]:
        connection.execute(
            "insert into marks (name, at) values (?, ?) on conflict (name) do update set at = excluded.at",
            (_ALIVE, now),
        )


def known_since(connection: Connection) -> float | None:
    """Since when calls are in the ledger."""
    row = connection.execute("select at from marks where name = ?", (HISTORY,)).fetchone()
    return None if row is None else float(row["at"])


def outages(connection: Connection, now: float) -> tuple[Outage, ...]:
    """Times of which nothing is known, the present one included when nobody listens now."""
    found = [
        Outage(row["since"], row["until"])
        for row in connection.execute("select since, until from outages where until > ? order by since", (now - YEAR,))
    ]
    row = connection.execute("select max(at) as at from marks where name in (?, ?)", (_ALIVE, "fetched")).fetchone()
    if row["at"] is not None and now - row["at"] > LATELY:
        found.append(Outage(row["at"], now))
    return tuple(found)


def fill_outages(connection: Connection, since: float, until: float) -> None:
    """Everything between was fetched."""
    connection.execute("delete from outages where since >= ? and until <= ?", (since, until))
    alive_at = connection.execute("select at from marks where name = ?", (_ALIVE,)).fetchone()
    if alive_at is None or alive_at["at"] >= since:
        connection.execute(
            "insert into marks (name, at) values ('fetched', ?) "
            "on conflict (name) do update set at = excluded.at where excluded.at > marks.at",
            (until,),
        )
