"""A loop that falls over is started again, and readiness says what does not do its work."""

import asyncio
import threading
import time

import pytest

from relay.app.stall import StallWatch
from relay.app.supervisor import FALLS, SILENT, WELL, Supervisor
from tests.patience import PATIENCE

BLOCKED = 0.2
"""Seconds; two of them in life."""


class Ticks:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
async def loops(ticks, monkeypatch):
    monkeypatch.setattr("relay.app.supervisor._FIRST_PAUSE", 0.01)
    it = Supervisor(ticks)
    yield it
    await it.stop()


async def test_a_loop_that_falls_again_and_again_is_not_ready_and_one_that_fell_once_is(loops, until):
    runs, go = [], asyncio.Event()

    async def part():
        runs.append(1)
        if len(runs) == 2:
            await go.wait()
        raise ZeroDivisionError("oops")

    loops.keep("part", part)
    await until(lambda: len(runs) == 2)
    assert loops.reasons() == []
    go.set()
    await until(lambda: loops.reasons() == ["part: ZeroDivisionError: oops"])
    assert len(runs) >= FALLS


async def test_a_loop_that_then_runs_for_a_while_is_ready_again(loops, ticks, until):
    runs = []

    async def part():
        runs.append(1)
        if len(runs) <= FALLS:
            raise ZeroDivisionError("oops")
        await asyncio.Event().wait()

    loops.keep("part", part)
    await until(lambda: len(runs) > FALLS)
    assert loops.reasons() != []
    ticks.now += WELL
    assert loops.reasons() == []


async def test_a_loop_that_ends_by_itself_is_started_again(loops, until):
    runs = []

    async def part():
        runs.append(1)

    loops.keep("part", part)
    await until(lambda: len(runs) > 1)


async def test_a_loop_that_stands_still_is_told_of_once_and_is_not_ready(loops, ticks, until):
    beats = [0.0]
    loops.keep("planner", asyncio.Event().wait, beat=lambda: beats[-1])
    ticks.now = SILENT
    assert loops.reasons() == []
    ticks.now = SILENT + 1
    loops.look()
    loops.look()
    assert loops.reasons() == [f"planner: has stood still for {SILENT + 1:.0f} s"]
    beats.append(ticks.now)
    loops.look()
    assert loops.reasons() == []


def test_a_loop_that_is_blocked_is_told_of_once_with_what_blocks_it(caplog, capsys, monkeypatch):
    monkeypatch.setattr("relay.app.stall.BLOCKED", BLOCKED)
    monkeypatch.setattr("relay.app.stall._LOOK", BLOCKED / 4)
    told = []
    seen = threading.Event()

    def tell():
        told.append(1)
        seen.set()

    watch = StallWatch(0.0, tell)
    began = time.monotonic()
    watch.start()
    assert seen.wait(PATIENCE)
    assert time.monotonic() - began >= BLOCKED
    watch.beat()
    watch.stop()
    watch._thread.join()
    assert told == [1]
    assert "test_a_loop_that_is_blocked" in capsys.readouterr().out + caplog.text
