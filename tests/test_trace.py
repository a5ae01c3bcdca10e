"""The whole story of one event, as people and programs are told it."""

from relay.models import State
from relay.trace import read_trace
from tests.store.ledger import NOW, accept, claimed, event, owe, owed, settle


async def test_an_event_is_told_with_its_verdicts_deliveries_tries_and_the_rest_of_its_call(ledger):
    await owe(ledger, owed("first"), owed("second", step=1))
    [one] = await claimed(ledger, slots=1)
    await settle(ledger, one, State.DELIVERED, receipt={"id": "r1"}, settled_at=NOW)
    story = (await read_trace(ledger, "call-of-first+second")).public()
    assert [verdict["verdict"] for verdict in story["verdicts"]] == ["ran"]
    first, second = story["deliveries"]
    assert (first["state"], first["receipt"], first["settled_at"]) == (
        "delivered",
        {"id": "r1"},
        "2026-03-02T16:00:00.000Z",
    )
    assert [(tried["number"], tried["outcome"]) for tried in first["attempts"]] == [(1, "delivered")]
    assert (second["state"], second["attempts"]) == ("due", [])
    assert [part["id"] for part in story["call"]] == [story["event"]["id"]]


async def test_every_event_of_one_call_is_named_in_the_order_of_arrival(ledger):
    rang = event("call-1", at=NOW)
    left = event("call-1", "call.voicemail", at=NOW + 60, late=True)
    await accept(ledger, rang, left, event("call-2", at=NOW + 90))
    story = (await read_trace(ledger, left.id)).public()
    assert [part["type"] for part in story["call"]] == ["call.missed", "call.voicemail"]


async def test_an_event_that_nobody_has_judged_yet_has_no_verdicts(ledger):
    await accept(ledger, event("call-1"))
    assert (await read_trace(ledger, "last")).public()["verdicts"] is None


async def test_there_is_no_story_of_what_never_came(ledger):
    assert await read_trace(ledger, "evt_nothing") is None
