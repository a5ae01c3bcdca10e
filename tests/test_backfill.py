"""What the webhooks missed is fetched, once, late, and texts nobody; late fields are merged."""

from __future__ import annotations

import asyncio
import ipaddress
import json

import pytest
from aiohttp import web

from connectors.table import CONNECTORS
from relay.app import App
from relay.backfill import MARK, Backfill, Rhythm
from relay.callscaler import CallScaler
from relay.callscaler.paging import by_cursor
from relay.errors import DeliveryFailed
from relay.http import Http, Network
from relay.intake import Intake, read_event
from relay.metrics import Metrics
from relay.models import iso
from relay.sandbox import Sandbox, SandboxSettings
from relay.settings import read_settings
from relay.standins import SinkStandIn, SlackStandIn
from relay.store.sqlite import SqliteStore

START = 1_772_553_600.0
LEAD = {"summary": "A leak.", "transcription": "Caller: a leak.", "ai_score": 87, "ai_category": "lead"}


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def world():
    """A phone system, a ledger and a backfill between them, all on one clock."""
    clock = Clock()
    sandbox = Sandbox(None, clock=clock, settings=SandboxSettings(past_calls=0))
    await sandbox.start()
    http = Http(Network((ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
    store = SqliteStore(None)
    intake = Intake(store, clock, Metrics())
    client = CallScaler(http, api_key=sandbox.key, base_url=f"{sandbox.url}/api/v1", sleep=lambda _: no_wait())
    rhythm = Rhythm(every=300.0, after=1200.0, enrich_after=180.0)
    yield clock, sandbox, store, intake, Backfill(store, intake, client, clock, "callscaler", rhythm)
    await http.close()
    await store.close()
    await sandbox.stop()


async def no_wait() -> None:
    """Back-off between tries of a GET costs no time here."""


async def events_of(store):
    return list(reversed(await store.events(limit=1000)))


async def test_calls_made_while_the_relay_was_down_are_in_the_ledger_once_and_late(world):
    clock, sandbox, store, _, backfill = world
    await backfill.sweep()
    clock.now += 60
    made = [await sandbox.phone.ring("missed", caller=f"+1312555010{n}", webhook=False) for n in range(5)]
    clock.now += 3600
    assert (await backfill.sweep()).created == 5
    assert (await backfill.sweep()).created == 0
    found = await events_of(store)
    assert sorted(event.key for event in found) == sorted(made)
    assert all(event.late for event in found)


async def test_a_first_start_knows_of_no_hole_and_fetches_the_past_only_when_asked(world):
    clock, sandbox, store, _, backfill = world
    await sandbox.phone.ring("missed", caller="+13125550101", webhook=False)
    clock.now += 86_400 * 2
    assert (await backfill.sweep()).created == 0
    assert (await backfill.sweep(since=START - 60)).created == 1
    assert len(await events_of(store)) == 1


async def test_a_call_whose_sender_may_still_be_trying_is_not_created_yet_and_not_forgotten(world):
    clock, sandbox, _, _, backfill = world
    await backfill.sweep()
    await sandbox.phone.ring("missed", caller="+13125550101", webhook=False)
    clock.now += 1199
    assert (await backfill.sweep()).created == 0
    clock.now += 2
    assert (await backfill.sweep()).created == 1


async def test_late_fields_become_one_enriched_event_that_is_no_late_event(world):
    clock, sandbox, store, intake, backfill = world
    call_id = await sandbox.phone.ring("answered", caller="+13125550101", webhook=False)
    body = {"event": "call.completed", "call_id": call_id, "caller_number": "+13125550101", "ai_score": None}
    await intake.event(read_event(body, "callscaler", clock()).event, b"{}")
    clock.now += 100
    await sandbox.phone.enrich(call_id, **LEAD)
    assert await backfill.read_again() == 0, "three minutes are not over"
    clock.now += 100
    assert await backfill.read_again() == 1
    assert await backfill.read_again() == 0
    first, enriched = await events_of(store)
    assert (first.type, enriched.type) == ("call.completed", "call.enriched")
    assert enriched.call["ai_score"] == 87
    assert enriched.call["outcome"] == "answered"
    assert not enriched.late


async def test_fields_that_arrive_later_still_are_found_by_the_sweep(world):
    clock, sandbox, store, intake, backfill = world
    await backfill.sweep()
    call_id = await sandbox.phone.ring("answered", caller="+13125550101", webhook=False)
    body = {"event": "call.completed", "call_id": call_id, "caller_number": "+13125550101"}
    await intake.event(read_event(body, "callscaler", clock()).event, b"{}")
    clock.now += 1000
    await sandbox.phone.enrich(call_id, **LEAD)
    assert (await backfill.sweep()).enriched == 1
    assert (await backfill.sweep()).enriched == 0
    assert (await events_of(store))[-1].call["ai_category"] == "lead"


async def test_a_call_known_under_another_type_is_only_merged(world):
    clock, sandbox, store, intake, backfill = world
    await backfill.sweep()
    call_id = await sandbox.phone.ring("answered", caller="+13125550101", webhook=False)
    body = {"event": "call.missed", "call_id": call_id, "caller_number": "+13125550101"}
    await intake.event(read_event(body, "callscaler", clock()).event, b"{}")
    clock.now += 2000
    swept = await backfill.sweep()
    assert swept.created == 0
    assert {event.of_type for event in await events_of(store)} == {"call.missed"}


async def test_the_mark_stays_where_it_was_when_the_listing_breaks_off(world):
    clock, sandbox, store, _, backfill = world
    await backfill.sweep()
    before = await store.mark(MARK)
    for number in range(30):
        await sandbox.phone.ring("missed", caller=f"+13125550{number:03d}", webhook=False)
    clock.now += 3600
    sandbox.faults.next("GET", "/calls", "500", times=20)
    with pytest.raises(DeliveryFailed):
        await backfill.sweep()
    assert await store.mark(MARK) == before
    sandbox.faults.calm()
    assert (await backfill.sweep()).created == 30


def endless(cursor):
    """A listing that shows the same cursor again, or goes on for ever with calls that nobody made."""

    async def answer(request):
        row = {"id": f"call-{request.query.get('cursor', '0')}", "status": "missed", "created_at": iso(START - 3600.0)}
        told = {"calls": [row], "has_more": True, "next_cursor": cursor(request.query.get("cursor"))}
        return web.json_response({"data": told})

    return answer


@pytest.mark.parametrize("cursor", [lambda _: "1", lambda last: str(int(last or 0) + 1)], ids=["loop", "for ever"])
async def test_the_mark_stays_where_it_was_when_the_listing_has_no_end(world, cursor, monkeypatch):
    clock, _, store, intake, _ = world
    monkeypatch.setitem(by_cursor.__kwdefaults__, "most_pages", 20)
    app = web.Application()
    app.router.add_get("/calls", endless(cursor))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = Http(Network((ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = CallScaler(http, api_key="cs_key_" + "f" * 32, base_url=url, sleep=lambda _: no_wait())
    await store.set_mark(MARK, before := clock() - 7200.0)
    with pytest.raises(DeliveryFailed):
        await Backfill(store, intake, client, clock, "callscaler", Rhythm(300.0, 1200.0, 180.0)).sweep()
    assert await store.mark(MARK) == before
    await http.close()
    await runner.cleanup()


async def test_a_call_that_is_fetched_while_its_webhook_comes_in_is_one_event(world):
    clock, sandbox, store, intake, backfill = world
    await backfill.sweep()
    made = [await sandbox.phone.ring("missed", caller=f"+1312555{n:04d}", webhook=False) for n in range(100, 130)]
    clock.now += 3600

    async def webhook(key):
        body = {"event": "call.missed", "call_id": key, "caller_number": "+13125550101"}
        return await intake.event(read_event(body, "callscaler", clock()).event, b"{}")

    came = await asyncio.gather(backfill.sweep(), *(webhook(key) for key in made), backfill.sweep())
    swept, accepted = (came[0], came[-1]), came[1:-1]
    first = [event for event in await events_of(store) if event.type != "call.enriched"]
    assert sorted(event.key for event in first) == sorted(made)
    assert sum(one.created for one in swept) == sum(one.duplicate for one in accepted)


async def test_without_the_log_of_webhooks_the_sweep_is_whole_all_the_same(world):
    clock, sandbox, store, _, backfill = world
    await backfill.sweep()
    before = await store.mark(MARK)
    await sandbox.phone.ring("missed", caller="+13125550101", webhook=False)
    clock.now += 3600
    sandbox.faults.next("GET", "/webhook*", "500", times=20)
    assert (await backfill.sweep()).created == 1
    assert sandbox.faults.seen["500"] > 1, "it was asked for, and not had"
    assert await store.mark(MARK) > before


async def test_a_webhook_that_the_sender_gave_up_on_leads_to_its_call(world):
    clock, sandbox, store, _, backfill = world
    await backfill.sweep()
    sandbox.point_webhook(None, "http://127.0.0.1:9/hooks/callscaler", {}, retries=())
    await sandbox.phone.ring("voicemail", caller="+13125550101")
    await sandbox.phone.settled()
    clock.now += 3600
    assert (await backfill.sweep()).created == 1
    assert (await events_of(store))[0].type == "call.voicemail"


CONFIG = """
business: {name: Bright Plumbing, timezone: America/Chicago}
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
callscaler: {api_key: "${KEY}", base_url: "${BASE}"}
connectors:
  team: {type: slack, webhook_url: "${TEAM}"}
  archive: {type: webhook, url: "${SINK}"}
texting: {quiet_hours: {allow: always}}
rules:
  - name: Text back
    when: [call.missed, call.voicemail]
    then: [{text: caller, body: Sorry we missed you. Reply STOP to opt out.}]
  - name: Tell the team
    when: call.*
    then: [{send: team, message: a call}]
  - name: Archive
    when: call.*
    then: [{send: archive}]
"""


async def test_an_hour_of_calls_while_the_relay_was_stopped_is_archived_once_and_nobody_is_texted(tmp_path):
    clock = Clock()
    sandbox = Sandbox(None, clock=clock, settings=SandboxSettings(past_calls=0))
    slack, sink = SlackStandIn(), SinkStandIn()
    for server in (sandbox, slack, sink):
        await server.start()
    config = tmp_path / "relay.yaml"
    config.write_text(CONFIG)
    places = {"BASE": f"{sandbox.url}/api/v1", "TEAM": slack.webhook_url, "SINK": sink.url}
    environment = {"KEY": sandbox.key, "RELAY_HOOK_SECRET": "false-secret-0001-0001-0001", **places}

    async def relay():
        app = App(
            read_settings(config, CONNECTORS, environment), SqliteStore(tmp_path / "relay.db"), CONNECTORS, clock=clock
        )
        await app.start()
        return app

    app = await relay()
    await app.fetching.backfill.sweep()
    await app.stop()
    made = []
    for number in range(12):
        clock.now += 300
        made.append(await sandbox.phone.ring("missed", caller=f"+13125550{101 + number}", webhook=False))
    clock.now += 1300
    for _ in range(2):
        app = await relay()
        await app.fetching.backfill.sweep()
        await sink.wait_for(lambda: len(sink.bodies) >= len(made))
        await app.worker.idle()
        states = {(d.rule, str(d.state)) for d in await app.store.deliveries(limit=1000)}
        verdicts = [await app.store.verdicts(event.id) for event in await app.store.events(limit=1000)]
        await app.stop()
    assert sorted(json.loads(body)["call_id"] for body in sink.bodies) == sorted(made)
    assert states == {("Archive", "delivered"), ("Tell the team", "suppressed")}
    assert {verdict.word for found in verdicts for verdict in found if verdict.rule == "Text back"} == {"suppressed"}
    assert sandbox.texts() == []
    assert slack.messages == []
    for server in (sandbox, slack, sink):
        await server.stop()
