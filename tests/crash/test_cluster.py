"""Relays on one PostgreSQL, felled, frozen and cut off: nothing is lost, and nobody is texted twice."""

import json
import random
import signal

import aiohttp
import psutil
import pytest

from relay.store.postgres import PostgresStore
from tests.crash.cluster import Sharer, try_cluster
from tests.crash.relays import SECRET
from tests.crash.trial import owed
from tests.crash.world import World
from tests.postgres import drop_database, make_database, serving
from tests.sized import sized

FAULTS, TEXTS = sized(6, 20), sized(12, 40)
LEFT = {"text_begun": {0}, "text_leaving": {0, 1}, "text_answered": {1}}
"""Texts that leave although the relay stands still there until its claim is another's; never two."""


@pytest.fixture
def server():
    """A server of its own, which forces each commit as in life: it is felled."""
    with serving(synced=True) as it:
        yield it


async def test_faults_among_three_relays_and_their_server_lose_nothing(tmp_path, server):
    found = await try_cluster(tmp_path, server, seed=11, faults=FAULTS, texts=TEXTS)

    assert found.good, json.dumps(found.public())
    assert found.texts >= TEXTS
    assert sum(found.faults.values()) >= FAULTS


@pytest.fixture
async def world():
    it = World(random.Random(5), 5)  # noqa: S311 - the same in every run
    await it.start()
    it.calm()
    yield it
    await it.stop()


@pytest.fixture
async def database(postgres_server):
    url = await make_database(postgres_server)
    yield url
    await drop_database(url)


@pytest.fixture
async def pair(tmp_path, world, database):
    """Two relays on one database, the second's clock a minute ahead."""
    relays = [Sharer(tmp_path / name, world, database, clock_off=off) for name, off in (("first", 0), ("second", 60))]
    for relay in relays:
        await relay.open()
        # Nothing hangs here: what takes a second on a busy machine is no text that may have left.
        relay._config.write_text(relay._config.read_text().replace("timeout: 1s", "timeout: 3s"))
    yield relays
    for relay in relays:
        await relay.close()


async def post(relay, call, caller="+13125550101"):
    body = {"event": "call.missed", "call_id": call, "caller_number": caller, "tracking_number": "+13125550142"}
    async with (
        aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
        session.post(relay.door, json=body) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("place", LEFT)
async def test_a_relay_that_is_frozen_beyond_its_lease_and_woken_changes_nothing(pair, world, database, until, place):
    first, second = pair
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
    assert [await relay.end(signal.SIGTERM) for relay in pair] == [0, 0]
    after = {one.id: (one.id, one.state, one.claims) for one in await ledger.deliveries(limit=9)}
    told = [(one.kind, one.state, one.reason) for one in await ledger.deliveries(limit=9)]
    await ledger.close()

    assert [after[name] for name, *_ in before] == before
    assert world.texted["+13125550101"] in LEFT[place]
    assert world.texted["+13125550102"] == 1, told
    assert world.crm.calls["c-1"] >= 1  # what is no text comes at least once
    assert [*first.wrong, *second.wrong] == []
