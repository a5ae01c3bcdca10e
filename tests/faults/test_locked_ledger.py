"""Somebody else holds the ledger: senders are told to come again, people are told why, and nothing ends."""

from __future__ import annotations

import sqlite3

import aiohttp
import pytest

from relay.store.sqlite import opening
from tests.apps import relaying
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001"
FILE = 'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'


@pytest.fixture
async def app(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    async with relaying(tmp_path, FILE, {"RELAY_HOOK_SECRET": SECRET}) as it:
        yield it


async def ring(app, key):
    body = {"event": "call.missed", "call_id": key, "caller_number": "+13125550101"}
    url = f"http://127.0.0.1:{app.public_port}/hooks/callscaler"
    timeout = aiohttp.ClientTimeout(PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=body, headers={"X-Relay-Secret": SECRET}) as answer,
    ):
        return answer.status, answer.headers.get("Retry-After")


async def test_while_somebody_else_writes_it_is_503_and_then_an_alert_says_so(app, tmp_path, until):
    other = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
    other.execute("begin immediate")
    assert [await ring(app, f"c{nth}") for nth in range(3)] == [(503, "30")] * 3
    other.execute("rollback")
    other.close()
    assert (await ring(app, "c1"))[0] == 202
    assert [event.key for event in await app.store.events(limit=9)] == ["c1"]

    await app.alerts.look()
    [what] = [alert.what for alert in await app.store.alerts(open_only=True) if alert.cause == "unwritten"]
    assert what == "webhooks were answered 503: the ledger could not be written: database is locked"
    await until(lambda: not app.loops.reasons())
