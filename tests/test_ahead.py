"""Deliveries that are claimed before their turn: begun as soon as there is room, given back when they may not go."""

import asyncio
from dataclasses import replace

import pytest
from aiolimiter import AsyncLimiter

from relay.errors import Unavailable
from relay.models import CALLSCALER, State
from relay.worker import Channel, Worker
from relay.worker.ahead import MOST, Ahead, Waiting
from relay.worker.hold import Hold
from tests.working import Phone, Service, made

STEP = [{"send": "desk", "message": "{{ call.id }}"}]


@pytest.fixture
async def busy(ledger, clock):
    """A world whose desk is known to be quick, takes one at a time, and stands still at the next: five calls wait."""
    desk = Service()
    it = made(ledger, clock, STEP, {"desk": desk})
    it.worker.channels = {name: replace(channel, concurrency=1) for name, channel in it.worker.channels.items()}
    await it.ring()
    await it.work()
    desk.hold = asyncio.Event()
    for _ in range(6):
        await it.ring()
    await it.worker.turn()
    assert await ledger.states() == {"delivered": 1, "sending": 6}
    return it, desk


async def tries(it):
    return {one.tries for one in await it.ledger.deliveries(limit=99) if one.state is State.DUE}


async def test_what_waits_for_its_turn_begins_as_soon_as_there_is_room_and_without_another_claim(busy, until):
    it, desk = busy
    await until(lambda: len(desk.jobs) == 2)
    desk.hold.set()
    await it.worker.idle()  # nobody looks at the ledger meanwhile
    assert [job.action.message for job in desk.jobs] == [f"c{n}" for n in range(1, 8)]
    assert await it.ledger.states() == {"delivered": 7}


async def test_what_waits_is_given_back_when_the_connector_is_paused_and_counts_no_try(busy):
    it, desk = busy
    await it.ledger.pause("desk", "by hand", by="owner", now=it.clock())
    it.worker.gates.forget()
    await it.worker.turn()
    assert await it.ledger.states() == {"delivered": 1, "sending": 1, "due": 5}
    assert await tries(it) == {0}
    desk.hold.set()
    await it.worker.idle()
    assert await it.ledger.states() == {"delivered": 2, "due": 5}
    await it.ledger.resume("desk")
    it.worker.gates.forget()
    await it.work()
    assert await it.ledger.states() == {"delivered": 7}
    assert sorted(job.action.message for job in desk.jobs) == [f"c{n}" for n in range(1, 8)]


async def test_nothing_that_waits_is_begun_once_the_breaker_is_open(ledger, clock):
    desk = Service()
    it = made(ledger, clock, STEP, {"desk": desk})
    it.worker.channels = {name: replace(ch, concurrency=1, opens=2) for name, ch in it.worker.channels.items()}
    await it.ring()
    await it.work()
    desk.outcomes = [Unavailable("answered 503")] * 2
    for _ in range(6):
        await it.ring()
    await it.work()
    assert len(desk.jobs) == 3
    assert await it.ledger.states() == {"delivered": 1, "due": 6}


async def test_a_drain_gives_back_what_has_not_begun_and_waits_for_what_has(busy):
    it, desk = busy
    draining = asyncio.ensure_future(it.worker.drain(60))
    desk.hold.set()
    await draining
    assert await it.ledger.states() == {"delivered": 2, "due": 5}
    assert await tries(it) == {0}


async def test_what_waited_until_its_claim_ran_out_is_not_begun_and_goes_under_the_next(ledger, clock, until):
    desk, passed = Service(), [0.0]
    it = made(ledger, clock, STEP, {"desk": desk})
    it.worker = Worker(
        ledger, it.planner, {"desk": Channel("desk", desk, concurrency=1)}, clock, it.metrics, ticks=lambda: passed[0]
    )
    await it.ring()
    await it.work()
    desk.hold = asyncio.Event()
    for _ in range(3):
        await it.ring()
    await it.worker.turn()
    await until(lambda: len(desk.jobs) == 2)
    passed[0] = 20.0
    desk.hold.set()
    await it.worker.idle()
    assert len(desk.jobs) == 2
    assert await ledger.states() == {"delivered": 2, "sending": 2}
    await it.work()
    assert [job.action.message for job in desk.jobs] == ["c1", "c2", "c3", "c4"]
    assert {delivery.tries for delivery in await ledger.deliveries(limit=9)} == {1}


def channel(name="desk", service=None, **manners):
    return Channel(name, service or Service(), **manners)


def test_only_a_service_whose_pace_is_known_has_anything_claimed_ahead_and_a_slow_one_little():
    ahead = Ahead()
    assert ahead.most(channel()) == 0
    ahead.took("desk", 0.01)
    assert ahead.most(channel()) == MOST
    ahead.took("desk", 2.0)
    assert ahead.most(channel()) == 2
    ahead.took("desk", 20.0)
    assert ahead.most(channel()) == 0


@pytest.mark.parametrize(
    "kept",
    [
        channel(rate=AsyncLimiter(5, 1)),
        channel(service=Service(rows=50)),
        channel(CALLSCALER, Phone()),
    ],
    ids=["rate", "batch", "phone"],
)
def test_nothing_is_claimed_ahead_for_what_has_a_rate_takes_batches_or_texts_people(kept):
    ahead = Ahead()
    ahead.took(kept.name, 0.01)
    assert ahead.most(kept) == 0


def test_what_was_claimed_under_other_settings_of_a_connector_is_taken_back():
    ahead, old, new = Ahead(), channel(), channel(concurrency=9)
    ahead.put(Waiting(old, "claimed", Hold(10, 0, lambda: 5)))
    assert ahead.next(new) is None
    assert list(ahead.take_back({"desk": new}.get)) == ["claimed"]
    assert len(ahead) == 0
