"""Pages: how long each takes with a million events in the ledger, and what a hundred open ones cost the door."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.growth import EVENTS, fill
from tests.benchmarks.rig import free_port, load, relay, sinking

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = 100
ASKED = 40
"""Times each page is asked for."""
LATEST = f"evt_{EVENTS:023x}"
PATHS = [
    "/",
    "/calls",
    f"/calls?before={EVENTS // 2}",
    "/calls?type=call.completed",
    "/calls?type=call.missed",
    "/calls?number=%2B13125550142",
    "/calls?q=%2B13125550142",
    f"/calls/{LATEST}",
    "/people",
    "/people/%2B17085550007",
    "/texts",
    "/numbers",
    "/rules",
    "/connectors",
    "/alerts",
    "/audit",
    "/refused",
    "/api/events",
    "/api/now",
    "/metrics",
]
_MORE = """
insert into texts (id, run, rule, recipient, prefix, sender, body, state, shadow, at) with recursive rows(n) as
    (select 1 union all select n + 1 from rows where n < 100000) select printf('txt_%06d', n), 'r', 'Text back',
    '+1708555' || printf('%04d', n % 10000), '+1708', '+13125550142', 'sorry we missed you', 'sent', 0,
    :now - 2419200 + n * 24 from rows;
update deliveries set state = 'dead', reason = '410' where seq % 500 = 0
"""


def pages(setting: Setting) -> Iterator[Figure]:
    """Each page at the 95th percentile; then the door alone and with a hundred open pages, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "relay.db"
        fill(store, EVENTS)
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
            for statement in _MORE.split(";\n"):
                connection.execute(statement, {"now": time.time()} if ":now" in statement else {})
        admin = free_port()
        with sinking() as sinks, relay(sinks=sinks.ports, store=store, more=("--admin", f"127.0.0.1:{admin}")):
            took, sizes = asyncio.run(_ask(admin))
    for path, times in took.items():
        p95 = sorted(times)[int(0.95 * len(times))]
        yield Figure(f"{path.replace(LATEST, 'ID')}, a million events, p95", p95, "ms", 200, at_most=True)
    yield Figure("first page with style and script", sizes / 1000, "KB", 100, at_most=True)
    alone, watched, cpu = [], [], []
    for _ in range(setting.rounds):
        for found, count in ((alone, 0), (watched, OPEN)):
            admin = free_port()
            with sinking() as sinks, relay(sinks=sinks.ports, more=("--admin", f"127.0.0.1:{admin}")) as server:
                rate, used = asyncio.run(_watched(server.url, admin, count, setting.seconds))
            found.append(rate)
            cpu.append(used)
    ratio = median(one / other for one, other in zip(watched, alone, strict=True))
    beside = f"no page open {median(alone):.0f}/s"
    yield Figure(f"accepted with {OPEN} open pages, of none open", ratio, "", 0.9, beside=beside)


async def _listening(port: int) -> None:
    """Comes back once the admin listener answers: it begins a moment after the door."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


async def _ask(port: int) -> tuple[dict[str, list[float]], int]:
    """Milliseconds of each page; bytes of the first with all that it brings."""
    took: dict[str, list[float]] = {}
    await _listening(port)
    async with aiohttp.ClientSession() as session:
        for path in PATHS:
            took[path] = []
            for _ in range(ASKED):
                began = time.perf_counter()
                async with session.get(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html"}) as answer:
                    await answer.read()
                    if answer.status != 200:
                        raise SystemExit(f"{path}: {answer.status}")
                took[path].append(1000 * (time.perf_counter() - began))
        sizes = 0
        for path in ("/", "/static/style.css", "/static/live.js", "/static/icon.svg"):
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                sizes += len(await answer.read())
    return took, sizes


async def _watched(url: str, admin: int, count: int, seconds: float) -> tuple[float, int]:
    """Webhooks a second while so many pages are open; how often they were drawn again."""
    drawn = 0
    opened = asyncio.Event()
    waiting = count

    async def watch(session: aiohttp.ClientSession, of: str) -> None:
        nonlocal drawn, waiting
        async with session.get(f"http://127.0.0.1:{admin}/live", params={"of": of}) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    waiting -= 1
                    drawn += 1
                    if waiting <= 0:
                        opened.set()

    await _listening(admin)
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, read_bufsize=2**20) as session:
        tasks = [asyncio.create_task(watch(session, "/" if n % 2 else "/calls")) for n in range(count)]
        if count:
            await asyncio.wait_for(opened.wait(), 30)
        told = await asyncio.to_thread(load, url, seconds=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    rate: float = told["rate"]
    return rate, drawn
