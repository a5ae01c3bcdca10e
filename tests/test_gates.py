"""Breakers and pauses at work: what is owed waits, one probe at a time asks, and everything goes out in the end."""

import asyncio
from dataclasses import replace

import pytest
from aiolimiter import AsyncLimiter

from relay.connector import Receipt
from relay.errors import Gone, Invalid, Unauthorized, Unavailable, Unclear
from relay.models import CALLSCALER, State
from relay.worker import Worker
from tests.working import Phone, Service, made

STEP = [{"send": "desk", "message": "{{ call.id }}"}]
DOWN = Unavailable("answered 503")


@pytest.fixture
def world(ledger, clock):
    return lambda then, **services: made(ledger, clock, then, services)


def one_by_one(it):
    """With one try at a time, so that nothing is under way when a breaker opens."""
    it.worker.channels = {name: replace(channel, concurrency=1) for name, channel in it.worker.channels.items()}
    return it


@pytest.fixture
async def down(world):
    """A world whose desk has answered ten times in a row that it is down, with five more calls waiting for it."""
    desk = Service(*[DOWN] * 10)
    it = one_by_one(world(STEP, desk=desk))
    for _ in range(15):
        await it.ring()
    await it.work()
    assert len(desk.jobs) == 10
    return it, desk


def said(desk, since=0):
    return [job.action.message for job in desk.jobs[since:]]


def state_of(it, name="desk"):
    return it.metrics.registry.get_sample_value("relay_breaker_state", {"connector": name})


async def test_after_ten_failures_in_a_row_nothing_more_is_sent_and_everything_is_kept(down):
    it, desk = down
    await it.later(4)
    assert len(desk.jobs) == 10
    assert await it.ledger.states() == {"due": 15}
    assert (await it.ledger.standings())["desk"].fault == "answered 503"
    assert state_of(it) == 1


async def test_one_probe_goes_and_while_it_is_away_no_other(down, until):
    it, desk = down
    desk.hold = asyncio.Event()
    it.worker.channels = {"desk": replace(it.worker.channels["desk"], timeout=60.0)}
    it.clock.now += 5
    for _ in range(9):
        await it.worker.turn()
    await until(lambda: len(desk.jobs) == 11)
    assert state_of(it) == 0.5
    desk.hold.set()
    await it.worker.idle()


async def test_failing_probes_come_less_and_less_often_and_it_is_always_the_oldest_that_goes(down):
    it, desk = down
    desk.outcomes = [DOWN] * 99
    for _ in range(240):
        await it.later(1)
    assert 4 <= len(desk.jobs) - 10 <= 8
    assert set(said(desk, 10)) == {"c1"}


async def test_when_the_probe_is_answered_all_that_is_owed_goes_out_oldest_first(down):
    it, desk = down
    await it.ring()
    await it.later(5)
    assert said(desk, 10) == [f"c{n}" for n in range(1, 17)]
    assert await it.ledger.states() == {"delivered": 16}
    assert (await it.ledger.standings())["desk"].open is False
    assert state_of(it) == 0


async def test_what_was_kept_goes_out_at_the_connectors_rate(down):
    it, desk = down
    it.worker.channels = {"desk": replace(it.worker.channels["desk"], rate=AsyncLimiter(3, 3600))}
    await it.later(5)
    assert said(desk, 10) == ["c1", "c2", "c3"]
    assert await it.ledger.states() == {"delivered": 3, "due": 12}


async def test_an_open_breaker_outlives_a_restart(down):
    it, desk = down
    it.worker = Worker(it.ledger, it.planner, it.worker.channels, it.clock, it.metrics, dice=lambda: 0.5)
    await it.later(4)
    assert len(desk.jobs) == 10
    await it.later(1)
    assert await it.ledger.states() == {"delivered": 15}


async def test_one_service_that_is_down_leaves_the_others_alone(world):
    desk, other = Service(*[DOWN] * 99), Service()
    it = world([*STEP, {"send": "other"}], desk=desk, other=other)
    for _ in range(20):
        await it.ring()
    await it.work()
    assert (len(desk.jobs) < 15, len(other.jobs)) == (True, 20)


async def test_what_a_lane_holds_back_does_not_keep_a_probe_from_going(world):
    desk = Service(*[DOWN] * 10, rows=2)
    it = world(STEP, desk=desk)
    for _ in range(4):
        await it.ring()
    for _ in range(400):
        await it.later(1)
    assert await it.ledger.states() == {"delivered": 4}
    assert said(desk)[-4:] == ["c1", "c2", "c3", "c4"]


async def test_texts_wait_for_a_phone_system_that_is_down_and_none_goes_twice(world):
    phone = Phone(*[DOWN] * 10)
    it = one_by_one(world([{"text": "caller", "body": "Sorry we missed you."}], phone=phone))
    for n in range(12):
        await it.ring(caller_number=f"+131255501{n:02}")
    await it.work()
    assert len(phone.jobs) == 10
    await it.later(5)
    assert await it.ledger.states() == {"delivered": 12}
    assert len({job.action.to for job in phone.jobs[10:]}) == len(phone.jobs) - 10 == 12


async def test_gone_is_dead_at_once_and_what_comes_after_is_kept(world):
    desk = Service(Gone("answered 410"))
    it = world(STEP, desk=desk)
    await it.ring()
    await it.work()
    for _ in range(3):
        await it.ring()
    await it.later(3600)
    assert (len(desk.jobs), await it.ledger.states()) == (1, {"dead": 1, "due": 3})
    standing = (await it.ledger.standings())["desk"]
    assert (standing.paused_by, standing.paused_why) == ("relay", "answered 410")
    await it.ledger.resume("desk")
    await it.later(2)
    assert said(desk, 1) == ["c2", "c3", "c4"]


@pytest.mark.parametrize("refusal", [Unauthorized("answered 401", grace=3), Invalid("answered 422", grace=3)])
async def test_what_refuses_everything_three_times_is_paused_and_a_retry_by_hand_lets_it_go_on(world, refusal):
    desk = Service(*[refusal] * 3)
    it = world(STEP, desk=desk)
    await it.ring()
    for _ in range(9):
        await it.later(60)
    await it.ring()
    await it.later(60)
    assert (len(desk.jobs), await it.ledger.states()) == (3, {"dead": 1, "due": 1})
    [dead] = await it.ledger.deliveries(limit=9, state="dead")
    await it.ledger.retry([dead.id], now=it.clock())
    await it.later(2)
    assert await it.ledger.states() == {"delivered": 2}


async def test_one_delivery_that_is_refused_among_others_that_are_not_pauses_nothing(world):
    class Picky(Service):
        async def send(self, job):
            await super().send(job)
            if job.action.message == "c1":
                raise Invalid("answered 422", grace=3)
            return Receipt()

    it = world(STEP, desk=Picky())
    for _ in range(9):
        await it.ring()
        await it.later(30)
    assert await it.ledger.states() == {"dead": 1, "delivered": 8}
    assert "desk" not in await it.ledger.standings()


async def test_a_phone_system_that_refuses_one_text_goes_on_and_one_that_refuses_the_key_waits(world):
    phone = Phone(
        *[Invalid("answered 422", grace=3)] * 3, Receipt(id="t1"), *[Unauthorized("answered 401", grace=3)] * 3
    )
    it = world([{"text": "caller", "body": "Sorry we missed you."}], phone=phone)
    for caller in ("+13125550101", "+13125550102", "+13125550103", "+13125550104"):
        await it.ring(caller_number=caller)
        for _ in range(5):
            await it.later(60)
    assert await it.ledger.states() == {"dead": 2, "delivered": 1, "due": 1}
    assert (await it.ledger.standings())[CALLSCALER].paused


async def test_what_is_paused_by_hand_waits_and_a_restart_does_not_wake_it(world):
    it = world(STEP)
    await it.ledger.pause("desk", "paused by hand", by="hand", now=it.clock())
    await it.ring()
    it.worker = Worker(it.ledger, it.planner, it.worker.channels, it.clock, it.metrics)
    await it.later(3600)
    assert (await it.only()).state is State.DUE
    await it.ledger.resume("desk")
    it.worker.gates.forget()
    await it.work()
    assert (await it.only()).state is State.DELIVERED


async def test_a_long_backlog_does_not_starve_what_is_new(world):
    desk = Service()
    it = world(STEP, desk=desk)
    for _ in range(120):
        await it.ring()
    await it.worker.turn()
    await it.worker.idle()
    it.clock.now += 1
    await it.ring()
    turns = 0
    while "c121" not in said(desk):
        await it.worker.turn()
        await it.worker.idle()
        turns += 1
    assert turns <= 3
    assert said(desk)[:4] == ["c1", "c2", "c3", "c4"]
    await it.work()
    assert await it.ledger.states() == {"delivered": 121}


async def test_a_hanging_service_opens_its_breaker_too(world):
    desk = Service(*[Unclear("no answer within 15 s")] * 10)
    it = one_by_one(world(STEP, desk=desk))
    for _ in range(11):
        await it.ring()
    await it.work()
    assert len(desk.jobs) == 10


async def test_of_two_relays_on_one_ledger_one_probes(down):
    it, desk = down
    other = Worker(it.ledger, it.planner, it.worker.channels, it.clock, it.metrics, dice=lambda: 0.5)
    desk.outcomes = [DOWN] * 9
    it.clock.now += 5
    for worker in (it.worker, other, it.worker, other):
        await worker.turn()
        await worker.idle()
    assert len(desk.jobs) == 11
    it.clock.now += 9
    await other.turn()
    await other.idle()
    assert len(desk.jobs) == 11
    it.clock.now += 1
    for worker in (other, it.worker):
        await worker.turn()
        await worker.idle()
    assert len(desk.jobs) == 12


async def test_a_probe_that_was_killed_is_made_by_another_once_its_lease_is_over(down):
    it, desk = down
    it.clock.now += 5
    await it.worker.gates.look(it.worker.channels, it.clock())
    other = Worker(it.ledger, it.planner, it.worker.channels, it.clock, it.metrics, dice=lambda: 0.5)
    it.worker = other
    await it.later(29)
    assert len(desk.jobs) == 10
    await it.later(1)
    assert await it.ledger.states() == {"delivered": 15}
