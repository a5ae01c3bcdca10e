"""A crowd at the door goes before planning and sending, and only a crowd."""

from __future__ import annotations

import asyncio
import threading

import pytest

from relay.intake import Intake
from relay.intake.door import CROWD, MOMENT
from relay.metrics import Metrics
from relay.store.sqlite import SqliteStore
from tests.patience import PATIENCE
from tests.store.ledger import NOW, event


@pytest.fixture
async def store(tmp_path):
    opened = SqliteStore(tmp_path / "relay.db")
    yield opened
    await opened.close()


@pytest.mark.parametrize(("many", "stands_back"), [(CROWD - 1, False), (CROWD, True)])
async def test_who_plans_and_sends_stands_back_for_a_crowd_and_comes_back(store, many, stands_back):
    intake, go = Intake(store, lambda: NOW, Metrics()), threading.Event()
    blocked = asyncio.ensure_future(store._engine.run(lambda _: go.wait(PATIENCE)))
    waiting = [asyncio.ensure_future(intake.event(event(f"call-{n}"), b"{}")) for n in range(many)]
    await asyncio.sleep(0)

    letting = asyncio.ensure_future(intake.let_in())
    await asyncio.sleep(0)
    assert letting.done() is not stands_back
    assert await asyncio.wait_for(letting, PATIENCE) is stands_back  # however long the crowd stays
    go.set()
    await asyncio.gather(blocked, *waiting)
    await asyncio.wait_for(intake.let_in(), PATIENCE)


@pytest.mark.parametrize(("came", "stands_back"), [(200, False), (300, True)])
async def test_they_stand_back_while_more_arrive_than_can_be_planned_at_the_same_time(store, came, stands_back):
    passed = [0.0]
    intake = Intake(store, lambda: NOW, Metrics(), ticks=lambda: passed[0])
    for n in range(came):
        await intake.event(event(f"call-{n}"), b"{}")
    passed[0] = MOMENT
    letting = asyncio.ensure_future(intake.let_in())
    await asyncio.sleep(0)
    assert letting.done() is not stands_back
    await asyncio.wait_for(letting, PATIENCE)
    passed[0] = 2 * MOMENT  # nobody came since
    letting = asyncio.ensure_future(intake.let_in())
    await asyncio.sleep(0)
    assert letting.done()
