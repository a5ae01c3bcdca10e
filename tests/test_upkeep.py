"""The ledger is kept small and its sums right, without anybody asking."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from relay.models import State
from relay.store.upkeep import Sizes
from relay.upkeep import WAL_MOST, Retention, Upkeep
from tests.store.ledger import DAY, NOW, accept, event, nothing_owed, owe, owed, plan


@pytest.fixture
def upkeep(ledger, clock):
    clock.now = NOW + 40 * DAY
    return Upkeep(ledger, clock, Retention(), pause=0.0)


async def causes(ledger):
    return [alert.cause for alert in await ledger.alerts(open_only=True)]


def test_words_go_no_later_than_the_bodies_that_hold_them_and_events_last():
    cuts = dict(Retention(bodies=1.0, transcripts=7.0, attempts=3.0).cuts(100.0))

    assert cuts == {
        "transcripts": 99.0, "bodies": 99.0, "texts": 99.0, "requests": 99.0, "attempts": 97.0, "events": 93.0
    }  # fmt: skip
    assert list(cuts)[-1] == "events"


def test_a_ledger_over_its_cap_is_pruned_to_nine_tenths_of_it():
    retention = Retention(size=1000)

    assert [retention.outgrown(Sizes(9999, used)) for used in (1000, 1001)] == [False, True]
    assert [retention.fits(Sizes(9999, used)) for used in (901, 900)] == [False, True]


async def test_each_age_takes_what_is_its_own(ledger, upkeep, clock):
    for days in (0, 20, 35):
        await accept(ledger, event(f"on-{days}", at=NOW + days * DAY, transcription="my boiler leaks"))
        await plan(ledger, nothing_owed)
    foreseen = await upkeep.foresee()
    came = await upkeep.prune()
    calls = {one.key: one for one in await ledger.events(limit=9)}

    assert (came.rows["transcripts"], came.rows["bodies"], came.rows["events"]) == (2, 1, 0)
    assert (foreseen.rows["transcripts"], foreseen.rows["events"]) == (2, 0)
    assert [bool(calls[f"on-{days}"].raw) for days in (0, 20, 35)] == [False, True, True]
    assert ["transcription" in calls[f"on-{days}"].call for days in (0, 20, 35)] == [False, False, True]
    clock.now = NOW + 91 * DAY
    assert (await upkeep.prune()).rows["events"] == 1


async def test_a_ledger_that_outgrew_its_cap_loses_its_oldest_events_and_nothing_owed(ledger, upkeep, clock):
    clock.now = NOW + 60
    await owe(ledger, owed("d1", state=State.WAITING))
    for _ in range(3):
        number = (await ledger.totals())["events"]
        await accept(ledger, *(event(f"call-{number + n}", notes="x" * 8000) for n in range(100)))
        await plan(ledger, nothing_owed)
    before = await ledger.sizes()
    upkeep.retention = replace(upkeep.retention, size=before.used // 2)
    came = await upkeep.prune()
    left = [one.key for one in await ledger.events(limit=999)]

    assert came.after.file <= upkeep.retention.size
    assert came.rows["events"] == 301 - len(left)
    assert left[-1] == "call-of-d1"
    assert left[0] == "call-300"
    assert (await ledger.balance()).wrong is None
    assert await causes(ledger) == []


@pytest.mark.parametrize(("size", "batch"), [(10**6, 100), (2 * 10**8, 200), (2 * 10**9, 500)])
def test_of_a_large_ledger_more_goes_at_once(size, batch):
    assert Retention(size=size).batch == batch


async def test_a_ledger_that_cannot_get_under_its_cap_says_so_until_it_can(ledger, upkeep):
    upkeep.retention = replace(upkeep.retention, size=1000)
    await upkeep.prune()
    assert await causes(ledger) == ["size"]
    upkeep.retention = Retention()
    await upkeep.prune()
    assert await causes(ledger) == []


async def test_pruning_breaks_off_when_its_time_is_up_and_says_that_there_is_more(ledger, clock):
    moments = iter(range(0, 10_000, 3))
    upkeep = Upkeep(ledger, clock, Retention(bodies=0.0, transcripts=0.0, attempts=0.0), ticks=lambda: next(moments))

    assert not (await upkeep.prune(1.0)).done
    assert (await upkeep.prune()).done


async def test_a_row_that_is_lost_raises_an_alert_until_the_sums_are_right_again(ledger, upkeep, tmp_path):
    await owe(ledger, owed("d1"))
    await upkeep.check()
    assert await causes(ledger) == []
    with sqlite3.connect(tmp_path / "relay.db") as other:
        other.execute("delete from deliveries")
    await upkeep.check()
    (alert,) = await ledger.alerts(open_only=True)
    assert (alert.cause, alert.what) == (
        "ledger",
        "the ledger's sums are wrong: 1 deliveries were owed, and 0 are accounted for",
    )
    with other:
        other.execute("update counts set n = 0 where name = 'owed'")
    other.close()
    await upkeep.check()
    assert await causes(ledger) == []


async def test_a_log_that_grows_raises_an_alert(ledger, upkeep, tmp_path):
    reader = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from events").fetchone()
    for number in range(15):
        await ledger.accept(event(f"call-{number}"), b"x" * 5_000_000, lambda known, again: None)  # noqa: ARG005
    assert (await ledger.sizes()).wal > WAL_MOST
    await upkeep.check()
    assert await causes(ledger) == ["wal"]
    reader.close()
    await accept(ledger, event("call-15"), event("call-16"))
    await accept(ledger, event("call-17"))
    await upkeep.check()
    assert await causes(ledger) == []


async def test_it_looks_after_the_ledger_by_itself(ledger, upkeep, until):
    await accept(ledger, event(at=NOW - 90 * DAY))
    await plan(ledger, nothing_owed)
    task = asyncio.get_running_loop().create_task(upkeep.run())

    async def pruned():
        return (await ledger.balance()).pruned == 1

    await until(pruned)
    task.cancel()
