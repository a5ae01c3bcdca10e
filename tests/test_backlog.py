"""What a look at the ledger leaves: nobody looks for it again, and others help where it is too much."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from aiolimiter import AsyncLimiter

from relay.store.sqlite import SqliteStore
from tests.working import Service, made

STEP = [{"send": "desk", "message": "{{ call.id }}"}]
EVENTS = 12


class Watched(SqliteStore):
    """A ledger that counts how often it is asked what is due, and how often others are called."""

    looks = calls = 0

    async def claim(self, wants, *, now):
        self.looks += 1
        return await super().claim(wants, now=now)

    def call_others(self):
        self.calls += 1


@pytest.fixture
async def watched(tmp_path):
    store = Watched(tmp_path / "relay.db")
    yield store
    await store.close()


@contextlib.asynccontextmanager
async def at_work(worker):
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_was_taken_whole_is_not_looked_for_again(watched, clock, until):
    desk = Service()
    it = made(watched, clock, STEP, {"desk": desk})
    async with at_work(it.worker):
        for number in range(1, EVENTS + 1):
            await it.ring()
            it.worker.call()
            await until(lambda number=number: len(desk.jobs) == number)
        await it.worker.idle()
    assert watched.looks <= EVENTS + 2  # the first ones do not know yet that nothing is left
    assert watched.calls == 0


async def test_a_relay_that_does_not_get_through_for_a_second_calls_others(watched, clock):
    it = made(watched, clock, STEP, {"desk": Service(hold=asyncio.Event())})
    it.worker.channels = {name: replace(channel, concurrency=1) for name, channel in it.worker.channels.items()}
    ticks = [0.0]
    it.worker._backlog._behind._ticks = lambda: ticks[0]
    for _ in range(3):
        await it.ring()
    for ticks[0] in (0.0, 0.9):
        await it.worker.turn()
    assert watched.calls == 0
    ticks[0] = 1.1
    await it.worker.turn()
    assert watched.calls == 1


async def test_what_a_paused_connector_leaves_is_nothing_that_others_could_do(watched, clock):
    it = made(watched, clock, STEP, {"desk": Service()})
    await watched.pause("desk", "by hand", by="owner", now=clock())
    ticks = [0.0]
    it.worker._backlog._behind._ticks = lambda: ticks[0]
    await it.ring()
    for ticks[0] in (0.0, 5.0, 10.0):
        await it.worker.turn()
    assert watched.calls == 0


async def test_where_each_may_send_its_share_of_a_rate_others_are_called_at_once(watched, clock):
    it = made(watched, clock, STEP, {"desk": Service()})
    shared = {name: replace(one, rate=AsyncLimiter(1, 60)).shared_by(2) for name, one in it.worker.channels.items()}
    it.worker.channels = shared
    for _ in range(2):
        await it.ring()
    await it.worker.turn()
    assert watched.calls == 1
    await it.worker.idle()
