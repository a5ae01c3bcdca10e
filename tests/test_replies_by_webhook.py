"""Texts that came in as webhooks: heeded as far as their sender is known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from relay.intake import read_event
from relay.replies import Reading
from tests.rules.shop import DANA, OWN
from tests.texted import PROVED, SECRET, UNPROVED, worlds


@pytest.fixture
async def make():
    async with worlds() as it:
        yield it


def hook(**fields: object) -> bytes:
    return json.dumps(
        {"event": "text.received", "id": "t-1", "caller_number": DANA, "tracking_number": OWN, **fields}
    ).encode()


async def test_a_webhook_that_says_stop_opts_out_with_its_commit_and_a_repeat_changes_nothing(make) -> None:
    world = await make()
    reply = await world.intake.webhook(PROVED, SECRET, hook(body="STOP"), "127.0.0.1")
    assert (reply.status, await world.opted_out()) == (202, [DANA])
    assert await world.store.opt_in(DANA)
    again = await world.intake.webhook(PROVED, SECRET, hook(body="STOP", segments=1), "127.0.0.1")
    assert (again.status, again.duplicate, await world.opted_out()) == (200, True, [])
    assert [event.type for event in await world.store.events(limit=9)] == ["text.received"]


async def test_another_systems_text_is_read_by_its_map(make) -> None:
    world = await make()
    places = {"event": "kind", "id": "Sid", "text.from": "From", "text.to": "To", "text.body": "Content.Body"}
    source = replace(UNPROVED, map=places)
    body = {"kind": "text.received", "Sid": "SM1", "From": DANA, "To": OWN, "Content": {"Body": "STOP"}}
    await world.intake.webhook(source, [], json.dumps(body).encode(), "127.0.0.1")
    assert (await world.received(), await world.opted_out()) == (["STOP"], [DANA])


async def test_a_text_told_by_webhook_and_by_the_list_is_one_event(make) -> None:
    world = await make()
    key = await world.texted("hello")
    await world.intake.webhook(PROVED, SECRET, hook(id=key, body="hello"), "127.0.0.1")
    assert await world.replies.read() == Reading()
    assert await world.received() == ["hello"]


async def test_a_door_without_a_proof_can_silence_but_never_bring_anybody_back(make) -> None:
    world = await make()
    await world.intake.webhook(UNPROVED, [], hook(body="STOP"), "127.0.0.1")
    await world.intake.webhook(UNPROVED, [], hook(body="START", id="t-2"), "127.0.0.1")
    assert await world.opted_out() == [DANA]


async def test_a_door_with_a_proof_brings_people_back(make) -> None:
    world = await make()
    await world.intake.webhook(PROVED, SECRET, hook(body="STOP"), "127.0.0.1")
    await world.intake.webhook(PROVED, SECRET, hook(body="START", id="t-2"), "127.0.0.1")
    assert await world.opted_out() == []


async def test_a_test_and_a_withheld_number_opt_nobody_out(make) -> None:
    world = await make()
    await world.intake.webhook(PROVED, SECRET, hook(body="STOP", test=True), "127.0.0.1")
    await world.intake.webhook(PROVED, SECRET, hook(body="STOP", id="t-2", caller_number=None), "127.0.0.1")
    assert await world.opted_out() == []
    assert len(await world.received()) == 2


def test_a_body_that_is_no_text_is_read_as_an_empty_one() -> None:
    event = read_event(json.loads(hook(body={"a": 1})), "callscaler", 1.8e9).event
    assert event is not None
    assert (event.call["body"], event.call["is_optout"]) == ("", False)
