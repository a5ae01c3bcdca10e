"""Rows that are owed while Google refuses: what the worker, the ledger and the alerts make of the connector's word."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from connectors.google_sheets import GoogleSheets, SheetsOptions
from relay.alerts import Alerts
from relay.standins import GoogleStandIn, google_tokens
from relay.worker import Channel
from tests.working import RETRY, made

STEP = [{"send": "sheet", "row": {"Call": "{{ call.id }}", "Caller": "{{ caller.number }}"}, "key": "{{ call.id }}"}]


class Rows(GoogleSheets):
    """The connector; how many rows it takes at once is told as the world of these tests asks for it."""

    rows = 50


@pytest.fixture
async def google():
    it = GoogleStandIn(reads_a_minute=None, writes_a_minute=None)
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def world(ledger, clock, google, http):
    written = {"base_url": google.base_url, "spreadsheet": google.spreadsheet, "worksheet": "Calls"}
    options = SheetsOptions.model_validate({**written, "credentials": google.credentials()})
    sheet = Rows(options, http)
    it = made(ledger, clock, STEP, {"sheet": sheet})
    it.planner.book = replace(it.planner.book, lanes={"sheet": sheet.lane})
    it.worker.channels = {"sheet": Channel("sheet", sheet, retry=RETRY)}
    return it


async def on(it, seconds, step=5.0):
    """The clock runs on, with a look at what is due every few seconds."""
    for _ in range(int(seconds / step)):
        await it.later(step)


async def test_ten_minutes_of_too_many_requests_lose_no_row_and_are_not_hammered_at(world, google):
    google.fail_next(10_000, 429, {"Retry-After": "30"}, where="/v4/")
    for _ in range(10):
        for _ in range(6):
            await world.ring()
        await on(world, 60)
    asked = [request for request in google.requests if request.path.startswith("/v4/")]
    assert {request.status for request in asked} == {429}
    assert len(asked) <= 600 / 30 + 1
    google.no_more_faults()
    await on(world, 120)
    assert [row["Call"] for row in google.rows("Calls")] == [f"c{nth}" for nth in range(1, 61)]
    assert await world.ledger.states() == {"delivered": 60}


async def test_as_long_as_google_says_nothing_is_asked(world, google):
    google.fail_next(1, 429, {"Retry-After": "50"}, where="/v4/")
    await world.ring()
    await on(world, 55)
    assert [request.status for request in google.requests if request.path.startswith("/v4/")] == [429]
    await on(world, 60)
    assert google.rows("Calls") == [{"Call": "c1", "Caller": "+13125550101"}]


def unshared(google):
    google.shared = False


def deleted(google):
    google.spreadsheet = "1another"


def protected(google):
    google.fail_next(99, 403, where=":append")


def revoked(google):
    google.account.email = "somebody.else@example.com"
    google.account.revoke()


@pytest.mark.parametrize("how", [unshared, deleted, protected, revoked])
async def test_a_sheet_that_is_gone_or_closed_pauses_with_one_alert_and_keeps_what_is_owed(world, google, clock, how):
    alerts = Alerts(world.ledger, clock)
    spreadsheet, email = google.spreadsheet, google.account.email
    await world.ring()
    await on(world, 60)
    how(google)
    await world.ring()
    await on(world, 1800)
    await world.ring()
    await world.ring()
    tried = len(google.requests)
    await on(world, 3600)
    assert await world.ledger.states() == {"delivered": 1, "dead": 1, "due": 2}
    [dead] = await world.ledger.deliveries(limit=9, state="dead")
    assert dead.tries == 3
    assert len(google.requests) == tried, "nothing is asked while it is paused"
    for _ in range(3):
        await alerts.look()
    assert [alert.cause for alert in await world.ledger.alerts(open_only=True)] == ["paused:sheet"]
    google.shared, google.spreadsheet, google.account.email = True, spreadsheet, email
    google.no_more_faults()
    await world.ledger.retry([dead.id], now=clock())
    await on(world, 60)
    assert sorted(row["Call"] for row in google.rows("Calls")) == ["c1", "c2", "c3", "c4"]


async def test_a_token_that_is_never_accepted_is_renewed_once_a_try(world, google):
    google.fail_next(99, 401, where="/v4/")
    await world.ring()
    await on(world, 60)
    paths = [request.path.partition("?")[0] for request in google.requests]
    [delivery] = await world.ledger.deliveries(limit=9)
    assert paths.count("/token") == 2 * delivery.tries
    assert len(paths) == 4 * delivery.tries


@pytest.mark.parametrize("ahead", [600.0, -7200.0])
async def test_a_clock_that_differs_from_google_s_is_named_as_the_cause(world, google, monkeypatch, ahead):
    monkeypatch.setattr(google_tokens, "time", SimpleNamespace(time=lambda: time.time() - ahead))
    await world.ring()
    await on(world, 10)
    [delivery] = await world.ledger.deliveries(limit=9)
    assert "is the clock of this machine right?" in delivery.reason
