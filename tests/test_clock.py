"""Rules by the clock: each time once, on real ledgers, through the door, the planner and the worker."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connectors.callscaler import CallScalerConnector, CallScalerOptions
from relay.clock import Clock, history_of, tick_events
from relay.errors import StoreBusy
from relay.http import Http, Network
from relay.intake import Intake
from relay.metrics import Metrics
from relay.models import CALLSCALER, Event, Owned
from relay.rules.ticks import rule_of
from relay.sandbox import Sandbox
from relay.worker import Channel
from tests.rules.reading import STAFF, rule
from tests.rules.shop import DANA, OWN, Shop, at

if TYPE_CHECKING:
    from relay.store.sqlite import SqliteStore

DAILY = "{name: Digest, when: {every: day, at: 06:10}, then: [{send: log, message: '{{ now.date }}'}]}"
OFTEN = "{name: Often, when: {every: 15m}, then: [{send: log, message: often}]}"
PARK = """
name: Park silent numbers
when: {every: day, at: 06:10}
for_each: number
if:
  number.status: active
  number.group: {not_in: [Parked, Seasonal]}
  number.calls_30d: 0
then: [{regroup: number, to: Parked}]
"""
SILENT, BUSY, SEASONAL, RETIRED = "+13125550143", OWN, "+13125550144", "+13125550145"
NUMBERS = [
    Owned(SILENT, "n1", group="Sales", status="active"),
    Owned(BUSY, "n2", group="Sales", status="active"),
    Owned(SEASONAL, "n3", group="Seasonal", status="active"),
    Owned(RETIRED, "n4", group=None, status="released"),
]


class Timed(Shop):
    """A shop with a clock on its wall."""

    def __init__(self, *rules: str, now: str = "2026-03-02 05:00", history: str | None = "2026-01-01") -> None:
        super().__init__(*rules, now=now)
        about = replace(self.book.about, history=None if history is None else at(history))
        self.planner.book = replace(self.book, about=about)
        self.intake = Intake(self.store, lambda: self.now, Metrics())
        self.start()

    def start(self) -> None:
        self.clock = Clock(self.store, self.intake, lambda: self.now, lambda: self.planner.book)

    def use(self, *rules: str) -> None:
        self.planner.book = replace(self.planner.book, rules=tuple(rule(text) for text in rules))

    async def look(self, when: str) -> int:
        """The clock is looked at, and all that follows is done."""
        self.now = at(when)
        raised = await self.clock.tick(self.now)
        await self.settle()
        return raised

    async def ticks(self) -> list[Event]:
        return list(reversed(await self.store.events(limit=100)))

    @property
    def moves(self) -> list[tuple[str, str]]:
        steps = [action.step for action in self.services[CALLSCALER].got]
        return [(step.number, step.to) for step in steps if step.do == "regroup"]


async def test_a_rule_runs_at_its_time_and_once() -> None:
    shop = Timed(DAILY)
    assert [await shop.look(f"2026-03-02 {time}") for time in ("05:00", "06:09:59", "06:10", "06:10:01", "12:00")] == [
        0,
        0,
        1,
        0,
        0,
    ]
    assert await shop.look("2026-03-03 06:10:02") == 1
    assert shop.said("log") == ["2026-03-02", "2026-03-03"]
    first = (await shop.ticks())[0]
    assert (first.type, first.source, first.key) == ("time.tick", "clock", "Digest@2026-03-02T12:10:00.000Z")


async def test_the_next_moment_is_that_of_the_nearest_rule_and_none_of_a_rule_that_is_off() -> None:
    shop = Timed(DAILY, OFTEN)
    assert shop.clock.next_at(at("2026-03-02 06:01")) == at("2026-03-02 06:10")
    assert shop.clock.next_at(at("2026-03-02 06:10")) == at("2026-03-02 06:15")
    shop.use(DAILY.replace("when", "mode: off, when"))
    assert shop.clock.next_at(at("2026-03-02 06:01")) is None


async def test_a_new_rule_starts_now_and_not_with_a_moment_before_it_was_seen() -> None:
    shop = Timed(DAILY, now="2026-03-02 06:30")
    assert await shop.look("2026-03-02 06:30") == 0
    assert await shop.look("2026-03-03 06:10") == 1


async def test_a_rule_whose_time_was_changed_starts_now() -> None:
    shop = Timed(DAILY)
    await shop.look("2026-03-02 05:00")
    await shop.look("2026-03-02 06:10")
    shop.use(DAILY.replace("06:10", "08:00"))
    shop.start()
    assert await shop.look("2026-03-02 09:00") == 0
    assert await shop.look("2026-03-03 08:00") == 1


async def test_a_rule_that_comes_back_while_the_relay_runs_starts_now() -> None:
    shop = Timed(DAILY)
    await shop.look("2026-03-02 05:00")
    shop.use(OFTEN)
    await shop.look("2026-03-02 05:30")
    shop.use(DAILY)
    assert await shop.look("2026-03-02 07:00") == 0


async def test_a_rule_that_was_off_at_its_time_does_not_make_up_for_it() -> None:
    shop = Timed(DAILY.replace("when", "mode: off, when"))
    await shop.look("2026-03-02 05:00")
    assert await shop.look("2026-03-02 06:10") == 0
    shop.use(DAILY)
    assert await shop.look("2026-03-02 06:20") == 0
    assert await shop.look("2026-03-03 06:10") == 1


@pytest.mark.parametrize(("start", "raised"), [("2026-03-05 12:09", 1), ("2026-03-05 12:10", 0)])
async def test_of_what_was_missed_the_last_runs_once_at_start_if_it_is_under_six_hours_old(
    start: str, raised: int
) -> None:
    shop = Timed(DAILY)
    await shop.look("2026-03-02 05:00")
    shop.start()
    assert await shop.look(start) == raised
    shop.start()
    assert await shop.look(start) == 0
    assert len(await shop.ticks()) == raised


async def test_a_missed_time_knows_when_it_should_have_been() -> None:
    shop = Timed(DAILY.replace("then", "guards: {fresh: 1h}, then"))
    await shop.look("2026-03-02 05:00")
    shop.start()
    assert await shop.look("2026-03-02 08:10") == 1
    [event] = await shop.ticks()
    assert (event.began_at, event.received_at) == (at("2026-03-02 06:10"), at("2026-03-02 08:10"))
    assert (await shop.verdict(event.id)).word == "suppressed"


async def test_two_relays_on_one_ledger_and_one_that_fell_over_raise_each_time_once() -> None:
    shop = Timed(OFTEN)
    other = Clock(shop.store, shop.intake, lambda: shop.now, lambda: shop.planner.book)
    for clock in (shop.clock, other):
        await clock.tick(at("2026-03-02 05:00"))
    shop.now = at("2026-03-02 05:15")
    assert sum(await asyncio.gather(shop.clock.tick(shop.now), other.tick(shop.now))) == 1
    # It fell over after the event was written, and before it wrote how far it had come.
    [name] = shop.clock._met or ()
    await shop.store.set_mark(name, at("2026-03-02 05:00"))
    shop.start()
    assert await shop.look("2026-03-02 05:16") == 0
    assert len(await shop.ticks()) == 1


async def test_a_clock_that_was_ahead_and_is_set_back_does_not_silence_a_rule() -> None:
    shop = Timed(DAILY)
    await shop.look("2030-01-01 00:00")
    await shop.look("2026-03-02 05:00")
    assert await shop.look("2026-03-02 06:10") == 1


async def test_a_doubled_night_hour_runs_a_daily_rule_once_and_a_leapt_over_one_too() -> None:
    shop = Timed("{name: Night, when: {every: day, at: '01:30'}, then: [{send: log, message: a}]}")
    await shop.look("2026-11-01 00:00")
    start = at("2026-11-01 00:00")
    assert sum([await shop.clock.tick(start + 300.0 * turn) for turn in range(12 * 25)]) == 1
    shop = Timed("{name: Night, when: {every: day, at: '02:30'}, then: [{send: log, message: a}]}")
    start = at("2026-03-08 00:00")
    assert sum([await shop.clock.tick(start + 300.0 * turn) for turn in range(12 * 23)]) == 1
    assert (await shop.ticks())[0].began_at == at("2026-03-08 03:00")


async def test_opening_and_closing_are_those_of_the_business() -> None:
    shop = Timed(
        "{name: Open, when: {at: opening, plus: 10m}, then: [{send: log, message: open}]}",
        "{name: Close, when: [{at: closing}, {cron: '0 12 * * *'}], then: [{send: log, message: close}]}",
    )
    for time in ("06:00", "08:09", "08:10", "12:00", "17:59", "18:00", "23:00"):
        await shop.look(f"2026-03-02 {time}")
    assert shop.said("log") == ["open", "close", "close"]


async def test_only_the_rule_itself_is_judged_on_its_time() -> None:
    calls = "{name: Calls, when: [call.missed], then: [{send: log, message: call}]}"
    both = "{name: Both, when: [call.missed, {every: 15m}], then: [{send: team, message: both}]}"
    shop = Timed(calls, OFTEN, both)
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:15")
    verdicts = [[v.rule for v in await shop.store.verdicts(event.id) or ()] for event in await shop.ticks()]
    assert verdicts == [["Often"], ["Both"]]
    event = await shop.call()
    assert [v.word for v in await shop.store.verdicts(event) or ()] == ["ran", "skipped", "ran"]


async def test_a_stranger_who_says_it_is_time_moves_no_rule() -> None:
    shop = Timed(OFTEN)
    told = await shop.call("time.tick", rule="Often", call_id="Often@2026-03-02T12:00:00.000Z")
    assert (await shop.verdict(told)).word == "skipped"
    [tick] = tick_events(shop.book.rules[0], shop.now, shop.now)
    assert rule_of(tick) == "Often"
    assert rule_of(replace(tick, source="callscaler")) is None
    assert rule_of(replace(tick, type="call.missed")) is None


async def test_a_shadow_rule_has_its_times_and_sends_nothing() -> None:
    shop = Timed(OFTEN.replace("when", "mode: shadow, when"))
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:15")
    [event] = await shop.ticks()
    assert (await shop.verdict(event.id)).word == "shadow"
    assert shop.said("log") == []


async def test_a_rule_by_the_clock_texts_the_team() -> None:
    shop = Timed(f"{{when: {{every: 15m}}, then: [{{text: '{STAFF}', from: '{OWN}', body: look}}]}}")
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:15")
    assert shop.texts == [STAFF]


async def test_silent_numbers_are_parked_and_no_others() -> None:
    shop = Timed(PARK, now="2026-02-20 10:00")
    await shop.store.save_numbers(NUMBERS)
    await shop.call("call.completed", tracking_number=BUSY)
    await shop.call(tracking_number=BUSY, caller_number=DANA)
    await shop.look("2026-03-02 06:00")
    assert await shop.look("2026-03-02 06:10") == len(NUMBERS)
    assert shop.moves == [(SILENT, "Parked")]
    verdicts = {e.number: await shop.verdict(e.id) for e in await shop.ticks() if e.type == "time.tick"}
    assert {number: verdict.word for number, verdict in verdicts.items()} == {
        SILENT: "ran",
        BUSY: "skipped",
        SEASONAL: "skipped",
        RETIRED: "skipped",
    }
    assert verdicts[BUSY].why == "number.calls_30d: wanted is 0, was 2"
    assert await shop.look("2026-03-02 06:11") == 0


async def test_silent_numbers_are_parked_in_the_phone_system_itself() -> None:
    shop = Timed(PARK)
    key = "cs_key_" + "f" * 32
    sandbox = Sandbox(key=key, sample=False, clock=lambda: shop.now)
    for number, group in ((SILENT, "Sales"), (BUSY, "Sales"), (SEASONAL, "Seasonal"), (RETIRED, "Parked")):
        sandbox.add_number(number, number, group=group)
    await sandbox.start()
    http = Http(Network((ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
    options = CallScalerOptions.model_validate({"api_key": key, "base_url": f"{sandbox.url}/api/v1"})
    connector = CallScalerConnector(options, http)
    shop.worker.channels = {**shop.worker.channels, CALLSCALER: Channel(CALLSCALER, connector)}
    try:
        await shop.store.save_numbers(await connector.owned(shop.now))
        await shop.call(tracking_number=BUSY)
        await shop.look("2026-03-02 06:00")
        assert await shop.look("2026-03-02 06:10") == 4
        groups = {one.number: one.group for one in await connector.owned(shop.now)}
    finally:
        await http.close()
        await sandbox.stop()
    assert groups == {SILENT: "Parked", BUSY: "Sales", SEASONAL: "Seasonal", RETIRED: "Parked"}


async def test_a_rule_for_each_number_knows_what_the_ledger_counted_for_it() -> None:
    fields = ("number", "group", "status", "calls_7d", "calls_30d", "answer_rate_7d", "answer_rate_30d", "age_days")
    said = " ".join(f"{{{{ number.{name} | default('none') }}}}" for name in fields)
    shop = Timed(f'{{when: {{every: 15m}}, for_each: number, then: [{{send: log, message: "{said}"}}]}}')
    await shop.store.save_numbers([replace(one, created_at=at("2026-02-20 06:15")) for one in NUMBERS[:2]])
    for when, kind in (
        ("2026-02-10", "call.completed"),
        ("2026-02-28", "call.completed"),
        ("2026-03-01", "call.missed"),
    ):
        shop.now = at(when)
        await shop.call(kind, tracking_number=BUSY)
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:15")
    assert sorted(shop.said("log")) == [
        f"{BUSY} Sales active 2 3 50 66.7 10",
        f"{SILENT} Sales active 0 0 none none 10",
    ]


async def test_a_number_whose_last_call_is_older_than_the_window_is_silent() -> None:
    shop = Timed(PARK, now="2026-01-30 10:00")
    await shop.store.save_numbers(NUMBERS[1:2])
    await shop.call(tracking_number=BUSY)
    await shop.look("2026-03-01 05:00")
    await shop.look("2026-03-01 06:10")
    assert shop.moves == []
    await shop.look("2026-03-02 06:10")
    assert shop.moves == [(BUSY, "Parked")]


@pytest.mark.parametrize(
    ("history", "word"), [("2026-01-31 06:10", "ran"), ("2026-01-31 06:11", "suppressed"), (None, "suppressed")]
)
async def test_no_number_is_moved_for_silence_while_the_ledger_is_younger_than_the_silence(
    history: str | None, word: str
) -> None:
    shop = Timed(PARK, history=history)
    await shop.store.save_numbers(NUMBERS[:1])
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:10")
    [event] = await shop.ticks()
    verdict = await shop.verdict(event.id)
    assert verdict.word == word
    assert bool(shop.moves) is (word == "ran")
    if word == "suppressed":
        since = history[:10] if history else "not known"
        assert verdict.why == f"history: wanted 30d of calls, was since {since}"


async def test_a_rule_that_regroups_without_counting_calls_needs_no_history() -> None:
    shop = Timed(PARK.replace("number.calls_30d: 0", "number.age_days: missing"), history=None)
    await shop.store.save_numbers(NUMBERS[:1])
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:10")
    assert shop.moves == [(SILENT, "Parked")]


async def test_a_rule_that_only_speaks_of_counted_calls_needs_no_history() -> None:
    shop = Timed(PARK.replace("regroup: number, to: Parked", "send: log, message: a"), history=None)
    await shop.store.save_numbers(NUMBERS[:1])
    await shop.look("2026-03-02 06:00")
    await shop.look("2026-03-02 06:10")
    assert shop.said("log") == ["a"]


async def test_history_begins_when_it_is_first_asked_for(ledger: SqliteStore) -> None:
    assert await history_of(ledger, 1000.0) == 1000.0
    assert await history_of(ledger, 2000.0) == 1000.0


async def test_many_numbers_are_all_asked_about() -> None:
    shop = Timed(PARK.replace("regroup: number, to: Parked", "send: log, message: '{{ number.number }}'"))
    numbers = [f"+1312555{n:04}" for n in range(100, 200)]
    await shop.store.save_numbers([Owned(n, n, status="active") for n in numbers])
    await shop.look("2026-03-02 06:00")
    assert await shop.look("2026-03-02 06:10") == 100
    assert sorted(shop.said("log")) == numbers


async def test_the_running_clock_raises_what_is_due_and_sees_changed_rules_when_called(until) -> None:
    shop = Timed(DAILY)
    await shop.clock.tick(shop.now)
    running = asyncio.create_task(shop.clock.run())
    try:
        shop.now = at("2026-03-02 06:10")
        shop.clock.call()
        assert len(await until(shop.ticks)) == 1
        shop.use(DAILY, OFTEN)
        shop.clock.call()
        await until(lambda: len(shop.clock._met or ()) == 2)
        shop.now = at("2026-03-02 06:15")
        shop.clock.call()
        await until(lambda: _count(shop, 2))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _count(shop: Timed, wanted: int) -> bool:
    return len(await shop.ticks()) == wanted


async def test_a_ledger_that_refuses_is_asked_again_and_nothing_is_lost(until) -> None:
    shop = Timed(OFTEN)
    await shop.clock.tick(shop.now)
    await shop.store.close()
    with pytest.raises(StoreBusy):
        await shop.clock.tick(at("2026-03-02 05:15"))
    shop.now = at("2026-03-02 05:15")
    running = asyncio.create_task(shop.clock.run())
    shop.clock.call()
    await until(lambda: not shop.clock._called.is_set())
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
