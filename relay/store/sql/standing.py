"""How connectors stand, as rows: one for each that ever had a breaker open or a pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import Standing
from relay.store.sealing import words
from relay.store.sql.rows import plain

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_COLUMNS = "connector, opened_at, probe_at, wait, fault, paused_at, paused_by, paused_why"


def standings(connection: Connection) -> dict[str, Standing]:
    """How connectors stand, by name."""
    rows = connection.execute(f"select {_COLUMNS} from standings")  # noqa: S608 - columns only
    return {row["connector"]: Standing(**dict(row)) for row in rows}


def save_breaker(connection: Connection, standing: Standing) -> None:
    """Keep a breaker as it stands now."""
    connection.execute(
        "insert into standings (connector, opened_at, probe_at, wait, fault) values (?, ?, ?, ?, ?) "
        "on conflict (connector) do update set opened_at = excluded.opened_at, probe_at = excluded.probe_at, "
        "wait = excluded.wait, fault = excluded.fault",
        (
            standing.connector,
            standing.opened_at,
            standing.probe_at,
            standing.wait,
            None if standing.fault is None else words(connection, plain(standing.fault)),
        ),
    )


def take_probe(connection: Connection, connector: str, now: float, until: float) -> bool:
    """Be the one that probes a connector."""
    done = connection.execute(
        "update standings set probe_at = ? where connector = ? and opened_at is not null and probe_at <= ?",
        (until, connector, now),
    )
    return done.rowcount == 1


def pause(connection: Connection, connector: str, why: str, by: str, now: float) -> bool:
    """Pause a connector; False if it is paused already."""
    done = connection.execute(
        "insert into standings (connector, paused_at, paused_by, paused_why) values (?, ?, ?, ?) "
        "on conflict (connector) do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by, "
        "paused_why = excluded.paused_why where standings.paused_at is null",
        (connector, now, by, words(connection, plain(why))),
    )
    return done.rowcount == 1


def resume(connection: Connection, connector: str) -> bool:
    """Let a connector go on; False if it was not paused."""
    done = connection.execute(
        "update standings set paused_at = null, paused_by = null, paused_why = null "
        "where connector = ? and paused_at is not null",
        (connector,),
    )
    return done.rowcount == 1


def hasten(connection: Connection, connector: str, now: float, limit: int) -> int:
    """End the back-off of what is owed to a connector, oldest first."""
    done = connection.execute(
        "update deliveries set due_at = first_due_at where seq in ("
        "select seq from deliveries where connector = ? and state = 'due' and tries > 0 and lease_until is null "
        "and first_due_at <= ? and due_at > first_due_at order by seq limit ?)",
        (connector, now, limit),
    )
    return done.rowcount


def set_back(connection: Connection, now: float) -> int:
    """Move what was planned in the future to now, with its waits; texts keep their moment and are judged at once."""
    future = "state in ('due', 'waiting', 'held') and lease_until is null and due_at is not null and born_at > ?"
    texts = connection.execute(
        f"update deliveries set due_at = ? where kind = 'text' and {future}",  # noqa: S608 - constants
        (now, now),
    )
    others = connection.execute(
        "update deliveries set due_at = ? + (due_at - born_at), first_due_at = ? + (first_due_at - born_at), "  # noqa: S608 - constants
        f"born_at = ? where kind <> 'text' and {future}",
        (now, now, now, now),
    )
    return texts.rowcount + others.rowcount
