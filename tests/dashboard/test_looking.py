"""Whoever looks changes nothing and sends nobody anywhere."""

from __future__ import annotations

import re
import sqlite3

import pytest

from tests.admin.test_routes import TABLE
from tests.dashboard.conftest import TOKEN

STREAMS = {"/live"}
"""Without end, so that nobody can wait for all of it; tests/dashboard/test_live_pages.py holds them."""
CLOCKWORK = {"marks", "outages", "nodes", "duties"}
"""Tables in which the relay itself notes that it lives."""


def content(path):
    """Every row of every table."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    tables = [name for name in tables if name not in CLOCKWORK]
    found = {table: sorted(map(repr, connection.execute(f"select * from {table}"))) for table in tables}  # noqa: S608
    connection.close()
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_address_that_is_only_asked_changes_anything(rang, method):
    event = (await rang.api("/api/events/c1"))["event"]["id"]
    paths = sorted({re.sub("{[^}]*}", event, path) for _, path in TABLE} - STREAMS)
    deeds = [
        f"/{where}/{deed}" for where in ("do", "api/do") for deed in ("texts-off", "retry", "replay", "optout-add")
    ]
    before = content(rang.path.parent / "relay.db")
    answered = set()
    for path in [*paths, *deeds]:
        for query in ("", "?ids=all&number=%2B13125550101&rule=Archive&mode=off&event=" + event):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with rang.client.request(method, rang.url + path + query, headers=headers) as answer:
                answered.add(answer.status)
                assert answer.status in {200, 400, 404, 405}, (path, answer.status)
    assert {200, 405} <= answered
    after = content(rang.path.parent / "relay.db")
    assert {table for table in after if after[table] != before[table]} == set()


async def test_where_a_recording_is_said_to_be_nobody_goes_and_nothing_leads(rang, sink, until):
    for nth, where in enumerate((f"{sink.url}/secret.mp3", "javascript:alert(1)", "http://169.254.169.254/latest")):
        await rang.ring(f"r{nth}", recording_url=where, summary=f"Listen: {where}")
    await rang.settled(until)
    for nth in range(3):
        _, text = await rang.get(f"/calls/r{nth}")
        assert "recording" in text
        assert not re.search(r'(?:href|src|action)="[^"]*(?:secret\.mp3|javascript:|169\.254)', text)
    assert [request for request in sink.requests if "secret" in request.path] == []
