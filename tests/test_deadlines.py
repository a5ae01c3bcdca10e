"""Bounds in time that share a timer: each holds as one of `asyncio.timeout` would."""

import asyncio

import pytest
import uvloop

from relay.deadlines import Deadlines
from tests.patience import PATIENCE


@pytest.fixture
def deadlines():
    return Deadlines()


async def for_ever():
    await asyncio.Event().wait()


async def test_what_takes_too_long_is_cancelled_and_told(deadlines):
    with pytest.raises(TimeoutError), deadlines.within(0.01):
        await for_ever()
    assert not asyncio.current_task().cancelling()


async def test_what_is_over_in_time_is_left_alone_afterwards(deadlines):
    with deadlines.within(0.01):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), deadlines.within(0.05):
        await for_ever()


async def test_a_short_bound_beside_long_ones_ends_at_its_own_time(deadlines):
    async def bounded(seconds):
        with deadlines.within(seconds):
            await for_ever()

    long = [asyncio.create_task(bounded(PATIENCE)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await bounded(0.01)
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()
    await asyncio.wait(long)


async def test_bounds_end_in_the_order_of_their_times(deadlines, monkeypatch):
    loop, ended = asyncio.get_running_loop(), []
    start = now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)

    async def bounded(seconds):
        try:
            with deadlines.within(seconds):
                await for_ever()
        except TimeoutError:
            ended.append(seconds)

    tasks = [asyncio.create_task(bounded(seconds)) for seconds in (60, 20, 40)]
    for seconds, over in ((0, []), (19, []), (20, [20]), (40, [20, 40]), (60, [20, 40, 60])):
        now = start + seconds
        for _ in range(5):
            await asyncio.sleep(0)
        assert ended == over
    await asyncio.gather(*tasks)


async def test_the_inner_of_two_bounds_ends_and_the_outer_goes_on(deadlines):
    with deadlines.within(PATIENCE):
        with pytest.raises(TimeoutError), deadlines.within(0.01):
            await for_ever()
        await asyncio.sleep(0)


async def test_two_bounds_that_end_at_once_are_told_by_the_outer(deadlines):
    inner = []

    async def both():
        with deadlines.within(0.01):
            try:
                with deadlines.within(0.01):
                    await for_ever()
            except BaseException as error:
                inner.append(type(error))
                raise

    with pytest.raises(TimeoutError):
        await both()
    assert inner == [asyncio.CancelledError]
    assert not asyncio.current_task().cancelling()


async def test_a_cancellation_from_outside_stays_one(deadlines):
    async def bounded():
        with deadlines.within(PATIENCE):
            await for_ever()

    task = asyncio.create_task(bounded())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_is_not_lost_where_the_time_is_over_too(deadlines):
    async def bounded():
        with deadlines.within(0.01):
            try:
                await for_ever()
            finally:
                asyncio.current_task().cancel()  # as somebody else would, before the block has ended

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(bounded())


async def test_any_number_of_bounds_costs_one_timer(deadlines):
    loop = asyncio.get_running_loop()
    before = sum(not timer.cancelled() for timer in loop._scheduled)
    for _ in range(100):
        with deadlines.within(PATIENCE):
            await asyncio.sleep(0)
    assert sum(not timer.cancelled() for timer in loop._scheduled) == before + 1


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_a_bound_holds_in_every_loop_that_it_is_used_in(deadlines, runner):
    async def once():
        with pytest.raises(TimeoutError), deadlines.within(0.02):
            await for_ever()
        with deadlines.within(0.01):  # its timer is left behind with the loop
            await asyncio.sleep(0)

    runner(once())
    runner(once())


def test_outside_a_task_nothing_can_be_bounded(deadlines):
    async def look():
        told = asyncio.get_running_loop().create_future()

        def called():
            try:
                with deadlines.within(1):
                    pass
            except RuntimeError as error:
                told.set_result(str(error))

        asyncio.get_running_loop().call_soon(called)
        assert "task" in await told

    asyncio.run(look())
