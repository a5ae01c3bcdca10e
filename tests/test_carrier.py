"""What a service makes of a delivery, and what is written down of it, on a real ledger."""

import asyncio
from dataclasses import replace

import pytest

from relay.connector import Form, Receipt
from relay.errors import Unavailable, Unclear
from relay.models import State
from tests.working import Service, made


@pytest.fixture
def world(ledger, clock):
    return lambda then, **services: made(ledger, clock, then, services)


class Short(Service):
    async def send_batch(self, _):
        return [Receipt()]


async def test_what_is_due_is_delivered_once_with_a_key_that_stays_the_same(world):
    desk = Service(Unavailable("down"), Unclear("lost"))
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    await it.work()
    await it.later(10)
    await it.later(20)
    assert [(job.tries, job.key) for job in desk.jobs] == [(n, desk.jobs[0].key) for n in range(3)]
    assert (await it.only()).state is State.DELIVERED
    assert [attempt.outcome for attempt in await it.ledger.attempts(desk.jobs[0].key)] == ["due", "due", "delivered"]


async def test_a_connector_that_fails_as_it_should_not_is_dead_after_three(world):
    desk = Service(*[ZeroDivisionError("oops")] * 9)
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    for _ in range(6):
        await it.later(60)
    assert len(desk.jobs) == 3
    found = await it.only()
    assert (found.state, found.reason) == (State.DEAD, "ZeroDivisionError: oops")


@pytest.mark.parametrize("answer", [None, "yes", 5])
async def test_an_answer_that_is_no_receipt_is_no_success(world, answer):
    it = world([{"send": "desk"}], desk=Service(*[answer] * 9))
    await it.ring()
    for _ in range(6):
        await it.later(60)
    assert (await it.only()).state is State.DEAD


async def test_a_receipt_with_half_a_character_is_kept_all_the_same(world):
    it = world([{"send": "desk"}], desk=Service(Receipt(id="\ud800", body={"a\udfff": float("inf")})))
    await it.ring()
    await it.work()
    found = await it.only()
    assert (found.state, found.receipt["id"]) == (State.DELIVERED, "?")


async def test_a_connector_that_never_answers_is_cut_off_and_tried_again(world):
    it = world([{"send": "desk"}], desk=Service(hold=asyncio.Event()))
    it.worker.channels = {"desk": replace(it.worker.channels["desk"], timeout=0.2)}
    await it.ring()
    await it.work()
    found = await it.only()
    assert (found.state, found.tries, found.reason) == (State.DUE, 1, "no answer within 0.2 s")


async def test_a_batch_with_too_few_results_delivers_nothing_and_does_not_go_on_for_ever(world):
    it = world([{"send": "desk", "message": "{{ call.id }}"}], desk=Short(rows=3))
    for _ in range(2):
        await it.ring()
    for _ in range(6):
        await it.later(60)
    assert await it.ledger.states() == {"dead": 2}


async def test_what_a_connector_noted_is_there_on_the_next_try(world):
    class Noting(Service):
        async def send(self, job):
            job.notes["seen"] = job.notes.get("seen", 0) + 1
            return await super().send(job)

    desk = Noting(Unavailable("down"))
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    await it.work()
    await it.later(30)
    assert [job.notes["seen"] for job in desk.jobs] == [1, 2]


async def test_what_a_receipt_says_to_remember_is_known_to_the_next_delivery_of_its_key(world):
    class Growing(Service):
        def key(self, action):
            return action.message

        async def send(self, job):
            await super().send(job)
            return Receipt(id="m", remember={"n": job.known.get("n", 0) + 1} if job.action.message == "A" else None)

    desk = Growing()
    it = world([{"send": "desk", "message": "{{ call.source }}"}], desk=desk)
    for source in ("A", "B", "A", "A"):
        await it.ring(source=source)
        await it.work()
    assert [dict(job.known) for job in desk.jobs] == [{}, {}, {"n": 1}, {"n": 2}]


async def test_a_step_that_its_connector_cannot_read_is_dead_with_the_place(world):
    class Strict(Form):
        message: int

    desk = Service()
    it = world([{"send": "desk"}], desk=desk)
    await it.ring()
    desk.Action = Strict
    await it.work()
    found = await it.only()
    assert (found.state, desk.jobs) == (State.DEAD, [])
    assert "message" in found.reason
