"""Numbers moved by rules, with every brake: real ledger, planner and worker, a phone system that says yes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.errors import Unavailable
from relay.models import CALLSCALER, Counted, Outage, Owned
from relay.numbers import Brakes
from tests.rules.shop import OWN, at
from tests.test_clock import PARK, Timed

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86400.0
NUMBERS = [f"+1312555{n:04d}" for n in range(150, 156)]
RINGS = """
name: Back to work
when: [call.missed]
if: {number.group: Parked}
then: [{regroup: number, to: Sales}, {send: log, message: "moved {{ number.number }}"}]
"""
TO_A = "{name: To A, when: [call.missed], then: [{regroup: number, to: A}]}"
TO_B = "{name: To B, when: [call.voicemail], then: [{regroup: number, to: B}]}"


class Moved(Timed):
    """A shop whose phone system remembers groups, as the real one does."""

    def __init__(self, *rules: str, now: str = "2026-03-02 05:00", **brakes: object) -> None:
        super().__init__(*rules, now=now)
        self.planner.book = replace(self.planner.book, brakes=Brakes(**brakes))
        service = self.services[CALLSCALER]
        service.groups_of = {}
        send = service.send

        async def sending(job):
            step = job.action.step
            before = service.groups_of.get(step.number)
            job.notes["before"] = {"groups": [] if before is None else [{"id": before, "name": before}]}
            await job.note()
            receipt = await send(job)
            service.groups_of[step.number] = step.to
            return receipt

        service.send = sending

    async def own(self, *numbers: str, group: str | None = "Sales") -> None:
        self.services[CALLSCALER].groups_of = dict.fromkeys(numbers, group)
        await self.store.save_numbers([Owned(one, one, group=group, status="active") for one in numbers])

    async def groups(self) -> dict[str, str | None]:
        return {owned.number: owned.group for owned in await self.store.numbers()}

    async def why(self) -> list[str | None]:
        return [one.reason for one in await self.store.deliveries(limit=50) if one.kind == "regroup"][::-1]


@pytest.fixture
async def shops() -> Iterator[list[Moved]]:
    opened: list[Moved] = []
    yield opened
    for shop in opened:
        await shop.store.close()


async def ticked(*rules: str, numbers: int = 3, **brakes: object) -> Moved:
    shop = Moved(*rules, **brakes)
    await shop.own(*NUMBERS[:numbers])
    await shop.look("2026-03-02 05:00")
    await shop.look("2026-03-02 06:10")
    return shop


async def test_a_run_within_its_bounds_moves_all_and_the_ledger_knows_at_once(shops):
    shop = await ticked(PARK)
    shops.append(shop)
    assert sorted(shop.moves) == [(one, "Parked") for one in NUMBERS[:3]]
    assert await shop.groups() == dict.fromkeys(NUMBERS[:3], "Parked")
    [run] = await shop.store.number_runs()
    assert (run.kind, run.by, run.moves, run.state) == ("rule", "Park silent numbers", 3, "done")
    assert [one.moved for one in await shop.store.changes(run.id)] == [True] * 3


async def test_a_run_with_too_many_moves_makes_none_and_asks(shops):
    shop = await ticked(PARK, max_changes=2)
    shops.append(shop)
    assert shop.moves == []
    [run] = await shop.store.number_runs()
    assert (run.state, run.why) == ("asking", "3 numbers would move, and regroup.max_changes allows 2 at once")
    assert await shop.why() == [run.why] * 3
    await shop.store.move_run(replace(run, state="approved", answered_by="Dana"), ("asking",), now=shop.now)
    await shop.settle()
    assert len(shop.moves) == 3
    assert (await shop.store.number_run(run.id)).state == "done"


async def test_a_run_that_is_rejected_or_never_answered_moves_nothing(shops):
    for answered in (True, False):
        shop = await ticked(PARK, max_changes=2)
        shops.append(shop)
        [run] = await shop.store.number_runs()
        if answered:
            await shop.store.move_run(replace(run, state="rejected", answered_by="Dana"), ("asking",), now=shop.now)
            await shop.settle()
        else:
            await shop.run()
        assert shop.moves == []
        said = "rejected by Dana" if answered else f"nobody approved it: {run.why}"
        assert await shop.why() == [said] * 3


async def test_a_step_that_asks_for_approval_waits_for_it_and_the_steps_below_wait_too(shops):
    approve = RINGS.replace("to: Sales}", "to: Sales, approve: {by: team, within: 2h}}")
    shop = Moved(approve, now="2026-03-02 10:00")
    shops.append(shop)
    await shop.own(OWN, group="Parked")
    await shop.call()
    await shop.settle()
    [run] = await shop.store.number_runs()
    assert (run.state, run.ask, run.until) == ("asking", "team", shop.now + 7200)
    assert (shop.moves, shop.said("log")) == ([], [])
    await shop.store.move_run(replace(run, state="approved"), ("asking",), now=shop.now)
    await shop.settle()
    assert (shop.moves, shop.said("log")) == ([(OWN, "Sales")], [f"moved {OWN}"])


@pytest.mark.parametrize("never", [OWN, "Parked"])
async def test_what_is_named_under_never_is_never_moved(shops, never):
    shop = Moved(RINGS, now="2026-03-02 10:00", never=frozenset({never}))
    shops.append(shop)
    await shop.own(OWN, group="Parked")
    await shop.call()
    await shop.settle()
    assert (shop.moves, (await shop.why())[0][:6]) == ([], "never:")


async def test_a_parked_number_that_rings_is_back_at_once_and_then_stays_put(shops):
    shop = await ticked(PARK, RINGS, numbers=1)
    shops.append(shop)
    one = NUMBERS[0]
    assert await shop.groups() == {one: "Parked"}
    shop.now += 700
    await shop.call(tracking_number=one)
    await shop.settle()
    assert await shop.groups() == {one: "Sales"}
    shop.planner.book = replace(shop.planner.book, about=replace(shop.planner.book.about, min_history=0.0))
    shop.use(PARK.replace("number.calls_30d: 0", "number.calls_30d: 1"))
    await shop.look("2026-03-03 06:10")
    assert (await shop.why())[-1].startswith("stay: moved 24h ago by Back to work; it stays put 7d")
    await shop.look("2026-03-10 06:10")
    assert await shop.groups() == {one: "Parked"}


async def test_a_second_change_within_ten_minutes_waits_for_their_end(shops):
    shop = Moved(TO_A, TO_B, now="2026-03-02 10:00")
    shops.append(shop)
    await shop.own(OWN, group="B")
    await shop.call()
    await shop.settle()
    shop.now += 60
    await shop.call("call.voicemail")
    await shop.settle()
    assert (await shop.why())[-1] == "moved 1m ago by To A; one change in 10m"
    assert await shop.groups() == {OWN: "A"}
    await shop.run("2026-03-02 10:11")
    assert await shop.groups() == {OWN: "B"}


async def test_two_rules_that_fight_are_stopped_after_the_third_flap_with_an_alert(shops):
    shop = Moved(TO_A, TO_B, now="2026-03-02 10:00")
    shops.append(shop)
    await shop.own(OWN, group="B")
    for turn in range(8):
        await shop.call("call.voicemail" if turn % 2 else "call.missed")
        await shop.settle()
        shop.now += 1200
    made = [one.to for one in await shop.store.number_changes(OWN) if one.moved]
    assert made[::-1] == ["A", "B", "A", "B"]
    assert "flapping: moved to and fro 3 times in a day, last by To B" in (await shop.why())[4]
    [alert] = await shop.store.alerts(open_only=True)
    assert alert.cause == f"flapping:{OWN}"
    shop.now += DAY
    await shop.call()
    await shop.settle()
    assert await shop.store.alerts(open_only=True) == ()


async def test_what_somebody_moved_by_hand_is_left_by_the_clock_and_not_by_a_call(shops):
    static = "{name: Static, when: {every: day, at: 06:10}, for_each: number, then: [{regroup: number, to: A}]}"
    shop = await ticked(static, RINGS, numbers=1)
    shops.append(shop)
    await shop.own(NUMBERS[0], group="Parked")
    await shop.look("2026-03-03 06:10")
    assert (await shop.why())[-1].startswith("by hand: Static put it into A, and somebody put it into Parked")
    await shop.call(tracking_number=NUMBERS[0])
    await shop.settle()
    assert await shop.groups() == {NUMBERS[0]: "Sales"}


async def test_an_outage_in_the_window_holds_every_move_that_counts_calls(shops):
    shop = Moved(PARK)
    shops.append(shop)
    about = replace(shop.planner.book.about, outages=(Outage(at("2026-02-20"), at("2026-02-21")),))
    shop.planner.book = replace(shop.planner.book, about=about)
    await shop.own(NUMBERS[0])
    await shop.look("2026-03-02 05:00")
    await shop.look("2026-03-02 06:10")
    [tick] = await shop.ticks()
    assert (await shop.verdict(tick.id)).why == (
        "history: wanted 30d of calls, was an outage from 2026-02-20 00:00, 1d long"
    )
    await shop.look("2026-03-24 06:10")
    assert shop.moves == [(NUMBERS[0], "Parked")]


async def test_the_apis_own_figures_speak_against_a_move_or_make_it_wait(shops):
    shop = Moved(PARK, check_against_api=True)
    shops.append(shop)
    told: list[object] = [Unavailable("no answer"), {NUMBERS[0]: Counted(0, 3)}]

    async def counted(_: float):
        answer = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    shop.services[CALLSCALER].counted = counted
    await shop.own(*NUMBERS[:2])
    await shop.look("2026-03-02 05:00")
    await shop.look("2026-03-02 06:10")
    assert "the API's own figures could not be read: no answer" in await shop.why()
    await shop.run("2026-03-02 06:30")
    assert shop.moves == [(NUMBERS[1], "Parked")]
    assert "the API counts 0 calls in 7 days and 3 in 30" in await shop.why()


async def test_a_move_under_way_keeps_another_waiting(shops):
    shop = Moved(TO_A, TO_B, now="2026-03-02 10:00")
    shops.append(shop)
    await shop.own(OWN, group="C")
    shop.services[CALLSCALER].answers = [Unavailable("not now")]
    await shop.call()
    await shop.settle()
    await shop.call("call.voicemail")
    await shop.settle()
    assert (await shop.why())[-1] == "another change of this number is under way"
    await shop.run("2026-03-02 10:30")
    assert [to for _, to in shop.moves] == ["A", "B"]


async def test_a_new_name_is_noted_too_and_needs_no_brake(shops):
    rename = "{name: N, when: [call.missed], then: [{update_number: number, friendly_name: Front}]}"
    shop = Moved(rename, now="2026-03-02 10:00")
    shops.append(shop)
    service = shop.services[CALLSCALER]
    service.send = type(service).send.__get__(service)
    await shop.own(OWN)
    await shop.call()
    await shop.settle()
    [change] = await shop.store.number_changes(OWN)
    assert (change.kind, change.state, change.moved) == ("update_number", "done", False)
    assert (await shop.store.numbers())[0].name == "Front"


async def test_no_number_of_a_run_is_moved_before_all_of_it_is_planned(shops):
    shop = Moved(PARK)
    shops.append(shop)
    await shop.own(*(f"+1312555{n:04d}" for n in range(1000, 1070)))
    await shop.look("2026-03-02 05:00")
    shop.now = at("2026-03-02 06:10")
    await shop.clock.tick(shop.now)
    planned = await shop.planner.plan_next(32)
    assert planned == 32
    shop.planner.book = replace(shop.planner.book, brakes=Brakes(max_changes=planned))
    await shop.worker.turn()
    await shop.worker.idle()
    assert shop.moves == []
    shop.now += 2
    await shop.settle()
    assert shop.moves == []
    [run] = await shop.store.number_runs()
    assert (run.state, run.moves) == ("asking", 70)
