"""A number is silent only where somebody would have heard it ring."""

from __future__ import annotations

from relay.intake import merge
from tests.moving.office import DAY, NOW, Office, no_pause, number
from tests.store.ledger import event

A, B, C, D = (number(n) for n in (142, 143, 144, 145))


async def test_a_relay_that_was_installed_three_days_ago_plans_nothing_and_says_what_it_lacks(tmp_path):
    office = await Office(tmp_path).start(history=NOW - 3 * DAY)
    office.sandbox.add_number(B, "B", group="Sales")
    came = await office.numbers.plan()
    await office.stop()
    assert came["moves"] == []
    assert came["held"] == [
        {
            "number": B,
            "because": "history: wanted 30d of calls, was since 2026-02-27 "
            "(would move to Parked: number.calls_30d is 0)",
        }
    ]


async def test_an_outage_is_no_silence_until_its_calls_were_fetched(tmp_path):
    office = await Office(tmp_path).start()
    office.sandbox.add_number(B, "B", group="Sales")
    await office.store.alive(now=NOW + 5 * 3600)
    office.now = NOW + 6 * 3600 + 60
    await office.store.alive(now=NOW + 5 * 3600 + 60)
    office.now = NOW + 5 * 3600 + 90
    [held] = (await office.numbers.plan())["held"]
    assert "an outage from 2026-03-02 10:00, 5h long" in held["because"]
    await office.store.fill_outages(since=NOW - 3600, until=office.now)
    assert [move["number"] for move in (await office.numbers.plan())["moves"]] == [B]
    await office.stop()


async def test_where_nobody_listens_now_silence_is_no_news_either(office):
    office.now += 2 * 3600
    came = await office.numbers.plan()
    assert came["moves"] == []
    assert "an outage from 2026-03-02 10:00, 2h long" in came["held"][0]["because"]


async def test_a_call_that_is_written_down_and_not_planned_yet_counts(office):
    await office.store.accept(event("late", number=B, at=NOW - 10), b"{}", merge)
    assert [move["number"] for move in (await office.numbers.plan())["moves"]] == [A, B, C]
    assert (await office.numbers.plan())["moves"][1]["to"] == "Main"


async def test_the_api_may_know_of_calls_that_the_ledger_missed(office):
    office.brake(check_against_api=True)
    await office.sandbox.phone.ring("missed", caller="+13125550101", number=B, at=NOW - 20 * DAY, webhook=False)
    came = await office.numbers.plan()
    assert [move["number"] for move in came["moves"]] == [A, C]
    assert came["held"] == [
        {
            "number": B,
            "because": "the API counts 0 calls in 7 days and 1 in 30, the ledger 0 and 0 (asked 0s ago) "
            "(would move to Parked: number.calls_30d is 0)",
        }
    ]
    office.now += 120
    held = (await office.numbers.plan())["held"]
    assert "asked 2m ago" in held[0]["because"]
    assert [path for _, path, _ in office.sandbox.requests()].count("/analytics/calls") == 2


async def test_where_the_apis_figures_cannot_be_had_nothing_that_hangs_on_them_moves(office):
    office.brake(check_against_api=True)
    office.sandbox.faults.next("GET", "/analytics/calls", "500", times=9)
    office.phone.client.analytics._transport._sleep = no_pause
    came = await office.numbers.plan()
    assert came["moves"] == []
    assert "the API's own figures could not be read" in came["held"][0]["because"]
