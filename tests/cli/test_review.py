"""`relay optout review`: what may ask to stop is there for a person to read."""

import asyncio
import time

import pytest

from relay.intake import Intake, read_event
from relay.metrics import Metrics
from relay.store.sqlite import SqliteStore

pytestmark = pytest.mark.usefixtures("quiet")


def test_texts_that_may_ask_to_stop_are_listed_and_no_others(run, folder):
    async def fill():
        store = SqliteStore(folder / "relay.db")
        intake = Intake(store, time.time, Metrics())
        for key, body in (("t1", "stop by tomorrow?"), ("t2", "See you at nine")):
            fields = {"event": "text.received", "id": key, "caller_number": "+13125550101", "body": body}
            await intake.event(read_event(fields, "callscaler", time.time()).event, b"{}")
        await store.close()

    asyncio.run(fill())
    told = run("optout", "review", "--json").json["texts"]
    assert [(text["number"], text["body"]) for text in told] == [("+13125550101", "stop by tomorrow?")]
    words = run("optout", "review")
    assert "stop by tomorrow?" in words.out
    assert "relay optout add" in words.err
