"""Texts, moves and renamings against the sandbox, with every way in which an answer can be lost."""

import asyncio
from collections import Counter
from functools import partial

import pytest
from aiohttp import web

from connectors.callscaler import CallScalerConnector, CallScalerOptions
from connectors.callscaler.connector import _direction
from relay.callscaler import Text
from relay.connector import Job
from relay.errors import (
    Blocked,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    Unclear,
)
from relay.sandbox import Sandbox, SandboxSettings

OURS, MUTE, ANN = "+13125550190", "+13125550191", "+13125550101"
NOW = 1_772_467_200.0
KEY = "cs_key_" + "f" * 32


@pytest.fixture
async def sandbox(request):
    it = Sandbox(
        key=KEY, sample=False, clock=lambda: NOW, settings=getattr(request, "param", SandboxSettings(hang=5.0))
    )
    it.set_balance(1000)
    it.add_number(OURS, "Main", group="Sales", flow="Main Office Line")
    it.add_number(MUTE, "Mute", flow="Night", sms_enabled=False)
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def connector(sandbox, http):
    options = CallScalerOptions.model_validate({"api_key": KEY, "base_url": f"{sandbox.url}/api/v1"})
    return CallScalerConnector(options, http)


def job(connector, tries=0, now=NOW, **step):
    return Job("dlv-1", connector.Action.model_validate(step), {}, tries=tries, now=now)


def text(connector, **others):
    return job(connector, **{"do": "text", "to": ANN, "sender": OURS, "body": "Sorry we missed you.", **others})


async def test_a_text_goes_out_from_its_number_and_answers_its_id(connector, sandbox):
    receipt = await connector.send(text(connector))
    [sent] = sandbox.texts()
    assert (sent["id"], sent["to"], sent["body"]) == (receipt.id, ANN, "Sorry we missed you.")
    [listed] = await connector.sent_texts(NOW - 60)
    assert (listed.id, listed.to, listed.sender, listed.body, listed.at) == (receipt.id, ANN, OURS, sent["body"], NOW)


async def test_a_calls_recording_is_fetched_and_one_that_is_not_there_is_told(connector, sandbox):
    spoken, silent = [await sandbox.phone.ring(outcome, caller=ANN) for outcome in ("voicemail", "missed")]
    assert (await connector.recording(spoken))[:1] == b"\xff"
    with pytest.raises(NotFound):
        await connector.recording(silent)


async def test_a_text_whose_time_is_over_does_not_leave_and_is_unclear(connector, sandbox):
    asked = text(connector)
    late = Job(asked.key, asked.action, asked.event, in_time=lambda: False)
    with pytest.raises(Unclear, match="it was not sent"):
        await connector.send(late)
    assert sandbox.texts() == []


@pytest.mark.parametrize("kind", ["500", "500-after", "503", "html-after", "reset-before", "reset-after", "empty"])
async def test_an_ambiguous_answer_to_a_text_is_unclear_and_asked_once(connector, sandbox, kind):
    sandbox.faults.next("POST", "/texts", kind)
    with pytest.raises(Unclear):
        await connector.send(text(connector))
    assert [path for method, path, _ in sandbox.requests() if method == "POST"] == ["/texts"]


@pytest.mark.parametrize("kind", ["reset-after", "500-after", "html-after"])
async def test_a_text_that_left_all_the_same_is_found_in_the_list(connector, sandbox, kind):
    sandbox.faults.next("POST", "/texts", kind)
    with pytest.raises(Unclear):
        await connector.send(text(connector))
    assert [found.body for found in await connector.sent_texts(NOW - 60)] == ["Sorry we missed you."]


async def test_a_429_means_that_no_text_left(connector, sandbox):
    sandbox.faults.next("POST", "/texts", "429")
    with pytest.raises(RateLimited):
        await connector.send(text(connector))
    assert sandbox.texts() == []


async def test_a_number_that_cannot_text_a_number_not_ours_and_an_empty_purse_are_refused(connector, sandbox):
    with pytest.raises(Blocked, match="enable and register") as blocked:
        await connector.send(text(connector, sender=MUTE))
    assert blocked.value.sender == MUTE
    with pytest.raises(NotFound, match="not one of the business's numbers"):
        await connector.send(text(connector, sender="+13125550177"))
    sandbox.set_balance(0)
    with pytest.raises(Blocked, match="balance") as blocked:
        await connector.send(text(connector))
    assert blocked.value.sender is None
    assert sandbox.texts() == []


async def test_a_sender_that_lost_its_registration_since_the_list_was_read_is_found_out(connector, sandbox):
    await connector.send(text(connector))
    connector._numbers[MUTE] = connector._numbers[MUTE].model_copy(update={"sms_enabled": True})
    with pytest.raises(Blocked, match="register") as blocked:
        await connector.send(text(connector, sender=MUTE))
    assert blocked.value.sender == MUTE
    with pytest.raises(Invalid):
        await connector.send(text(connector, to=OURS))
    assert len(sandbox.texts()) == 1


async def test_a_list_of_numbers_that_does_not_come_is_no_text_that_may_have_left(connector, sandbox, monkeypatch):
    monkeypatch.setattr("connectors.callscaler.connector.NUMBERS_SECONDS", 0.1)
    sandbox.faults.next("GET", "/numbers", "hang")
    with pytest.raises(Unavailable, match="list of numbers"):
        await connector.send(text(connector))
    assert sandbox.texts() == []


async def test_a_number_that_has_just_been_bought_is_looked_for_again(connector, sandbox):
    await connector.send(text(connector))
    sandbox.add_number("+13125550192", "New")
    await connector.send(text(connector, sender="+13125550192"))
    assert len(sandbox.texts()) == 2


async def test_the_list_of_numbers_is_believed_for_a_while(connector, sandbox):
    for number in range(3):
        await connector.send(text(connector, now=NOW + number))
    await connector.send(text(connector, now=NOW + 400))
    assert Counter(path for _, path, _ in sandbox.requests())["/numbers"] == 2


@pytest.mark.parametrize("sandbox", [SandboxSettings(texts_paging=False)], indirect=True)
async def test_a_list_of_texts_that_is_not_paged_is_read_whole(connector, sandbox):
    for number in range(5):
        await connector.send(text(connector, body=f"text {number}"))
    assert sorted(found.body for found in await connector.sent_texts(0)) == [f"text {n}" for n in range(5)]


async def test_a_list_of_texts_that_breaks_off_proves_nothing(connector, sandbox, monkeypatch):
    async def at_once(_):
        """No pause between tries."""

    monkeypatch.setattr(connector.client.messages._transport, "_sleep", at_once)
    sandbox.faults.next("GET", "/texts", "html", times=9)
    with pytest.raises(Unavailable):
        await connector.sent_texts(0)


async def test_a_text_from_outside_is_none_of_ours(connector, sandbox):
    await sandbox.phone.receive_text(ANN, OURS, "Sorry we missed you.")
    assert await connector.sent_texts(0) == []


async def test_texts_in_both_directions_are_listed_with_their_people(connector, sandbox):
    await connector.send(text(connector))
    key = await sandbox.phone.receive_text(ANN, OURS, "When?")
    by_direction = {listed.direction: listed for listed in await connector.texts(NOW - 60)}
    came, went = by_direction["inbound"], by_direction["outbound"]
    assert (came.id, came.sender, came.to, came.body, came.at) == (key, ANN, OURS, "When?", NOW)
    assert (went.sender, went.to, went.body) == (OURS, ANN, "Sorry we missed you.")
    assert await connector.texts(NOW + 1) == []


@pytest.mark.parametrize(
    ("told", "direction"),
    [
        ({"direction": "inbound", "from": OURS}, "inbound"),
        ({"direction": "received", "from": ANN, "to": OURS}, "inbound"),
        ({"from": OURS, "to": ANN}, "outbound"),
        ({"from_number_id": "n-1", "to": ANN}, "outbound"),
        ({"from": ANN, "to": "+13125550143"}, None),
    ],
)
def test_where_the_list_does_not_say_in_or_out_our_numbers_do(told, direction):
    listed = Text.model_validate({"id": "t", **told})
    assert _direction(listed, listed.from_number, {OURS}) == direction


async def test_a_list_in_another_order_is_read_to_its_end(http):
    rows = [{"id": f"t{n}", "direction": "inbound", "created_at": "2026-03-01T00:00:00Z"} for n in range(150)]
    rows.insert(0, {"id": "first", "direction": "inbound", "created_at": "2026-02-01T00:00:00Z"})
    rows.append({"id": "new", "direction": "inbound", "created_at": "2026-03-02T16:00:00Z"})
    app = web.Application()
    app.router.add_get("/numbers", partial(answer, {"numbers": []}))
    app.router.add_get("/texts", partial(answer, {"texts": rows}))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    options = CallScalerOptions.model_validate({"api_key": KEY, "base_url": f"http://127.0.0.1:{port}"})
    try:
        assert [listed.id for listed in await CallScalerConnector(options, http).texts(NOW - 60)] == ["new"]
    finally:
        await runner.cleanup()


async def answer(body, _):
    return web.json_response(body)


async def test_a_long_list_is_left_once_it_is_well_past_and_read_whole_where_it_must_prove_something(
    sandbox, connector
):
    sandbox._world.clock, clock = (lambda: NOW - 7200), sandbox._world.clock
    for number in range(450):
        await sandbox.phone.receive_text(ANN, OURS, f"old {number}")
    sandbox._world.clock = clock
    await sandbox.phone.receive_text(ANN, OURS, "new")

    def pages():
        return [path for _, path, _ in sandbox.requests()].count("/texts")

    assert [listed.body for listed in await connector.texts(NOW - 3600)] == ["new"]
    assert pages() == 2
    assert await connector.sent_texts(NOW) == []
    assert pages() > 6


async def test_a_move_adds_removes_and_may_be_asked_for_again(connector, sandbox):
    for tries, created in ((0, True), (1, False)):
        receipt = await connector.send(job(connector, tries=tries, do="regroup", number=OURS, to="Parked", create=True))
        assert receipt.created is created
        assert (sandbox.members("Parked"), sandbox.members("Sales")) == ([OURS], [])


@pytest.mark.parametrize("kind", ["reset-after", "500-after", "html-after"])
async def test_a_move_whose_answer_was_lost_ends_well_on_the_next_try(connector, sandbox, kind):
    sandbox.add_number("+13125550193", "Other", group="Parked")
    sandbox.faults.next("POST", "/number-groups/*/members", kind)
    with pytest.raises((Unclear, Unavailable)):
        await connector.send(job(connector, do="regroup", number=OURS, to="Parked"))
    await connector.send(job(connector, tries=1, do="regroup", number=OURS, to="Parked"))
    assert sorted(sandbox.members("Parked")) == [OURS, "+13125550193"]
    assert sandbox.members("Sales") == []


async def test_a_move_into_no_group_names_those_there_are(connector):
    with pytest.raises(NotFound, match="there are: Sales"):
        await connector.send(job(connector, do="regroup", number=OURS, to="Parkd"))


async def test_a_number_is_renamed_and_given_another_call_flow(connector, sandbox):
    await connector.send(job(connector, do="update_number", number=OURS, friendly_name="Front", call_flow="Night"))
    number = sandbox.number(OURS)
    assert (number["friendly_name"], number["call_flow_name"]) == ("Front", "Night")
    with pytest.raises(NotFound, match="no call flow Day"):
        await connector.send(job(connector, do="update_number", number=OURS, call_flow="Day"))


async def test_the_numbers_are_told_with_their_groups(connector):
    owned = {number.number: number for number in await connector.owned(NOW)}
    assert (owned[OURS].group, owned[OURS].name, owned[OURS].read_at) == ("Sales", "Main", NOW)
    assert owned[MUTE].sms_enabled is False


@pytest.mark.parametrize(
    ("outcome", "at", "caller", "answered"),
    [
        ("answered", 0, ANN, True),
        ("answered", 60, ANN, True),
        ("answered", -60, ANN, False),
        ("missed", 60, ANN, False),
        ("voicemail", 60, ANN, False),
        ("answered", 60, "+13125550109", False),
    ],
)
async def test_whether_somebody_was_answered_since(connector, sandbox, outcome, at, caller, answered):
    await sandbox.phone.ring(outcome, caller=caller, number=OURS, at=NOW + at, webhook=False)
    assert await connector.answered(ANN, NOW) is answered


async def test_a_call_to_somebody_counts_like_one_from_them(connector, sandbox):
    await sandbox.phone.ring("answered", caller=ANN, number=OURS, direction="outbound", at=NOW + 5, webhook=False)
    assert await connector.answered(ANN, NOW)


async def test_whether_somebody_was_answered_is_asked_once(connector, sandbox):
    sandbox.faults.next("GET", "/calls", "500", times=9)
    with pytest.raises(Unavailable):
        await connector.answered(ANN, NOW)
    assert [path for _, path, _ in sandbox.requests()] == ["/calls"]


async def test_the_check_tells_a_wrong_key_and_changes_nothing(connector, sandbox):
    await connector.check()
    options = CallScalerOptions.model_validate({"api_key": "cs_key_wrong", "base_url": f"{sandbox.url}/api/v1"})
    with pytest.raises((Unauthorized, Forbidden)) as refused:
        await CallScalerConnector(options, connector.http).check()
    assert "cs_key_wrong" not in str(refused.value)
    assert {method for method, _, _ in sandbox.requests()} == {"GET"}


async def test_texts_need_no_lane_and_changes_of_one_number_share_one(connector):
    assert connector.lane(text(connector).action) is None
    assert connector.lane(job(connector, do="regroup", number=OURS, to="x").action) == OURS


async def test_two_texts_at_once_are_two(connector, sandbox):
    await asyncio.gather(*(connector.send(text(connector, body=f"text {n}")) for n in range(2)))
    assert len(sandbox.texts()) == 2
