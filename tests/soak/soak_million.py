"""A ledger of a million events: it starts at once, a long backlog starves nothing new, and it shrinks again."""

import asyncio
import os
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from relay.store.sqlite import SqliteStore
from relay.upkeep import Retention, Upkeep
from tests.crash.relays import SECRET, Relays
from tests.crash.world import calm_world
from tests.soak.million import fill, owe_again
from tests.store.ledger import DAY

EVENTS = int(os.environ.get("RELAY_SOAK_EVENTS", "1000000"))
BACKLOG = EVENTS // 10
START_MOST = 3.0
RESIDENT_MOST = 300 * 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    it = tmp_path_factory.mktemp("million")
    fill(it / "relay.db", EVENTS, time.time() - DAY)
    return it


@pytest.fixture
async def world():
    async with calm_world() as it:
        yield it


def resident(pid):
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def test_it_starts_within_three_seconds_again_and_again_and_a_backlog_starves_nobody(folder, world, until):
    relays = Relays(folder, world)
    await relays.open()
    try:
        for _ in range(5):
            await relays.start()
            await relays.end(signal.SIGKILL)
        owe_again(folder / "relay.db", BACKLOG, time.time())
        await relays.start()
        at_start = resident(relays.pid)
        await until(lambda: world.crm.calls.total() > 500, 60.0)
        body = {"event": "call.completed", "call_id": "new", "caller_number": "+13125550101"}
        async with (
            aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
            session.post(relays.url, json=body) as answer,
        ):
            assert answer.status == 202
        began = time.monotonic()
        await until(lambda: world.crm.calls["new"], 60.0)
        waited, sent = time.monotonic() - began, world.crm.calls.total()
        await asyncio.sleep(20)
        later = resident(relays.pid)
        figures = {"starts": [round(start, 2) for start in relays.starts], "new_event_waited": round(waited, 2)}
        figures |= {"backlog": BACKLOG, "sent_before_it": sent, "rss_mb": [at_start >> 20, later >> 20]}
        print(figures)  # noqa: T201 - the figures are what a soak is for
        assert sent < BACKLOG / 2
        assert max(relays.starts[1:]) < START_MOST
        assert later < RESIDENT_MOST
        assert await relays.end(signal.SIGTERM) == 0
    finally:
        await relays.close()


async def test_pruning_brings_the_file_back_under_its_cap(folder):
    path = folder / "relay.db"
    store = SqliteStore(path)
    full = (await store.sizes()).used
    cap = int(full * 0.7)
    began = time.monotonic()
    by_size = await Upkeep(store, time.time, Retention(size=cap), pause=0.0).prune()
    after_size = path.stat().st_size
    by_age = await Upkeep(store, lambda: time.time() + 400 * DAY, Retention(size=cap), pause=0.0).prune()
    took = round(time.monotonic() - began)
    balance = await store.balance()
    await store.close()
    sizes = [size // 10**6 for size in (full, cap, after_size, path.stat().st_size)]
    print({"mb_full_cap_after": sizes, "rows": [dict(by_size.rows), dict(by_age.rows)], "seconds": took})  # noqa: T201 - as above
    assert after_size <= cap
    assert by_size.rows["events"] > EVENTS / 10
    assert path.stat().st_size < full / 4
    assert balance.wrong is None
