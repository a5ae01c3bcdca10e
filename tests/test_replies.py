"""Texts that people send us, and texts that others send: read from the phone system's own list, and heeded."""

from __future__ import annotations

import asyncio

import pytest

from relay.errors import DeliveryFailed
from relay.intake import Intake
from relay.metrics import Metrics
from relay.models import State
from relay.replies import Reading, Replies
from relay.store.sqlite import writer
from relay.texting import ListedText
from tests.patience import PATIENCE
from tests.rules.shop import DANA, OWN
from tests.texted import ANSWERED, AT_ONCE, BACK, BOB, World, worlds


@pytest.fixture
async def make():
    async with worlds() as it:
        yield it


async def at_once(_: float) -> None:
    """No pause between tries."""


async def test_a_text_that_came_in_is_an_event_that_rules_act_on_once(make) -> None:
    world = await make(ANSWERED)
    key = await world.texted("When can you come?")
    assert await world.replies.read() == Reading(received=1)
    assert await world.replies.read() == Reading()
    await world.shop.settle()

    [event] = await world.store.events(limit=9)
    assert (event.key, event.type, event.caller, event.number, event.late) == (key, "text.received", DANA, OWN, False)
    said = {name: event.call[name] for name in ("id", "body", "from", "to", "is_optout")}
    assert said == {"id": key, "body": "When can you come?", "from": DANA, "to": OWN, "is_optout": False}
    assert event.call["received_at"] == "2026-03-02T16:00:00.000Z"
    assert world.shop.said("team") == [f"{DANA} to {OWN}: When can you come?"]


async def test_stop_opts_out_and_suppresses_every_text_that_waits_for_this_person_and_no_other(make) -> None:
    world = await make(BACK, BACK.replace("Text back", "Again").replace("2m", "3h"))
    first = await world.shop.call()
    other = await world.shop.call(caller_number=BOB)
    world.shop.now += 30
    await world.texted("please stop texting me")
    assert await world.replies.read() == Reading(received=1, opted_out=1)
    await world.shop.settle()

    assert await world.opted_out() == [DANA]
    assert await world.shop.steps(first) == ["suppressed", "suppressed"]
    assert all("opted out" in str(why) for why in await world.shop.reasons(first))
    assert await world.shop.steps(other) == ["waiting", "waiting"]
    assert await sent(world) == []


async def test_what_was_planned_stays_suppressed_when_start_follows_at_once(make) -> None:
    world = await make(BACK)
    event = await world.shop.call()
    await world.texted("STOP")
    world.shop.now += 1
    await world.texted("START")
    assert await world.replies.read() == Reading(received=2, opted_out=1)
    await world.shop.run("2026-03-02 10:30")

    assert await world.opted_out() == []
    assert await world.shop.steps(event) == ["suppressed"]
    assert await sent(world) == []


async def test_only_start_brings_a_person_back_and_their_next_call_is_texted(make) -> None:
    world = await make(AT_ONCE)
    for body in ("STOP", "yes", "please start", "Sorry, go on"):
        await world.texted(body)
        world.shop.now += 1
    await world.replies.read()
    assert await world.opted_out() == [DANA]
    await world.texted("Start")
    await world.replies.read()
    assert await world.opted_out() == []
    await world.shop.call()
    await world.shop.settle()
    assert await sent(world) == ["hi"]


async def test_a_stop_read_again_after_a_start_is_an_old_story(make) -> None:
    world = await make()
    await world.texted("STOP")
    await world.replies.read()
    assert await world.store.opt_in(DANA)
    fresh = Replies(world.store, world.intake, world.phone, lambda: world.shop.now)
    assert await fresh.read() == Reading()
    assert await world.opted_out() == []


async def test_what_may_be_a_request_opts_nobody_out_and_is_marked_for_reading(make) -> None:
    world = await make()
    await world.texted("stop by tomorrow?")
    await world.replies.read()
    [event] = await world.store.events(limit=9)
    assert (event.call["is_optout"], event.call["review"]) == (False, True)
    assert await world.opted_out() == []


async def test_a_text_by_anybody_on_the_account_counts_for_the_cooldown(make) -> None:
    world = await make(AT_ONCE)
    await world.by_hand()
    assert await world.replies.read() == Reading(foreign=1)
    assert await world.replies.read() == Reading()
    world.shop.now += 3600
    await world.replies.read()
    event = await world.shop.call()
    await world.shop.settle()
    said = await world.shop.verdict(event)
    assert said.word == "suppressed"
    assert "texted 1h ago by somebody on the account" in said.why
    assert await sent(world) == ["Your part is in."]


@pytest.mark.parametrize("fault", [None, "500-after"])
async def test_a_text_of_ours_is_counted_once_whether_its_answer_came_or_was_lost(make, fault) -> None:
    world = await make(AT_ONCE)
    await world.replies.read()
    if fault:
        world.sandbox.faults.next("POST", "/texts", fault)
    event = await world.shop.call()
    await world.shop.settle()
    assert await world.shop.steps(event) == (["unknown"] if fault else ["delivered"])
    assert await world.replies.read() == Reading()
    world.shop.now += 300
    await world.shop.settle()
    assert await world.replies.read() == Reading()
    assert await world.shop.steps(event) == ["delivered"]
    [kept] = await world.store.texts(limit=9)
    assert (kept["state"], kept["rule"]) == ("sent", "At once")


async def test_the_same_words_sent_by_hand_too_are_one_of_ours_and_one_of_theirs(make) -> None:
    world = await make(AT_ONCE)
    await world.replies.read()
    world.sandbox.faults.next("POST", "/texts", "500-after")
    event = await world.shop.call()
    await world.shop.settle()
    await world.by_hand(body="hi")
    assert await world.replies.read() == Reading(foreign=1)
    world.shop.now += 300
    await world.shop.settle()
    assert await world.replies.read() == Reading()
    assert await world.shop.steps(event) == ["delivered"]
    assert len(await world.store.texts(limit=9)) == 2


async def test_no_text_leaves_before_the_list_was_read_or_on_an_old_reading(make) -> None:
    world = await make(AT_ONCE)
    event = await world.shop.call()
    await world.shop.settle()
    assert await world.shop.steps(event) == ["held"]
    assert "was not read yet" in str((await world.shop.reasons(event))[0])
    await world.replies.read()
    world.shop.now += 121
    await world.shop.settle()
    assert "last read 2m ago" in str((await world.shop.reasons(event))[0])
    assert await sent(world) == []
    await world.replies.read()
    world.shop.now += 6
    await world.shop.settle()
    assert await sent(world) == ["hi"]


async def test_a_text_that_waits_for_a_reading_too_long_is_never_sent(make) -> None:
    world = await make(AT_ONCE)
    event = await world.shop.call()
    await world.shop.run()
    assert await world.shop.steps(event) == ["suppressed"]
    assert "not sent within 30m" in str((await world.shop.reasons(event))[0])


async def test_a_shadow_text_waits_for_no_reading(make) -> None:
    world = await make(AT_ONCE.replace("name: At once", "name: At once, mode: shadow"))
    event = await world.shop.call()
    await world.shop.settle()
    assert await world.shop.steps(event) == ["shadow"]


async def test_a_list_that_breaks_off_counts_for_nothing_and_is_read_again(make, monkeypatch) -> None:
    world = await make()
    monkeypatch.setattr(world.phone.client.messages._transport, "_sleep", at_once)
    await world.texted("STOP")
    world.sandbox.faults.next("GET", "/texts", "html", times=9)
    with pytest.raises(DeliveryFailed):
        await world.replies.read()
    assert (world.replies.heard_at, await world.opted_out(), await world.received()) == (None, [], [])
    world.sandbox.faults.calm()
    assert await world.replies.read() == Reading(received=1, opted_out=1)
    assert world.replies.heard_at == world.shop.now


async def test_the_loop_reads_at_start_and_survives_a_list_that_cannot_be_read(make, monkeypatch, until) -> None:
    world = await make()
    monkeypatch.setattr(world.phone.client.messages._transport, "_sleep", at_once)
    monkeypatch.setattr("relay.replies.EVERY", 0.01)
    world.sandbox.faults.next("GET", "/texts", "html", times=9)
    loop = asyncio.create_task(world.replies.run())
    await until(lambda: world.replies.heard_at is not None)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_a_first_start_heeds_who_asked_to_stop_long_ago_and_tells_no_rule_of_it(make) -> None:
    world = await make()
    world.shop.now -= 90 * 86400
    for sender, body in ((DANA, "STOP"), (BOB, "STOP"), (BOB, "START"), ("+13125550103", "hello")):
        await world.texted(body, sender=sender)
        world.shop.now += 1
    world.shop.now += 90 * 86400
    assert await world.replies.read() == Reading(opted_out=1)
    assert await world.opted_out() == [DANA]
    assert await world.received() == []


async def test_what_came_while_the_relay_was_down_is_read_in_order_and_late(make) -> None:
    world = await make()
    await world.replies.read()
    await world.texted("one")
    world.shop.now += 3 * 86400
    await world.texted("two")
    again = Replies(world.store, world.intake, world.phone, lambda: world.shop.now)
    assert await again.read() == Reading(received=2)
    assert await world.received() == ["one", "two"]
    assert [event.late for event in reversed(await world.store.events(limit=9))] == [True, False]


async def test_an_opt_out_says_how_many_texts_were_already_leaving(make) -> None:
    world = await make(AT_ONCE)
    await world.replies.read()
    world.sandbox.faults.next("POST", "/texts", "500")
    event = await world.shop.call()
    await world.shop.settle()
    assert (await world.store.deliveries(limit=9, event=event))[0].state is State.UNKNOWN
    await world.texted("STOP")
    await world.replies.read()
    [row] = await world.store.opt_outs(limit=9)
    assert row["how"] == "asked to stop by text; 1 already leaving"


async def sent(world: World) -> list[str]:
    return [text["body"] for text in world.sandbox.texts()]


async def test_a_day_of_texts_shares_a_few_commits(ledger, clock, until, monkeypatch):
    """A start meets them all again, and no text leaves before that is over."""
    monkeypatch.setattr(writer, "SOON", PATIENCE)  # how much is soon done does not depend on the machine then
    statements = []
    await ledger._write(lambda connection: connection.set_trace_callback(statements.append))
    people = [f"+1312555{number:04}" for number in range(200)]
    listed = [ListedText(f"t{n}", "inbound", person, OWN, "STOP", clock()) for n, person in enumerate(people)]

    class Phone:
        async def texts(self, _):
            return listed

    intake = Intake(ledger, clock, Metrics())
    found = await Replies(ledger, intake, Phone(), clock).read()
    assert (found.received, found.opted_out) == (200, 200)
    assert [said.casefold() for said in statements].count("commit") < 20
