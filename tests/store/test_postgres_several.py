"""What several relays on one PostgreSQL do to each other at once: each thing is done once."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg

from relay.intake import merge
from relay.models import DUE_OTHERWISE, QUARANTINED, Plan, State, Verdict
from relay.store import Settlement, Want
from tests.store.ledger import (
    NOW,
    accept,
    begin,
    claimed,
    event,
    owe,
    owed,
    plan,
    text,
    with_cooldown,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.models import Delivery, Event, Known
    from relay.store import Run
    from relay.store.postgres import PostgresStore


@contextlib.asynccontextmanager
async def slow_to_commit(postgres: str, change: str, until: Any) -> AsyncIterator[None]:
    """Another relay's change, which is committed at the end, once somebody waits for it."""
    raw, watcher = await asyncpg.connect(postgres), await asyncpg.connect(postgres)
    slow = raw.transaction()
    await slow.start()
    await raw.execute(change)
    yield
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    await until(lambda: watcher.fetchval(waiting))
    await slow.commit()
    for connection in (raw, watcher):
        await connection.close()


async def test_the_same_webhook_at_two_doors_at_once_is_one_event(two: tuple[PostgresStore, PostgresStore]):
    again = [replace(event("call-1"), id=f"evt-{n}") for n in range(20)]
    answers = await asyncio.gather(*(two[n % 2].accept(one, b"{}", merge) for n, one in enumerate(again)))

    assert len({answer.event for answer in answers}) == 1
    assert sum(not answer.duplicate for answer in answers) == 1
    assert (await two[0].balance()).wrong is None
    assert (await two[0].totals())["events"] == 1


async def test_two_relays_plan_every_event_once_and_those_of_a_caller_in_order(
    two: tuple[PostgresStore, PostgresStore],
):
    await accept(two[0], *(event(f"call-{n}", caller=f"+1312555010{n % 7}") for n in range(210)))
    planned: list[Event] = []

    def decide(event: Event, known: Known) -> Plan:
        planned.append(event)
        return Plan((Verdict("A", "ran"),))

    async def work(store: PostgresStore) -> None:
        while (await store.totals())["unplanned"]:
            await plan(store, decide, limit=5)

    await asyncio.gather(work(two[0]), work(two[1]))

    assert sorted(one.seq for one in planned) == sorted({one.seq for one in planned})
    assert len(planned) == 210
    for caller in {one.caller for one in planned}:
        seqs = [one.seq for one in planned if one.caller == caller]
        assert seqs == sorted(seqs)


async def test_two_relays_take_every_delivery_once_and_a_lane_is_one_s_own(two: tuple[PostgresStore, PostgresStore]):
    await owe(two[0], *(owed(f"d{n}", step=n) for n in range(40)))
    await owe(two[0], *(owed(f"l{n}", lane="A", step=n) for n in range(4)), now=NOW + 1)
    takes = await asyncio.gather(*(two[n % 2].claim({"team": Want(3)}, now=NOW + 1) for n in range(40)))
    taken = [one.delivery for take in takes for one in take.claimed]

    assert len({one.id for one in taken}) == len(taken)
    assert sum(one.lane == "A" for one in taken) == 1


async def test_two_relays_text_a_person_once(two: tuple[PostgresStore, PostgresStore]):
    for n in range(8):
        await owe(two[0], text(f"t{n}"), now=NOW + n)
    (first, second) = [await claimed(store, "callscaler", now=NOW + 9, slots=4) for store in two]
    begun = await asyncio.gather(
        *(begin(two[0], one, with_cooldown) for one in first), *(begin(two[1], one, with_cooldown) for one in second)
    )

    assert len(begun) == 8
    assert [one.state for one in begun].count(State.SENDING) == 1


async def test_a_text_that_is_begun_while_leases_are_freed_is_never_due_again(
    two: tuple[PostgresStore, PostgresStore], postgres: str, until: Any
):
    await owe(two[0], text("t1"))
    await claimed(two[0], "callscaler")
    async with slow_to_commit(postgres, "update deliveries set state = 'sending' where id = 't1'", until):
        freeing = asyncio.ensure_future(two[1].free_leases(now=NOW + 99, settle=60, everything=False))
    await freeing
    assert (await two[0].deliveries(limit=1))[0].state is State.SENDING
    assert await two[1].free_leases(now=NOW + 99, settle=60, everything=False) == 1
    assert (await two[0].deliveries(limit=1))[0].state is State.UNKNOWN


async def test_what_another_relay_ends_while_it_is_released_stays_ended(
    two: tuple[PostgresStore, PostgresStore], postgres: str, until: Any
):
    kept = {"state": State.HELD, "due_at": NOW + 99, "notes": {QUARANTINED: True, DUE_OTHERWISE: NOW}}
    await owe(two[0], owed("ended", **kept), owed("free", **kept))
    [held] = await two[0].quarantined(limit=9)
    followed = []

    def follow(run: Run) -> list[Delivery]:
        followed.extend(one.id for one in run.deliveries)
        return []

    async with slow_to_commit(postgres, "update deliveries set state = 'cancelled' where id = 'ended'", until):
        releasing = asyncio.ensure_future(two[1].release(held.id, follow, now=NOW))
    assert await releasing == 1
    found = {one.id: one.state for one in await two[0].deliveries(limit=9)}
    assert found == {"ended": State.CANCELLED, "free": State.WAITING}
    assert "ended" not in followed


async def test_two_steps_that_settle_at_once_in_two_relays_let_the_third_go(two: tuple[PostgresStore, PostgresStore]):
    def follow(run: Run) -> list[Delivery]:
        done = [one for one in run.deliveries if one.state is State.DELIVERED]
        last = run.deliveries[-1]
        return [last.moved(State.DUE, due_at=NOW)] if len(done) == 2 and last.state is State.WAITING else []

    for n in range(10):
        await owe(
            two[0],
            *(owed(f"{n}-{step}", run=f"r{n}", step=step) for step in range(2)),
            owed(f"{n}-last", run=f"r{n}", step=2, state=State.WAITING, due_at=None),
            now=NOW + n,
        )
    taken = await claimed(two[0], now=NOW + 20)
    await asyncio.gather(
        *(
            two[n % 2].settle([Settlement(one.delivery.moved(State.DELIVERED, settled_at=NOW))], follow)
            for n, one in enumerate(taken)
        )
    )

    assert len(await claimed(two[1], now=NOW + 20)) == 10


async def test_what_names_a_rule_that_this_relay_has_not_read_is_left_to_others(
    two: tuple[PostgresStore, PostgresStore],
):
    await two[0].save_rule("v9", "New", "{}", NOW)
    await owe(two[0], owed("d1", rule_version="v9"))

    assert await claimed(two[1]) == []
    assert [version for version, _ in await two[1].owed_versions()] == ["v9"]
    assert [one.delivery.id for one in await claimed(two[1])] == ["d1"]
