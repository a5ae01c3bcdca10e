"""What every ledger remembers of numbers: what is known of each, runs and their moves, and times without a listener."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import Change, MoveJudgement, NumberRun, Owned, State
from tests.store.ledger import (
    DAY,
    NOW,
    WINDOWS,
    accept,
    claimed,
    event,
    nobody_waits,
    nothing_owed,
    owe,
    owed,
    plan,
    settle,
)

if TYPE_CHECKING:
    from relay.store import Store

ONE, TWO, THREE = "+13125550142", "+13125550143", "+13125550144"


def run(name: str = "run_1", **fields: object) -> NumberRun:
    return replace(NumberRun(name, "plan", "groups", NOW, moves=1), **fields)


def change(name: str = "run_1-0", **fields: object) -> Change:
    plain = Change(name, name.rpartition("-")[0], ONE, "regroup", {"do": "regroup"}, "silent", to="Parked", at=NOW)
    return replace(plain, **fields)


def going(*_: object) -> MoveJudgement:
    return MoveJudgement("go")


async def made(store: Store, name: str, source: str | None, to: str, at: float, **fields: object) -> None:
    """A number was moved."""
    done = change(f"{name}-0", source=source, to=to, state="done", moved=True, at=at, **fields)
    await store.add_run(run(name, at=at, state="done"), [done])


class Moving:
    async def test_calls_of_many_numbers_are_counted_at_once(self, store: Store):
        await store.save_numbers([Owned(number, number[-3:], group="Sales") for number in (ONE, TWO, THREE)])
        await accept(
            store,
            event("c1", number=ONE, at=NOW - 60),
            event("c2", "call.completed", number=ONE, at=NOW - 8 * DAY),
            event("c3", "call.completed", number=TWO, at=NOW - 60),
            event("c4", number=TWO, at=NOW - 31 * DAY),
            event("c5", number=TWO, at=NOW - 60, direction="outbound"),
            event("c6", number="+13125550199", at=NOW - 60),
        )
        await plan(store, nothing_owed)
        counts = {
            known.owned.number: (known.calls_7d, known.calls_30d, known.answered_7d, known.answered_30d)
            for known in await store.number_facts(await store.numbers(), now=NOW)
        }

        assert await store.number_facts([], now=NOW) == []
        assert counts == {ONE: (1, 2, 0, 1), TWO: (1, 1, 1, 1), THREE: (0, 0, 0, 0)}

    async def test_a_call_that_is_not_planned_yet_counts_once(self, store: Store):
        ours = [Owned(ONE, "n1")]
        await accept(store, event("c1", number=ONE), event("c2", number=ONE, is_test=True))
        before = (await store.number_facts(ours, now=NOW + 1))[0].calls_30d
        await plan(store, nothing_owed)

        assert (before, (await store.number_facts(ours, now=NOW + 1))[0].calls_30d) == (1, 1)

    async def test_a_run_is_found_by_its_id_by_how_that_begins_and_as_the_last(self, store: Store):
        await store.add_run(run("run_a1"), [change("run_a1-0"), change("run_a1-1", number=TWO)])
        await store.add_run(run("run_b1", at=NOW + 1, state="done"), [])

        assert (await store.number_run("run_a")).id == "run_a1"
        assert (await store.number_run("last")).id == "run_b1"
        assert await store.number_run("run_") is None
        assert await store.number_run("run_c") is None
        assert [one.id for one in await store.number_runs()] == ["run_b1", "run_a1"]
        assert [one.id for one in await store.number_runs(states=("planned",))] == ["run_a1"]
        assert [one.number for one in await store.changes("run_a1")] == [ONE, TWO]

    async def test_runs_are_read_page_by_page_also_those_of_one_moment(self, store: Store):
        for place, name in enumerate(("run_a", "run_b", "run_c", "run_d")):
            await store.add_run(run(name, at=NOW + place // 2, state="done" if place else "planned"), [])
        first = await store.number_runs(limit=1)
        second = await store.number_runs(limit=2, before=(first[-1].at, first[-1].id))
        third = await store.number_runs(limit=2, before=(second[-1].at, second[-1].id))
        assert [one.id for one in (*first, *second, *third)] == ["run_d", "run_c", "run_b", "run_a"]
        assert [one.id for one in await store.number_runs(states=("done",), before=(NOW + 1, "run_d"))] == [
            "run_c",
            "run_b",
        ]

    async def test_a_run_moves_on_only_from_where_it_was(self, store: Store):
        await store.add_run(run(), [])

        assert await store.move_run(run(state="applying"), ("planned",), now=NOW)
        assert not await store.move_run(run(state="applying"), ("planned",), now=NOW)
        assert (await store.number_run("run_1")).state == "applying"

    async def test_a_planned_move_begins_is_noted_and_ends(self, store: Store):
        await store.save_numbers([Owned(ONE, "n1", group="Sales", group_id="g1")])
        await store.add_run(run(), [change()])
        begun = await store.begin_change("run_1-0", going, now=NOW + 1)
        await store.note_change("run_1-0", {"before": {"groups": [{"id": "g1", "name": "Sales"}]}})
        [noted] = await store.changes("run_1")
        again = await store.begin_change("run_1-0", going, now=NOW + 9)
        await store.settle_change(replace(again, state="done", moved=True, settled_at=NOW + 2))
        [owned] = await store.numbers()

        assert (begun.state, begun.source, begun.at) == ("under_way", "Sales", NOW + 1)
        assert noted.notes["before"]["groups"][0]["name"] == "Sales"
        assert (again.at, again.notes) == (NOW + 1, noted.notes)
        assert owned.group == "Parked"
        assert (await store.begin_change("run_1-0", going, now=NOW + 9)).state == "done"

    async def test_a_planned_move_that_may_not_go_is_held_with_the_reason(self, store: Store):
        await store.add_run(run(), [change()])
        held = await store.begin_change("run_1-0", lambda *_: MoveJudgement("never", "stay: moved lately"), now=NOW)

        assert (held.state, held.reason, held.settled_at) == ("held", "stay: moved lately", NOW)
        assert (await store.number_changes(ONE))[0].state == "held"

    async def test_the_last_move_and_how_often_it_went_to_and_fro(self, store: Store):
        await made(store, "run_1", "A", "B", NOW - 2 * DAY)
        await made(store, "run_2", "B", "A", NOW - 3600)
        await made(store, "run_3", "A", "B", NOW - 1800)
        await made(store, "run_4", "B", "C", NOW - 900)
        await made(store, "run_5", "A", "B", NOW - 60, number=TWO)
        await store.add_run(run("run_6"), [change("run_6-0", state="done", moved=False, at=NOW)])
        last = await store.last_moves(now=NOW)

        assert (last[ONE][0].to, last[ONE][0].by, last[ONE][1]) == ("C", "groups", 2)
        assert (last[TWO][0].source, last[TWO][1]) == ("A", 0)

    async def test_a_rules_move_is_noted_before_its_try_and_remembers_earlier_tries(self, store: Store):
        await store.save_numbers([Owned(ONE, "n1", group="Sales")])
        moving = owed("d1", kind="regroup", connector="callscaler", action={"number": ONE, "to": "Parked"})
        await owe(store, moving)
        draft = change("d1", run="run_r")
        for tries in (0, 1):
            (one,) = await claimed(store, "callscaler", now=NOW + tries)
            begun, said = await begin(store, one.delivery, draft)
            assert (said.word, begun.notes) == ("go", {"step": "adding"} if tries else {})
            await store.note_change("d1", {"step": "adding"})
            if not tries:
                await settle(store, replace(one, delivery=begun), State.DUE, due_at=NOW)
        before = {"before": {"groups": [{"id": "g1", "name": "Sales"}]}}
        await settle(store, replace(one, delivery=replace(begun, notes=before)), State.DELIVERED, settled_at=NOW + 5)
        [kept] = await store.changes("run_r")

        assert (kept.state, kept.moved, kept.source) == ("done", True, "Sales")
        assert (await store.numbers())[0].group == "Parked"
        assert (await store.number_run("run_r")).state == "done"

    async def test_a_rules_move_that_may_not_go_is_held_or_suppressed(self, store: Store):
        words = (("hold", State.HELD, NOW + 60), ("never", State.SUPPRESSED, None))
        for place, (word, state, until) in enumerate(words):
            await owe(store, owed(f"d{place}", kind="regroup", connector="callscaler", action={"number": ONE}))
            (one,) = await claimed(store, "callscaler")
            judged = MoveJudgement(word, "why", until)
            begun, _ = await begin(store, one.delivery, change(f"d{place}", run="run_r"), lambda *_, j=judged: j)
            assert (begun.state, begun.reason) == (state, "why")
        assert await store.changes("run_r") == []

    async def test_a_run_that_asks_holds_all_of_it_until_it_is_answered(self, store: Store):
        await owe(store, owed("d1", kind="regroup", connector="callscaler", action={"number": ONE}, run="run of d1"))
        (one,) = await claimed(store, "callscaler")
        ask = MoveJudgement("ask", "too many", NOW + DAY, ask="team")
        asking = NumberRun("run_r", "rule", "Log every call", NOW, key="run of d1")
        await begin(store, one.delivery, change("d1", run="run_r"), lambda *_: ask, asking)
        asked = await store.number_run("run_r")
        [held] = await store.deliveries(limit=9)
        assert (asked.state, asked.ask, asked.until) == ("asking", "team", NOW + DAY)
        assert (held.state, held.due_at) == (State.HELD, NOW + DAY)

        assert await store.move_run(replace(asked, state="approved"), ("asking",), now=NOW + 5)
        assert (await store.deliveries(limit=9))[0].due_at == NOW + 5

    async def test_silence_of_the_relay_itself_is_an_outage_until_it_is_filled(self, store: Store):
        for at in (NOW, NOW + 60, NOW + 120):
            await store.alive(now=at)
        assert await store.outages(now=NOW + 180) == ()
        assert [(one.since, one.until) for one in await store.outages(now=NOW + 7200)] == [(NOW + 120, NOW + 7200)]
        await store.alive(now=NOW + 7200)
        await store.fill_outages(since=NOW + 3600, until=NOW + 7200)
        assert len(await store.outages(now=NOW + 7200)) == 1
        await store.fill_outages(since=NOW, until=NOW + 7200)
        assert await store.outages(now=NOW + 7200) == ()

    async def test_a_ledger_that_only_fetches_knows_as_much_as_it_fetched_last(self, store: Store):
        await store.fill_outages(since=NOW - DAY, until=NOW)
        assert await store.outages(now=NOW + 60) == ()
        assert [one.since for one in await store.outages(now=NOW + 7200)] == [NOW]


async def begin(store, delivery, draft, judge=going, of=None):
    of = NumberRun(draft.run, "rule", "Log every call", NOW, key="k") if of is None else of
    return await store.begin_move(delivery, of, draft, judge, nobody_waits, now=NOW, windows=WINDOWS)
