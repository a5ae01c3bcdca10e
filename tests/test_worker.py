"""The worker on a real ledger: what each outcome leads to, and that nobody is texted twice."""

import asyncio
import threading
from dataclasses import replace

import pytest
from aiolimiter import AsyncLimiter
from hypothesis import given
from hypothesis import strategies as st

from relay.connector import Receipt
from relay.errors import Invalid, RateLimited, Rejected, StoreBusy, Unauthorized, Unavailable, Unclear
from relay.models import Delivery, State
from relay.worker import move
from tests.patience import PATIENCE
from tests.working import RETRY, Service, made


@pytest.fixture
def world(ledger, clock):
    return lambda then, **services: made(ledger, clock, then, services)


def delivery(kind="send", tries=0):
    return Delivery("d1", "e1", "r1", "rule", "v1", 0, kind, "desk", State.SENDING, first_due_at=0.0, tries=tries)


def moved(outcome, kind="send", tries=0, now=10.0):
    return move(delivery(kind, tries), outcome, RETRY, now=now, dice=lambda: 0.5, settle=120.0)


@pytest.mark.parametrize(
    ("outcome", "send", "text"),
    [
        (Receipt(id="x"), State.DELIVERED, State.DELIVERED),
        (Unavailable("down"), State.DUE, State.DUE),
        (RateLimited("slow down", retry_after=30.0), State.DUE, State.DUE),
        (Unclear("who knows"), State.DUE, State.UNKNOWN),
        (Rejected("no"), State.DEAD, State.DEAD),
        (Unauthorized("key", grace=3), State.DUE, State.DUE),
        (ValueError("ours?"), State.DUE, State.UNKNOWN),
        (KeyError("id"), State.DUE, State.UNKNOWN),
    ],
)
def test_the_first_try_leads_to(outcome, send, text):
    assert (moved(outcome).state, moved(outcome, "text").state) == (send, text)


@pytest.mark.parametrize(
    ("outcome", "tries", "state"),
    [
        (Unauthorized("key", grace=3), 1, State.DUE),
        (Unauthorized("key", grace=3), 2, State.DEAD),
        (ValueError("x"), 1, State.DUE),
        (ValueError("x"), 2, State.DEAD),
        (Unavailable("down"), 50, State.DUE),
    ],
)
def test_later_tries_lead_to(outcome, tries, state):
    assert moved(outcome, tries=tries).state is state


def test_a_named_wait_is_kept_to_and_the_schedule_ends():
    assert moved(RateLimited("slow", retry_after=30.0)).due_at == pytest.approx(10 + 30, abs=4)
    late = moved(Unavailable("down"), now=3599.0)
    assert late.state is State.DEAD
    assert "given up after 1 try" in late.reason


def test_an_unforeseen_error_is_told_without_the_path_of_an_address():
    told = moved(ValueError("bad https://user:pw@hooks.example.com/services/T0/SECRET?key=SECRET here")).reason
    assert told == "ValueError: bad https://hooks.example.com/… here"


@given(
    st.sampled_from(
        [Unavailable("a"), Unclear("b"), Rejected("c"), Invalid("d", grace=2), OSError("e"), TypeError("f")]
    ),
    st.integers(0, 200),
    st.floats(0, 1e7),
    st.floats(0, 1),
)
def test_a_text_is_due_again_only_when_it_provably_did_not_leave(outcome, tries, now, roll):
    after = move(delivery("text", tries), outcome, RETRY, now=now, dice=lambda: roll, settle=120.0)
    assert after.tries == tries + 1
    if after.state is State.DUE:
        assert isinstance(outcome, (Unavailable, Rejected))
        assert after.due_at > now


@pytest.mark.parametrize(("outcome", "makes_room"), [(Receipt(id="ok"), True), (Unavailable("down"), False)])
async def test_what_went_well_makes_room_before_it_is_written_down(world, until, outcome, makes_room):
    desk = Service(outcome, hold=asyncio.Event())
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    await it.worker.turn()
    await until(lambda: desk.jobs)
    begun, go = threading.Event(), threading.Event()
    blocked = asyncio.ensure_future(it.ledger._engine.run(lambda _: begun.set() or go.wait(PATIENCE)))
    await until(begun.is_set)
    desk.hold.set()
    await until(it.ledger._engine._queue.qsize)  # its settlement waits behind the one that stands still
    assert it.worker.under_way["desk"] == int(not makes_room)
    go.set()
    await blocked
    await it.worker.idle()
    assert it.worker.under_way["desk"] == 0
    assert (await it.only()).state is (State.DELIVERED if makes_room else State.DUE)


async def test_a_connector_that_hangs_holds_up_no_other(world, until):
    stuck, desk = Service(hold=asyncio.Event()), Service()
    it = world([{"send": "stuck"}, {"send": "desk"}], stuck=stuck, desk=desk)
    it.worker.channels = {
        name: replace(channel, timeout=60.0, concurrency=2) for name, channel in it.worker.channels.items()
    }
    for _ in range(6):
        await it.ring()
    running = asyncio.create_task(it.worker.run())
    await until(lambda: len(desk.jobs) == 6)
    assert len(stuck.jobs) == 2
    stuck.hold.set()
    await until(lambda: len(stuck.jobs) == 6)
    running.cancel()
    await it.worker.idle()
    assert await it.ledger.states() == {"delivered": 12}


async def test_no_more_is_taken_than_the_rate_lets_begin(world):
    desk = Service()
    it = world([{"send": "desk"}], desk=desk)
    it.worker.channels = {"desk": replace(it.worker.channels["desk"], rate=AsyncLimiter(2, 3600), lease=30.0)}
    for _ in range(5):
        await it.ring()
    await it.work()
    assert len(desk.jobs) == 2
    await it.later(120)
    assert len(desk.jobs) == 2
    assert await it.ledger.states() == {"delivered": 2, "due": 3}
    assert it.worker.channels["desk"].pause == 1800


async def test_relays_that_work_together_keep_to_the_rate_together(world):
    alone = replace(world([{"send": "desk"}], desk=Service()).worker.channels["desk"], rate=AsyncLimiter(2, 60))
    third = alone.shared_by(3)
    assert (third.rate.max_rate, third.rate.time_period) == (2, 180)
    assert third.shared_by(3) is third
    assert third.shared_by(1).rate.time_period == 60
    assert replace(alone, rate=None).shared_by(3).rate is None


async def test_one_lane_goes_in_order_in_batches(world):
    desk = Service(rows=3)
    it = world([{"send": "desk", "message": "{{ call.id }}"}], desk=desk)
    for _ in range(7):
        await it.ring()
    await it.work()
    assert desk.batches == [["c1", "c2", "c3"], ["c4", "c5", "c6"]]
    assert [job.action.message for job in desk.jobs] == [f"c{n}" for n in range(1, 8)]


async def test_one_that_is_dead_no_longer_holds_its_lane(world):
    desk = Service(Rejected("no"), rows=2)
    it = world([{"send": "desk", "message": "{{ call.id }}"}], desk=desk)
    for _ in range(3):
        await it.ring()
    await it.work()
    assert [job.action.message for job in desk.jobs] == ["c1", "c2", "c3"]
    assert await it.ledger.states() == {"dead": 1, "delivered": 2}


async def test_a_failure_within_a_batch_holds_its_lane_until_it_is_delivered(world):
    desk = Service(Receipt(), Unavailable("down"), Receipt(), rows=3)
    it = world([{"send": "desk", "message": "{{ call.id }}"}], desk=desk)
    for _ in range(4):
        await it.ring()
    await it.work()
    assert await it.ledger.states() == {"delivered": 2, "due": 2}
    await it.later(10)
    assert [job.action.message for job in desk.jobs] == ["c1", "c2", "c3", "c2", "c4"]


async def test_a_ledger_that_is_busy_is_asked_again(world, until):
    it = world([{"send": "desk"}])
    await it.ledger.close()
    running = asyncio.create_task(it.worker.run())
    await until(lambda: running.done() or it.worker._freed_at > 0)
    assert not running.done()
    running.cancel()
    with pytest.raises(StoreBusy):
        await it.worker.turn()


async def test_draining_waits_for_what_is_under_way(world):
    desk = Service(hold=asyncio.Event())
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    await it.worker.turn()
    draining = asyncio.create_task(it.worker.drain(20.0))
    desk.hold.set()
    await draining
    assert (await it.only()).state is State.DELIVERED
