"""`relay alerts`: what is open, what is over, and what to do."""

import asyncio

import pytest

from relay.store.sqlite import SqliteStore
from tests.store.ledger import NOW


@pytest.fixture
def troubled(folder):
    async def fill():
        store = SqliteStore(folder / "relay.db")
        await store.open_alert("disk", "the disk is full", "free some space", now=NOW)
        await store.close_alert("disk", now=NOW + 60)
        await store.open_alert("breaker:crm", "crm does not answer", "wait", now=NOW)
        await store.close()

    asyncio.run(fill())


def test_open_alerts_are_listed_with_what_to_do(run, troubled):
    shown = run("alerts")
    assert shown.out == "breaker:crm  since 2026-03-02 16:00 UTC\n  crm does not answer\n  → wait\n"
    assert [alert["cause"] for alert in run("alerts", "--json").json["alerts"]] == ["breaker:crm"]


def test_those_that_are_over_are_told_where_asked(run, troubled):
    assert "over since 2026-03-02 16:01 UTC" in run("alerts", "--all").out
    assert len(run("alerts", "--all", "--json").json["alerts"]) == 2


def test_nothing_is_told_as_such(run, folder):
    asyncio.run(SqliteStore(folder / "relay.db").close())
    assert (run("alerts").out, run("alerts", "--json").json) == ("", {"alerts": []})
