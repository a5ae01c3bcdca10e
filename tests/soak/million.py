"""A ledger as large as years make it: a few events taken and delivered by the relay's own hand, multiplied in SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.intake import merge
from relay.models import Attempt, Plan, State, Verdict
from relay.store import Settlement, Want
from relay.store.sqlite import SqliteStore
from tests.store.ledger import DAY, NOW, WINDOWS, event, nobody_waits, owed, prefix

if TYPE_CHECKING:
    from pathlib import Path

    from relay.models import Event, Known

SEED = 1000
"""Events made by hand; each is then multiplied."""
BODY = b'{"transcription": "' + b"My heater leaks and it is getting worse. " * 12 + b'"}'
_LATER = "substr({0}, 1, 4) || printf('%06x', :n) || substr({0}, 5)"
"""Ids begin with their time, so that what came later sorts later."""
_NEW = {name: _LATER.format(name) for name in ("id", "event", "run", "delivery")} | {"key": "key || '-' || :n"}
_TABLES = ("events", "verdicts", "deliveries", "attempts", "calls")


async def _by_hand(path: Path, at: float) -> None:
    store = SqliteStore(path)
    arrived = [event(f"call-{n}", at=at + n, caller=f"+1312555{n:04}") for n in range(SEED)]
    await asyncio.gather(*(store.accept(one, BODY, merge) for one in arrived))

    def decide(one: Event, _: Known) -> Plan:
        action = {"body": f'{{"named": "{one.key}"}}'}
        step = owed(f"{one.id}.1", run=f"{one.id}.r", due_at=at, born_at=at, connector="log", action=action)
        return Plan((Verdict("Log every call", "ran"),), (replace(step, event=one.id),))

    while await store.plan(decide, now=at, config="v1", windows=WINDOWS, prefix=prefix, limit=500):
        pass
    while (taken := await store.claim({"log": Want(200, 1, 30.0)}, now=at + SEED)).claimed:
        await store.settle(
            [
                Settlement(
                    one.delivery.moved(State.DELIVERED, settled_at=at + SEED, tries=1),
                    Attempt(one.delivery.id, 1, at, 0.1, "delivered", "200"),
                )
                for one in taken.claimed
            ],
            nobody_waits,
        )
    await store.close()


def fill(path: Path, events: int, at: float = NOW - 400 * DAY) -> None:
    """Make a ledger of so many delivered events (thousands of them), from `at` on, Unix seconds."""
    asyncio.run(_by_hand(path, at))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        columns = {}
        for table in _TABLES:
            connection.execute(f"create temp table seed_{table} as select * from {table}")  # noqa: S608 - constants
            columns[table] = [row[1] for row in connection.execute(f"pragma table_info({table})") if row[1] != "seq"]
        for n in range(1, events // SEED):
            connection.execute("begin immediate")
            for table, names in columns.items():
                values = ", ".join(_NEW.get(name, name) for name in names)
                connection.execute(
                    f"insert into {table} ({', '.join(names)}) select {values} from seed_{table}",  # noqa: S608 - as above
                    {"n": n},
                )
            connection.execute("update counts set n = n + ? where name in ('accepted', 'owed')", (SEED,))
            connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")


def owe_again(path: Path, deliveries: int, at: float) -> None:
    """Let so many of the delivered fall due at `at`, Unix seconds, as if they had never been sent."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "update deliveries set state = 'due', due_at = ?, first_due_at = ?, settled_at = null, tries = 0 "
            "where seq <= ?",
            (at, at, deliveries),
        )
