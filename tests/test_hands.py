"""What is planned goes straight to its service where nothing else is due to it, and to nobody who may not have it."""

import asyncio
from dataclasses import replace

import pytest
from aiolimiter import AsyncLimiter

import relay.worker.hands
from relay.hands import Hands
from relay.models import CALLSCALER, State
from relay.planner import BATCH, IN_A_CROWD
from relay.worker import Channel
from relay.worker.hands import QUICK
from tests.patience import HUNG, PATIENCE
from tests.working import OURS, Phone, Service, made

STEP = [{"send": "desk", "message": "{{ call.id }}"}]


@pytest.fixture
async def quick(ledger, clock):
    """A world whose desk is known to be quick, with nothing due; what is planned is handed to its worker."""
    it = made(ledger, clock, STEP, {"desk": Service()})
    it.planner.hands = it.worker.hands
    await it.ring()
    await it.work()
    await it.work()
    assert await ledger.states() == {"delivered": 1}
    return it, it.worker.channels["desk"].connector


async def test_what_is_planned_is_sent_without_a_look_at_the_ledger(quick):
    it, desk = quick
    await it.ring()
    await it.ring()
    await it.worker.idle()
    assert [job.action.message for job in desk.jobs] == ["c1", "c2", "c3"]
    assert await it.ledger.states() == {"delivered": 3}


async def test_before_the_first_look_and_while_something_is_due_it_is_left_to_claims(ledger, clock):
    it = made(ledger, clock, STEP, {"desk": Service()})
    it.planner.hands = it.worker.hands
    called = []
    it.planner._planned = lambda: called.append(1)
    await it.ring()
    await it.worker.idle()
    assert await ledger.states() == {"due": 1}
    assert called, "the worker is called for what was not taken"


async def test_it_goes_behind_what_waits_already_and_what_finds_no_room_is_left(quick, until):
    it, desk = quick
    it.worker.channels = {name: replace(one, concurrency=1) for name, one in it.worker.channels.items()}
    desk.hold = asyncio.Event()
    for _ in range(3):
        await it.ring()
    await until(lambda: len(desk.jobs) == 2)
    assert await it.ledger.states() == {"delivered": 1, "sending": 3}
    it.worker._ahead.most = lambda _: 2
    for _ in range(2):
        await it.ring()
    assert await it.ledger.states() == {"delivered": 1, "sending": 3, "due": 2}
    it.worker._ahead.most = lambda _: 9
    await it.ring()  # there is room again, and older ones are due
    assert await it.ledger.states() == {"delivered": 1, "sending": 3, "due": 3}
    desk.hold.set()
    await it.worker.idle()
    await it.work()
    assert [job.action.message for job in desk.jobs] == [f"c{n}" for n in range(1, 8)]


async def test_nothing_is_taken_for_a_connector_that_is_paused(quick):
    it, desk = quick
    await it.ledger.pause("desk", "by hand", by="owner", now=it.clock())
    it.worker.gates.forget()
    await it.ring()
    assert await it.ledger.states() == {"delivered": 1, "due": 1}
    await it.work()
    await it.ring()
    await it.worker.idle()
    assert await it.ledger.states() == {"delivered": 1, "due": 2}
    assert len(desk.jobs) == 1


async def test_nothing_is_taken_once_what_is_known_of_connectors_is_old(quick):
    it, _ = quick
    it.clock.now += 1.5
    await it.ring()
    assert await it.ledger.states() == {"delivered": 1, "due": 1}


async def test_what_was_taken_for_a_connector_that_a_reload_replaced_is_given_back_and_sent_by_the_new_one(quick):
    it, old = quick
    new = Service()
    offer = it.worker.hands.offer
    it.worker.hands.offer = lambda: (offer(), replaced())[0]

    def replaced():
        it.worker.channels = it.worker.channels | {"desk": Channel("desk", new)}

    it.worker._called.clear()
    await it.ring()
    assert await it.ledger.states() == {"delivered": 1, "sending": 1}
    assert it.worker._called.is_set(), "it is looked after at once"
    await it.work()
    assert [len(old.jobs), [job.tries for job in new.jobs]] == [1, [0]]
    assert await it.ledger.states() == {"delivered": 2}


async def test_what_was_planned_while_the_planner_was_stopped_is_given_back(quick, until):
    it, desk = quick
    begun, go = [], asyncio.Event()
    plan = it.ledger.plan_and_take

    async def slowly(*args, **more):
        planned = await plan(*args, **more)
        begun.append(planned)
        await go.wait()
        return planned

    it.ledger.plan_and_take = slowly
    ringing = asyncio.ensure_future(it.ring())
    await until(lambda: begun)
    assert await it.ledger.states() == {"delivered": 1, "sending": 1}
    ringing.cancel()
    await asyncio.gather(ringing, return_exceptions=True)
    go.set()
    await it.worker.drain(1.0)
    assert await it.ledger.states() == {"delivered": 1, "due": 1}
    assert [one.tries for one in await it.ledger.deliveries(limit=9) if one.state is State.DUE] == [0]
    assert len(desk.jobs) == 1


async def test_after_the_end_nothing_is_taken(quick):
    it, _ = quick
    await it.worker.drain(1.0)
    await it.ring()
    assert await it.ledger.states() == {"delivered": 1, "due": 1}


async def test_nothing_is_taken_at_a_rate_in_batches_or_for_the_phone_system(ledger, clock):
    services = {"desk": Service(), "many": Service(rows=5), "paced": Service(), "phone": Phone()}
    it = made(ledger, clock, STEP, services)
    paced = replace(it.worker.channels["paced"], rate=AsyncLimiter(1000, 1))
    it.worker.channels = it.worker.channels | {"paced": paced}
    await it.work()
    assert set(it.worker.hands.offer().wants) == {"desk"}
    assert CALLSCALER in it.worker.channels


async def test_texts_are_never_among_what_is_taken(ledger, clock):
    phone = Phone()
    then = [{"text": "+13125550199", "body": "Call!", "from": OURS}, {"send": "desk", "message": "told"}]
    it = made(ledger, clock, then, {"phone": phone})
    it.planner.hands = it.worker.hands
    await it.work()
    await it.ring()
    await it.worker.idle()
    assert phone.jobs == []
    assert {one.kind: one.state for one in await it.ledger.deliveries(limit=9)}["text"] is State.DUE


async def test_planning_waits_while_a_quick_service_has_enough_and_no_longer(quick, until, monkeypatch):
    it, desk = quick
    hands, ahead = it.worker.hands, it.worker._ahead
    await hands.room()  # nothing waits
    assert ahead.most(it.worker.channels["desk"]) >= QUICK
    desk.hold = asyncio.Event()
    ahead.is_low = lambda _: False
    await hands.room()  # nothing leaves: it goes on all the same
    monkeypatch.setattr(relay.worker.hands, "PATIENCE", HUNG)  # from now on only because something leaves
    waits = asyncio.ensure_future(hands.room())
    await until(lambda: hands._waited_for)
    del ahead.is_low
    desk.hold.set()
    await it.ring()
    await it.worker.idle()
    await asyncio.wait_for(waits, PATIENCE)
    assert not hands._waited_for


async def test_of_a_shared_ledger_nothing_is_taken_and_planning_waits_for_nobody(quick, monkeypatch):
    it, _ = quick
    hands = it.worker.hands
    monkeypatch.setattr(it.worker._ahead, "is_low", lambda _: False)
    assert hands._is_full()
    assert hands.offer().wants
    monkeypatch.setattr(it.ledger, "shared", True)
    monkeypatch.setattr(hands._has_room, "wait", lambda: pytest.fail("it waits"))
    await hands.room()
    assert hands.offer().wants == {}


async def test_nobody_takes_anything_and_waits_for_nothing():
    hands = Hands()
    await hands.room()
    assert hands.offer().wants == {}


@pytest.mark.parametrize(("crowd", "most"), [(False, BATCH), (True, IN_A_CROWD)])
async def test_fewer_are_planned_at_a_time_while_a_crowd_waits_for_it(ledger, clock, until, crowd, most):
    it = made(ledger, clock, STEP, {})
    limits, plan = [], ledger.plan_and_take

    async def let_in():
        return crowd

    async def counted(*args, limit, **more):
        limits.append(limit)
        return await plan(*args, limit=limit, **more)

    it.planner.let_in, ledger.plan_and_take = let_in, counted
    running = asyncio.ensure_future(it.planner.run())
    await until(lambda: limits)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert limits == [most]
