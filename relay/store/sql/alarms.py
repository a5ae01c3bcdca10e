"""Alerts as rows: one open at most for each cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import Alert
from relay.store.sealing import words

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_OLDEST = 1000
"""Deliveries among which the oldest is looked for."""


def open_alert(connection: Connection, cause: str, what: str, remedy: str, now: float) -> bool:
    """Open an alert, or refresh the words of the open one; False for the latter."""
    said = (words(connection, what), words(connection, remedy), cause)
    if connection.execute(
        "update alerts set what = ?, remedy = ? where cause = ? and closed_at is null", said
    ).rowcount:
        return False
    gone_on = connection.execute(
        "update alerts set what = ?, remedy = ?, closed_at = null "
        "where id = (select max(id) from alerts where cause = ?) and told_at < closed_at",
        said,
    )
    if not gone_on.rowcount:
        connection.execute(
            "insert into alerts (what, remedy, cause, opened_at) values (?, ?, ?, ?)",
            (*said, now),
        )
    return True


def close_alert(connection: Connection, cause: str, now: float) -> bool:
    """Close the open alert of this cause; False if there is none."""
    done = connection.execute("update alerts set closed_at = ? where cause = ? and closed_at is null", (now, cause))
    return done.rowcount == 1


def alert_told(connection: Connection, alert: int, now: float) -> None:
    """Remember that somebody was told how this alert stands."""
    connection.execute("update alerts set told = told + 1, told_at = ? where id = ?", (now, alert))


def alerts(connection: Connection, limit: int, before: int | None, *, open_only: bool) -> tuple[Alert, ...]:
    """Alerts, newest first."""
    which = ["closed_at is null"] if open_only else []
    which += [] if before is None else ["id < ?"]
    where = f"where {' and '.join(which)} " if which else ""
    rows = connection.execute(
        f"select * from alerts {where}order by id desc limit ?",  # noqa: S608 - constants
        (*(() if before is None else (before,)), limit),
    )
    return tuple(Alert(**dict(row)) for row in rows)


def owed_since(connection: Connection) -> dict[str, float]:
    """Since when each connector owes, as far as the oldest rows tell."""
    found: dict[str, float] = {}
    for state in ("due", "sending"):
        rows = connection.execute(
            "select connector, min(since) as since from (select connector, "
            "case when tries > 0 and first_due_at is not null then first_due_at else due_at end as since "
            "from deliveries where state = ? order by seq limit ?) as oldest "
            "where since is not null group by connector",
            (state, _OLDEST),
        )
        for row in rows:
            found[row["connector"]] = min(row["since"], found.get(row["connector"], row["since"]))
    return found
