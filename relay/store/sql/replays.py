"""Doing again what is over: dead deliveries found, runs decided anew, events judged once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.sealing import words
from relay.store.sql.facts import LedgerKnown
from relay.store.sql.planning import keep_facts, run_of
from relay.store.sql.rows import EVENT, delivery_of, dump_verdicts, event_of, insert_deliveries, save_idle, verdicts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from relay.models import Delivery, Event, Plan
    from relay.store import Run, Windows
    from relay.store.replays import DecideAgain, DecideRun
    from relay.store.sql.connection import Connection


def dead(
    connection: Connection,
    since: float | None,
    rule: str | None,
    event: str | None,
    connector: str | None,
    after: int,
    limit: int,
) -> list[Delivery]:
    """Dead deliveries, oldest first."""
    asked = {"rule = ?": rule, "event = ?": event, "connector = ?": connector, "born_at >= ?": since}
    asked = {test: value for test, value in asked.items() if value is not None}
    tests = "".join(f" and {test}" for test in asked)
    rows = connection.execute(
        f"select * from deliveries where state = 'dead' and seq > ?{tests} order by seq limit ?",  # noqa: S608 - constants
        (after, *asked.values(), limit),
    )
    return [delivery_of(row) for row in rows]


def run(connection: Connection, name: str) -> Run | None:
    """A run with all its deliveries."""
    found = connection.execute("select 1 from deliveries where run = ? limit 1", (name,)).fetchone()
    return None if found is None else run_of(connection, name)


def amend(connection: Connection, run: str, decide: DecideRun) -> int:
    """Decide the deliveries of a run anew."""
    known = run_of(connection, run)
    versions = {delivery.id: delivery.rule_version for delivery in known.deliveries}
    done = 0
    for changed in decide(known):
        if not save_idle(connection, changed):
            continue
        done += 1
        if changed.rule_version != versions[changed.id]:
            connection.execute(
                "update deliveries set rule_version = ? where id = ?", (changed.rule_version, changed.id)
            )
    return done


def replan(
    connection: Connection,
    event: str,
    decide: DecideAgain,
    *,
    now: float,
    windows: Windows,
    prefix: Callable[[str], str],
    keep: bool,
) -> Plan | None:
    """Judge an event again, and owe what is new."""
    row = connection.execute(f"select {EVENT} from events where id = ?", (event,)).fetchone()  # noqa: S608 - columns only
    if row is None:
        return None
    read = event_of(row)
    earlier = connection.execute("select * from deliveries where event = ? order by seq", (event,)).fetchall()
    known = LedgerKnown(connection, read, now=now, windows=windows, prefix=prefix)
    decided = decide(read, known, [delivery_of(one) for one in earlier])
    known.insist()
    if keep:
        _write(connection, read, decided, now)
    return decided


def _write(connection: Connection, event: Event, decided: Plan, now: float) -> None:
    insert_deliveries(connection, decided.owed)
    keep_facts(connection, decided, now)
    row = connection.execute("select verdicts from verdicts where event = ?", (event.id,)).fetchone()
    if row is not None:
        verdicts = (*verdicts_of(row["verdicts"]), *decided.verdicts)
        connection.execute(
            "update verdicts set verdicts = ? where event = ?", (words(connection, dump_verdicts(verdicts)), event.id)
        )


def rule_forms(connection: Connection, versions: Collection[str]) -> list[tuple[str, str]]:
    """Those rule versions that are kept."""
    found = []
    for version in versions:
        row = connection.execute("select version, form from rule_versions where version = ?", (version,)).fetchone()
        if row is not None:
            found.append((row["version"], row["form"]))
    return found
