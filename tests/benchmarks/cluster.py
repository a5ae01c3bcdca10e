"""Relays on one PostgreSQL: accepted by any, delivered by any, settled in one database."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from relay.store import Want
from relay.store.postgres import PostgresStore
from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.load import SECRET
from tests.benchmarks.rig import HERE, free_port, load, serving, sinking
from tests.postgres import Server, make_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.rig import Server as Process

RELAYS = 3
ROWS = 1_000_000
CLAIMS = 200


@contextlib.contextmanager
def database() -> Iterator[tuple[str, Server]]:
    """A new database on a server of its own, whose commits reach the disk."""
    server = Server(synced=True)
    server.start()
    try:
        url = asyncio.run(make_database(server.url()))
        yield url, server
    finally:
        server.remove()


@contextlib.contextmanager
def relays(url: str, count: int, sinks: tuple[int, int]) -> Iterator[list[Process]]:
    """So many relays on one database."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started = []
        for _ in range(count):
            port = free_port()
            command = [sys.executable, "-m", "relay", "-c", str(HERE / "forward.yaml"), "serve"]
            environment = {
                "BENCH_SECRET": SECRET,
                "BENCH_FIRST": str(sinks[0]),
                "RELAY_LISTEN": f"127.0.0.1:{port}",
                "RELAY_STORE": url,
            }
            started.append(stack.enter_context(serving(command, port, folder=folder, **environment)))
        yield started


def through(server: Server, servers: list[Process], sinks: Any, seconds: float) -> dict[str, float]:
    """Load on all of them at once, until everything is delivered; `cpu` is of relays and database, not of the load."""
    sinks.figures("reset")
    began = time.time()
    used = [sum(one.cpu for one in servers), server.cpu]
    with ThreadPoolExecutor(len(servers)) as pool:
        sent = list(pool.map(lambda server: load(server.url, seconds=seconds), servers))
    accepted_until = time.time()
    total = sum(one["sent"] for one in sent)
    told = sinks.wait_for(total)
    if told["count"] < total:
        raise SystemExit(f"of {total} events only {told['count']} deliveries arrived")
    return {
        "accepted": total / (accepted_until - began),
        "rate": total / (told["last"] - began),
        "relays": 1000 * (sum(one.cpu for one in servers) - used[0]) / total,
        "database": 1000 * (server.cpu - used[1]) / total,
    }


def joined(seconds: float) -> tuple[float, float]:
    """A relay's median time for 100 webhooks a second, of that alone: beside one with none, beside one with as many."""
    found = []
    for count, loaded in ((1, 1), (2, 1), (2, 2)):
        with database() as (url, _), sinking() as sinks, relays(url, count, sinks.ports) as servers:
            with ThreadPoolExecutor(loaded) as pool:
                told = list(pool.map(lambda server: load(server.url, seconds=seconds, rate=100), servers[:loaded]))
            found.append(told[0]["p50"])
    alone, idle, busy = found
    return idle / alone, busy / alone


def cluster(setting: Setting) -> Iterator[Figure]:
    """Three relays, the same work by one, and a claim among a million rows."""
    three, one = [], []
    for _ in range(setting.rounds):
        for count, found in ((RELAYS, three), (1, one)):
            with database() as (url, server), sinking() as sinks, relays(url, count, sinks.ports) as servers:
                found.append(through(server, servers, sinks, setting.seconds))
    yield Figure("PostgreSQL, three relays: accepted and delivered", median(r["rate"] for r in three), "/s", 1000)
    yield Figure("PostgreSQL, three relays: accepted", median(r["accepted"] for r in three), "/s")
    yield Figure("PostgreSQL, one relay: accepted and delivered", median(r["rate"] for r in one), "/s")
    yield Figure("PostgreSQL, one relay: accepted", median(r["accepted"] for r in one), "/s")
    yield Figure("PostgreSQL, three relays: their processor for an event", median(r["relays"] for r in three), "ms")
    yield Figure("PostgreSQL, three relays: the database's for an event", median(r["database"] for r in three), "ms")
    slower = [joined(setting.seconds) for _ in range(setting.rounds)]
    idle, busy = median(idle for idle, _ in slower), median(busy for _, busy in slower)
    yield Figure("a relay's time for a webhook beside an idle one, of alone", idle, "times", 1.1, at_most=True)
    yield Figure("a relay's time for a webhook beside one as busy, of alone", busy, "times", 1.1, at_most=True)
    with database() as (url, _):
        taken, commits = asyncio.run(_claims(url))
    yield Figure("claim of one among a million rows, p50", 1000 * statistics.median(taken), "ms", 5, at_most=True)
    yield Figure("claim of one among a million rows, p99", 1000 * sorted(taken)[int(0.99 * len(taken))], "ms")
    yield Figure(
        "the smallest commit on the same disk, between the claims, p50", 1000 * statistics.median(commits), "ms"
    )


_FILL = """
insert into events (id, source, type, key, of_type, nth, received_at, age_known, late, call, raw, planned_at)
    select 'evt_' || n, 'callscaler', 'call.completed', 'c-' || n, 'call.completed', 0, 1.7e9 + n, 1, 0, '{}', '{}',
        1.7e9
    from generate_series(1, $1::bigint) as n;
"""
_OWE = """
insert into deliveries (id, event, run, rule, rule_version, step, kind, connector, state, due_at, first_due_at, born_at,
        shadow, action)
    select 'dlv_' || n, 'evt_' || n, 'run_' || n, 'Forward', 'v1', 0, 'send', 'first',
        case when n % 2 = 0 then 'due' else 'delivered' end, 1.7e9 + n, 1.7e9 + n, 1.7e9, 0, '{}'
    from generate_series(1, $1::bigint) as n;
"""


async def _claims(url: str) -> tuple[list[float], list[float]]:
    """Seconds that claims took, one after the other, with half of the rows due; and that a commit of one row took."""
    store = await PostgresStore.open(url)
    raw = await asyncpg.connect(url)
    await raw.execute(_FILL, ROWS, timeout=600)
    await raw.execute(_OWE, ROWS, timeout=600)
    await raw.execute("vacuum analyze", timeout=600)
    await raw.execute("checkpoint", timeout=600)  # the disk is busy with a million rows no more
    taken, commits = [], []
    for number in range(CLAIMS):
        began = time.perf_counter()
        await raw.execute("insert into meta (name, value) values ($1, '')", f"commit {number}")
        commits.append(time.perf_counter() - began)
        began = time.perf_counter()
        claimed = (await store.claim({"first": Want(1)}, now=1.8e9)).claimed
        taken.append(time.perf_counter() - began)
        assert len(claimed) == 1
    await raw.close()
    await store.close()
    return taken, commits
