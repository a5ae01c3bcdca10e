"""Relays that share a ledger: one does what must be done once, and another takes over when it falls silent."""

import asyncio
import contextlib
import os

import asyncpg
import pytest

from relay.roster import BEAT, LEASE, Roster
from relay.store.postgres import PostgresStore


class Ticks:
    """A clock that nobody sets, moved by the test."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


async def nobody_cares(nodes):
    """What is heard of the others is not of interest."""


class Relay:
    """One relay on a ledger, with a loop that one relay runs for all."""

    def __init__(self, store, ticks, beat):
        self.running = False
        self.store = store
        self.roster = Roster(store, roles=["worker"], config=lambda: "c1", beaten=nobody_cares, ticks=ticks, beat=beat)
        self._task = asyncio.ensure_future(self.roster.on_duty("clock", self._loop))

    async def _loop(self):
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False

    async def end(self):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.store.close()


@pytest.fixture
async def relays(postgres):
    made = []

    async def make(ticks, beat=BEAT):
        store = await PostgresStore.open(postgres)
        made.append(Relay(store, ticks, beat))
        await asyncio.sleep(0)
        return made[-1]

    yield make
    for relay in made:
        await relay.end()


async def test_one_relay_has_the_duty_and_the_other_learns_of_it(relays, until):
    ticks = Ticks()
    one, two = await relays(ticks), await relays(ticks)
    await one.roster.beat()
    await two.roster.beat()
    await until(lambda: one.running)
    await one.roster.beat()

    assert not two.running
    assert [node.id for node in one.roster.others] == [two.store.node]
    assert [node.holds for node in two.roster.others] == [("clock",)]


async def test_a_relay_that_was_frozen_knows_that_it_may_not_go_on(relays, until):
    ticks = Ticks()
    one = await relays(ticks)
    await one.roster.beat()
    await until(lambda: one.running)
    ticks.now += LEASE
    await until(lambda: not one.running)
    await one.roster.beat()
    await until(lambda: one.running)


async def test_a_relay_that_says_goodbye_is_followed_at_once(relays, until):
    ticks = Ticks()
    one, two = await relays(ticks), await relays(ticks)
    await one.roster.beat()
    await until(lambda: one.running)
    await one.roster.leave()
    await two.roster.beat()

    await until(lambda: two.running)


class Work:
    """What one process does at a time, until it is told to end."""

    def __init__(self):
        self.begun, self.end, self.done = asyncio.Event(), asyncio.Event(), False

    async def __call__(self):
        self.begun.set()
        await self.end.wait()
        self.done = True


async def lease_of(store):
    raw = await asyncpg.connect(store)
    until = await raw.fetchval("select until from duties where name = 'moves'")
    await raw.close()
    return until


async def test_a_piece_of_work_is_done_by_one_at_a_time_whose_lease_is_renewed_and_another_is_told_by_whom(
    relays, postgres, until
):
    one, two, work = await relays(Ticks(), beat=0.2), await relays(Ticks()), Work()
    doing = asyncio.ensure_future(one.roster.once("moves", work))
    await work.begun.wait()
    first = await lease_of(postgres)
    refused = Work()
    holder = await two.roster.once("moves", refused)
    assert (holder.id, holder.pid, refused.begun.is_set()) == (one.store.node, os.getpid(), False)

    async def renewed():
        return await lease_of(postgres) > first

    await until(renewed)
    work.end.set()
    assert await doing is None
    assert work.done
    refused.end.set()
    assert await two.roster.once("moves", refused) is None
    assert refused.done


async def test_a_piece_of_work_is_broken_off_once_another_may_have_taken_over(relays):
    ticks, work = Ticks(), Work()
    one = await relays(ticks)
    doing = asyncio.ensure_future(one.roster.once("moves", work))
    await work.begun.wait()
    ticks.now += LEASE
    assert await doing is None, "nobody has taken over yet"
    assert not work.done


async def test_a_word_to_the_ledger_is_answered_before_the_next_is_said(relays):
    one, began = await relays(Ticks()), []
    await one.roster.beat()
    at = one.store.clock

    def noted():
        began.append(at())
        return began[-1]

    one.store.clock = noted
    beats = [asyncio.ensure_future(one.roster.beat()) for _ in range(3)]
    await asyncio.sleep(0)  # each of them has begun
    assert len(began) == 1, "the others wait until this one is answered"
    await asyncio.gather(*beats)


async def test_on_a_file_a_piece_of_work_is_simply_done(ledger):
    roster, work = Roster(ledger, roles=["shell"], config=lambda: "c1", beaten=nobody_cares), Work()
    work.end.set()
    assert await roster.once("moves", work) is None
    assert (work.done, await ledger.nodes()) == (True, [])
