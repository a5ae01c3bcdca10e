"""Relays on one PostgreSQL, felled, frozen and cut off: nothing is lost, and nobody is texted twice."""

import asyncio
import contextlib
import json
import signal

import aiohttp
import psutil
import pytest

from relay.store.postgres import PostgresStore
from tests.crash.cluster import Sharer, try_cluster
from tests.crash.relays import SECRET
from tests.crash.trial import owed
from tests.crash.world import calm_world
from tests.postgres import drop_database, make_database, serving
from tests.sized import sized

FAULTS, TEXTS = sized(6, 20), sized(12, 40)
PAUSE = sized(10, 3) / 10
LEFT = {"text_begun": {0}, "text_leaving": {0, 1}, "text_answered": {1}}
"""Texts that leave although the relay stands still there until its claim is another's; never two."""


@pytest.fixture
def server():
    """A server of its own, which forces each commit as in life: it is felled."""
    with serving(synced=True) as it:
        yield it


async def test_faults_among_three_relays_and_their_server_lose_nothing(tmp_path, server):
    found = await try_cluster(tmp_path, server, seed=11, faults=FAULTS, pause=PAUSE, texts=TEXTS)

    assert found.good, json.dumps(found.public())
    assert found.texts >= TEXTS
    assert sum(found.faults.values()) >= FAULTS


@contextlib.asynccontextmanager
async def pair(folder, server):
    """Two relays on one database, the second's clock a minute ahead; with the world they serve, and its address."""
    async with contextlib.AsyncExitStack() as stack:
        database = await make_database(server)
        stack.push_async_callback(drop_database, database)
        world = await stack.enter_async_context(calm_world())
        folder.mkdir()
        clocks = {"first": 0, "second": 60}
        relays = [Sharer(folder / name, world, database, settle="1s", clock_off=off) for name, off in clocks.items()]
        for relay in relays:
            await relay.open()
            stack.push_async_callback(relay.close)
            # Nothing hangs here: what takes a second on a busy machine is no text that may have left.
            relay._config.write_text(relay._config.read_text().replace("timeout: 1s", "timeout: 3s"))
        yield *relays, world, database


async def post(relay, call, caller="+13125550101"):
    body = {"event": "call.missed", "call_id": call, "caller_number": caller, "tracking_number": "+13125550142"}
    async with (
        aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
        session.post(relay.door, json=body) as answer,
    ):
        return answer.status


async def test_relays_that_are_frozen_beyond_their_leases_and_woken_change_nothing(tmp_path, postgres_server, until):
    """One at each place, all at once: most of it is waiting for leases to end."""
    async with asyncio.TaskGroup() as places:
        for place in LEFT:
            places.create_task(freeze_and_wake(place, tmp_path / place, postgres_server, until))


async def freeze_and_wake(place, folder, server, until):
    async with pair(folder, server) as (first, second, world, database):
        await first.start({"RELAY_FAILPOINT": f"{place}:stop"})
        assert await post(first, "c-1") == 202
        await until(lambda: psutil.Process(first.pid).status() == psutil.STATUS_STOPPED)
        await second.start()
        ledger = await PostgresStore.open(database, read_only=True)

        async def settled():
            return not await owed(ledger)

        await until(settled)
        before = sorted((one.id, one.state, one.claims) for one in await ledger.deliveries(limit=9))
        first.signal(signal.SIGCONT)
        assert await post(first, "c-2", "+13125550102") == 202
        await until(settled)
        assert [await relay.end(signal.SIGTERM) for relay in (first, second)] == [0, 0]
        after = {one.id: (one.id, one.state, one.claims) for one in await ledger.deliveries(limit=9)}
        told = [(one.kind, one.state, one.reason) for one in await ledger.deliveries(limit=9)]
        await ledger.close()

    assert [after[name] for name, *_ in before] == before, place
    assert world.texted["+13125550101"] in LEFT[place], place
    assert world.texted["+13125550102"] == 1, (place, told)
    assert world.crm.calls["c-1"] >= 1, place  # what is no text comes at least once
    assert [*first.wrong, *second.wrong] == [], place
