"""Texts out and in, what they cost and when they are blocked."""

import asyncio

import pytest

from relay.sandbox.messages import segments
from tests.patience import PATIENCE

FROM, TO = "+13125550142", "+13125550101"


@pytest.fixture
def send(client, sandbox):
    async def text(body="Hello", *, to=TO, number=FROM):
        given = {"from_number_id": sandbox.number(number)["id"], "to": to, "body": body}
        return await client.ask("POST", "/texts", json=given)

    return text


async def test_a_text_is_kept_listed_and_paid_for(client, sandbox, send):
    before = sandbox.balance()
    status, answer = await send("Sorry we missed you 👋")
    text = answer["data"]["text"]
    assert status == 200
    assert (text["from"], text["to"], text["body"]) == (FROM, TO, "Sorry we missed you 👋")
    assert text["from_number_id"] == sandbox.number(FROM)["id"]
    assert sandbox.balance() == before - 2
    assert sandbox.texts() == [text]
    assert (await client.data("GET", "/texts")) == {"texts": [text], "total": 1}
    assert (await client.data("GET", "/sms")) == {"sms": [text], "total": 1}


async def test_a_number_that_is_not_enabled_refuses_with_guidance(sandbox, send):
    status, answer = await send(number="+13125550147")
    assert status == 400
    assert "not SMS-enabled" in answer["error"]
    assert "10DLC" in answer["error"]
    assert sandbox.texts() == []


async def test_a_short_balance_blocks_the_text_and_takes_nothing(sandbox, send):
    sandbox.set_balance(3)
    assert (await send())[0] == 200
    status, answer = await send()
    assert (status, sandbox.balance(), len(sandbox.texts())) == (400, 1, 1)
    assert "insufficient balance" in answer["error"]


async def test_the_price_follows_the_segments(sandbox, send):
    before = sandbox.balance()
    await send("x" * 161)
    assert sandbox.balance() == before - 4


@pytest.mark.parametrize(
    ("body", "parts"), [("x" * 160, 1), ("x" * 161, 2), ("é" * 70, 1), ("é" * 71, 2), ("👋" * 36, 2), ("x" * 1600, 11)]
)
def test_segments_are_counted_as_they_are_sent(body, parts):
    assert segments(body) == parts


async def test_an_inactive_number_and_a_text_to_itself_are_refused(client, sandbox, send):
    assert (await send(to=FROM))[0] == 400
    await client.data("PATCH", f"/numbers/{sandbox.number(FROM)['id']}", json={"status": "inactive"})
    assert (await send())[0] == 400


async def test_the_list_is_newest_first_and_takes_limit_and_offset(client, sandbox, send, clock):
    for n in range(5):
        clock.now += 1
        await send(f"text {n}")
    clock.now += 1
    await sandbox.phone.receive_text(TO, FROM, "Yes please")
    page = await client.data("GET", "/texts?limit=2&offset=1")
    assert [row["body"] for row in page["texts"]] == ["text 4", "text 3"]
    assert page["total"] == 6
    newest = (await client.data("GET", "/texts?limit=1"))["texts"][0]
    assert (newest["direction"], newest["status"], newest["from"], newest["to"]) == ("inbound", "received", TO, FROM)
    assert newest["from_number_id"] is None
    assert len(sandbox.texts()) == 5


async def test_paging_of_texts_can_be_off(world):
    sandbox, client = await world(texts_paging=False)
    for n in range(3):
        await sandbox.phone.receive_text(TO, FROM, f"{n}")
    assert len((await client.data("GET", "/texts?limit=1&offset=2"))["texts"]) == 3


async def test_a_text_shows_up_in_the_list_only_after_the_lag(client, sandbox, send):
    sandbox.faults.list_lag(3600)
    await send()
    assert len(sandbox.texts()) == 1
    assert (await client.data("GET", "/texts")) == {"texts": [], "total": 0}
    sandbox.faults.list_lag(0.01)
    async with asyncio.timeout(PATIENCE):
        while not (await client.data("GET", "/texts"))["texts"]:
            pass


async def test_a_conversation_holds_texts_and_calls_with_one_person(world, clock):
    sandbox, client = await world(past_calls=0)
    await sandbox.phone.ring("missed", caller=TO, name="Dana")
    clock.now += 60
    await sandbox.phone.receive_text(TO, FROM, "Hello?")
    clock.now += 60
    await sandbox.phone.ring("missed", caller="+13125550102")
    await sandbox.phone.ring("missed", caller=None)
    threads = (await client.data("GET", "/conversations"))["conversations"]
    assert [row["contact_number"] for row in threads] == ["+13125550102", TO]
    assert (threads[1]["text_count"], threads[1]["call_count"], threads[1]["last_message"]) == (1, 1, "Hello?")
    assert threads[1]["contact_name"] == "Dana"


async def test_a_text_to_a_number_of_somebody_else_is_a_mistake(sandbox):
    with pytest.raises(ValueError, match="no number"):
        await sandbox.phone.receive_text(TO, "+13125559999", "Hello")
