"""Calls of every kind and their webhooks."""

import asyncio
import json

import pytest

from relay.sandbox import Sandbox
from tests.patience import PATIENCE

FIELDS = [
    *("event", "call_id", "direction", "status", "caller_number", "caller_name", "tracking_number"),
    *(
        "destination_number",
        "duration_seconds",
        "call_flow_name",
        "recording_url",
        "source",
        "utm_source",
        "utm_medium",
    ),
    *("utm_campaign", "utm_term", "gclid", "landing_page_url", "transcription", "summary", "ai_score", "ai_category"),
    *("qualified_ai", "created_at"),
]
AI = {
    "transcription": "Hello",
    "summary": "A greeting",
    "ai_score": 82,
    "ai_category": "lead",
    "qualified_ai": True,
}
CALLER = "+13125550101"


@pytest.fixture
async def ring(sandbox, receiver):
    """Rings, waits until all is settled, and gives what the receiver got."""
    sandbox.point_webhook(None, receiver.url, {"X-Relay-Secret": "not-a-secret"})

    async def call(outcome, **more):
        call_id = await sandbox.phone.ring(outcome, **{"caller": CALLER, **more})
        await sandbox.phone.settled()
        return call_id, receiver.got[-1]

    return call


@pytest.mark.parametrize(
    ("outcome", "event", "status"),
    [
        ("answered", "call.completed", "completed"),
        ("completed", "call.completed", "completed"),
        ("missed", "call.missed", "no-answer"),
        ("no-answer", "call.missed", "no-answer"),
        ("busy", "call.missed", "busy"),
        ("voicemail", "call.voicemail", "voicemail"),
        ("failed", "call.failed", "failed"),
    ],
)
async def test_every_kind_of_call_has_its_event_and_the_fields_of_a_real_body(client, ring, outcome, event, status):
    call_id, body = await ring(outcome)
    assert list(body) == FIELDS
    assert (body["call_id"], body["event"], body["status"]) == (call_id, event, status)
    assert body["direction"] == "inbound"
    spoken = status in {"completed", "voicemail"}
    assert (body["duration_seconds"] > 0, body["recording_url"] is not None) == (spoken, spoken)
    assert (await client.data("GET", f"/calls/{call_id}"))["call"]["status"] == status


async def test_a_call_has_the_time_of_the_sandboxs_clock_or_the_one_given(ring):
    assert (await ring("missed"))[1]["created_at"] == "2026-03-02T11:13:20Z"
    assert (await ring("missed", at=1_772_000_000.9))[1]["created_at"] == "2026-02-25T06:13:20Z"


async def test_outbound_withheld_and_spam_look_as_they_do(ring):
    _, body = await ring("answered", direction="outbound")
    assert (body["caller_number"], body["destination_number"]) == ("+13125550142", CALLER)
    assert (body["call_flow_name"], body["source"]) == (None, None)
    assert (await ring("missed", caller=None))[1]["caller_number"] is None
    call_id, body = await ring("answered", spam=True, caller="+18005550110")
    assert (body["caller_name"], body["ai_category"]) == ("TOLL FREE CALL", None)
    assert (await ring("missed", extra={"robo_score": 90, "event": "call.ended"}))[1]["event"] == "call.ended"
    assert call_id


async def test_attribution_follows_the_number(ring):
    _, body = await ring("missed", number="+13125550143")
    assert (body["tracking_number"], body["source"], body["utm_medium"]) == ("+13125550143", "facebook", "paid_social")
    assert (await ring("missed", number="+13125550144"))[1]["source"] == "direct"


async def test_custom_headers_arrive_but_authorization_does_not(sandbox, receiver):
    sandbox.point_webhook(None, receiver.url, {"X-Relay-Secret": "not-a-secret", "authorization": "Bearer no"})
    await sandbox.phone.ring("missed", caller=CALLER)
    await sandbox.phone.settled()
    assert receiver.headers[0]["X-Relay-Secret"] == "not-a-secret"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert "Authorization" not in receiver.headers[0]


async def test_immediate_mode_leaves_ai_fields_null_though_the_api_knows_them(client, ring):
    call_id, body = await ring("answered", ai=AI)
    assert {body[name] for name in AI} == {None}
    call = (await client.data("GET", f"/calls/{call_id}"))["call"]
    assert {name: call[name] for name in AI} == AI


async def test_waiting_for_ai_fires_once_when_it_comes(world, receiver):
    sandbox, _ = await world(ai_fallback=60)
    sandbox.point_webhook("Google Ads", receiver.url, {}, mode="wait_for_ai")
    call_id = await sandbox.phone.ring("answered", caller=CALLER)
    assert receiver.got == []
    await sandbox.phone.enrich(call_id, **AI)
    async with asyncio.timeout(PATIENCE):
        await sandbox.phone.settled()
    assert [{name: body[name] for name in AI} for body in receiver.got] == [AI]
    await sandbox.phone.ring("answered", caller=CALLER, ai=AI)
    await sandbox.phone.settled()
    assert receiver.got[1]["ai_score"] == 82


async def test_waiting_for_ai_ends_with_whatever_exists(world, receiver):
    sandbox, _ = await world(ai_fallback=0.05)
    sandbox.point_webhook(None, receiver.url, {}, mode="wait_for_ai")
    await sandbox.phone.ring("answered", caller=CALLER)
    await sandbox.phone.settled()
    assert (len(receiver.got), receiver.got[0]["ai_score"]) == (1, None)


async def test_late_fields_can_come_with_a_second_webhook(sandbox, receiver, ring):
    call_id, first = await ring("answered")
    await sandbox.phone.enrich(call_id, webhook=True, **AI)
    await sandbox.phone.settled()
    assert receiver.got[-1] == first | AI
    await sandbox.phone.enrich(call_id, ai_score=10)
    await sandbox.phone.settled()
    assert len(receiver.got) == 2


async def test_a_repeat_is_the_same_to_the_byte(sandbox, receiver, ring):
    call_id, _ = await ring("answered")
    await sandbox.phone.enrich(call_id, **AI)
    receiver.statuses = [503]
    assert await sandbox.phone.repeat(call_id) == 503
    assert receiver.raw[0] == receiver.raw[1]
    assert [(row["status"], row["attempts"]) for row in sandbox.deliveries()] == [("delivered", 1), ("failed", 1)]


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([], ("delivered", 200, 1, None)),
        ([202], ("delivered", 202, 1, None)),
        ([500, 429], ("delivered", 200, 3, None)),
        ([500, 500, 500], ("failed", 500, 3, "server returned 500")),
        ([404, 307, 301], ("failed", 301, 3, "server returned 301")),
    ],
)
async def test_three_attempts_and_anything_but_success_is_a_failure(sandbox, client, receiver, statuses, outcome):
    sandbox.point_webhook(None, receiver.url, {}, retries=(0, 0))
    receiver.statuses = statuses
    await sandbox.phone.ring("missed", caller=CALLER)
    await sandbox.phone.settled()
    row = (await client.data("GET", "/webhooks/deliveries"))["deliveries"][0]
    assert (row["status"], row["http_status"], row["attempts"], row["last_error"]) == outcome
    assert (row["delivered_at"] is not None) == (outcome[0] == "delivered")
    assert len(set(receiver.raw)) == 1
    assert len(receiver.raw) == outcome[2]


async def test_a_slow_receiver_and_one_that_is_not_there_are_failures(world, receiver):
    sandbox, client = await world(webhook_timeout=1.0)
    receiver.statuses = [0]
    sandbox.point_webhook("Google Ads", receiver.url, {}, retries=())
    sandbox.point_webhook("Main Office Line", "http://127.0.0.1:9/hook", {}, retries=())
    await sandbox.phone.ring("missed", caller=CALLER)
    await sandbox.phone.ring("missed", caller=CALLER, number="+13125550144")
    await sandbox.phone.settled()
    failed = (await client.data("GET", "/webhooks/deliveries?status=failed"))["deliveries"]
    assert sorted(row["last_error"] for row in failed) == ["connection failed (ClientConnectorError)", "timeout"]
    assert {row["http_status"] for row in failed} == {None}


async def test_the_log_filters_by_status_and_call_flow(world, receiver):
    sandbox, client = await world(ai_fallback=60)
    sandbox.point_webhook(None, receiver.url, {}, retries=())
    receiver.statuses = [500]
    await sandbox.phone.ring("missed", caller=CALLER)
    await sandbox.phone.settled()
    await sandbox.phone.ring("missed", caller=CALLER, number="+13125550144")
    await sandbox.phone.settled()
    flow = sandbox.number("+13125550144")["call_flow_id"]
    ask = client.data
    assert [(await ask("GET", f"/webhooks/deliveries?status={s}"))["total"] for s in ("delivered", "failed")] == [1, 1]
    assert (await ask("GET", "/webhooks/deliveries?status=pending"))["total"] == 0
    found = (await ask("GET", f"/webhooks/deliveries?call_flow_id={flow}"))["deliveries"]
    assert [row["status"] for row in found] == ["delivered"]
    assert (await ask("GET", "/webhooks/deliveries?limit=1"))["total"] == 2


async def test_a_retry_that_waits_is_pending_and_ends_with_the_sandbox(sandbox, client, receiver):
    sandbox.point_webhook(None, receiver.url, {}, retries=(60,))
    receiver.statuses = [500]
    await sandbox.phone.ring("missed", caller=CALLER)
    async with asyncio.timeout(PATIENCE):
        while not (rows := (await client.data("GET", "/webhooks/deliveries"))["deliveries"]) or not rows[0]["attempts"]:
            pass
    assert (rows[0]["status"], rows[0]["last_error"]) == ("pending", "server returned 500")
    async with asyncio.timeout(PATIENCE):
        await sandbox.stop()


async def test_no_webhook_without_an_address_or_when_told_so(sandbox, receiver):
    await sandbox.phone.ring("missed", caller=CALLER)
    sandbox.point_webhook(None, receiver.url, {})
    await sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    await sandbox.phone.settled()
    assert (receiver.got, sandbox.deliveries()) == ([], [])


async def test_a_hundred_calls_at_once_all_arrive(sandbox, receiver):
    sandbox.point_webhook(None, receiver.url, {})
    ids = [await sandbox.phone.ring("missed", caller=f"+1312555{n:04}") for n in range(100)]
    await sandbox.phone.settled()
    assert sorted(body["call_id"] for body in receiver.got) == sorted(ids)


async def test_mistakes_of_the_caller_are_told(sandbox):
    with pytest.raises(ValueError, match="no outcome"):
        await sandbox.phone.ring("lost", caller=CALLER)
    with pytest.raises(ValueError, match="no number"):
        await sandbox.phone.ring("missed", caller=CALLER, number="+13125559999")
    with pytest.raises(ValueError, match="no call flow"):
        sandbox.point_webhook("Nobody's", "http://127.0.0.1", {})
    with pytest.raises(ValueError, match="no call nobody"):
        await sandbox.phone.enrich("nobody", ai_score=1)
    call = await sandbox.phone.ring("missed", caller=CALLER)
    with pytest.raises(ValueError, match="no field"):
        await sandbox.phone.enrich(call, ai_scores=1)
    with pytest.raises(ValueError, match="no webhook"):
        await sandbox.phone.repeat(call)


def test_sample_data_is_what_others_count_on():
    sandbox = Sandbox(seed=1)
    assert sandbox.number("+13125550142")["group_name"] == "Main"
    assert sandbox.number("+13125550142")["friendly_name"] == "Google Ads"
    assert sandbox.number("+13125550143")["sms_enabled"] is True
    assert sandbox.number("+13125550147")["sms_enabled"] is False
    assert sandbox.balance() >= 1_000
    assert sandbox.members("Parked") == []
    assert len(sandbox.calls()) == 24
    empty = Sandbox(sample=False)
    assert empty.calls() == []
    empty.add_number("+13125550150", "Night", group="Night")
    assert empty.members("Night") == ["+13125550150"]
    assert empty.number("+13125550150")["call_flow_name"] == "Main Office Line"
    with pytest.raises(KeyError):
        empty.number("+13125550142")


def test_the_same_seed_gives_the_same_calls():
    plain = [[(row["duration_seconds"], row["caller_number"]) for row in Sandbox(seed=s).calls()] for s in (7, 7, 8)]
    assert plain[0] == plain[1] != plain[2]
    assert json.dumps(plain)
