"""What people do to the ledger, by hand or through the admin listener of a running service."""

from __future__ import annotations

import json
import time

import aiohttp
import pytest

from connectors.table import CONNECTORS
from relay.app import App
from relay.deeds import BadDeed
from relay.errors import Rejected
from relay.models import Standing, State
from relay.sandbox import Sandbox, SandboxSettings
from relay.settings import read_settings
from relay.standins import SinkStandIn
from tests.carried import CarriedStore

SECRET = "false-secret-0001-0001-0001"
TOKEN = "false-admin-token-0001"
CONFIG = """
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
connectors:
  archive: {type: webhook, url: "${SINK}", retry: {for: 1s, first: 0.1s, most: 0.1s}}
rules:
  - name: Hold back strangers
    when: call.failed
    then: [{quarantine: 24h}]
  - name: Archive
    when: call.*
    then: [{send: archive}]
  - name: Slowly
    when: call.voicemail
    then: [{wait: 1h}, {send: archive}]
"""


@pytest.fixture
async def sink():
    standin = SinkStandIn()
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
async def app(tmp_path, sink):
    config = tmp_path / "relay.yaml"
    config.write_text(CONFIG)
    environment = {
        "SINK": sink.url,
        "RELAY_HOOK_SECRET": SECRET,
        "RELAY_ADMIN_TOKEN": TOKEN,
        "RELAY_VIEW_TOKEN": "false-view",
    }
    running = App(read_settings(config, CONNECTORS, environment), CarriedStore(tmp_path / "relay.db"), CONNECTORS)
    await running.start()
    yield running
    await running.stop()


async def post(app, kind, key):
    url = f"http://127.0.0.1:{app.public_port}/hooks/callscaler"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={"event": kind, "call_id": key}, headers={"X-Relay-Secret": SECRET}) as answer,
    ):
        assert answer.status == 202
        return (await answer.json())["event"]


async def ask(app, deed, given, *, token=TOKEN, **headers):
    url = f"http://127.0.0.1:{app.admin_port}/api/do/{deed}"
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", **headers}
    async with aiohttp.ClientSession() as session, session.post(url, data=json.dumps(given), headers=sent) as answer:
        return answer.status, await answer.json()


async def planned(app, event):
    """The deliveries of an event, once the planner has come to it."""
    while not await app.store.verdicts(event):
        await app.planner.plan_next()
    return await app.store.deliveries(limit=100, event=event)


async def test_a_quarantined_event_is_released_by_a_person(app, sink):
    event = await post(app, "call.failed", "a")
    held = [d for d in await planned(app, event) if d.kind == "send"]
    assert [d.state for d in held] == [State.HELD]
    assert [e.id for e in await app.store.quarantined(limit=10)] == [event]
    status, came = await ask(app, "release", {"event": event})
    assert (status, came["released"]) == (200, 1)
    await sink.wait_for(lambda: len(sink.bodies) == 1)


async def test_what_waits_is_cancelled_and_stays_so(app):
    event = await post(app, "call.voicemail", "b")
    waiting = next(d for d in await planned(app, event) if d.rule == "Slowly")
    status, came = await ask(app, "cancel", {"ids": [waiting.id]})
    assert (status, came) == (200, {"cancelled": 1})
    after = next(d for d in await app.store.deliveries(limit=100, event=event) if d.id == waiting.id)
    assert (after.state, after.reason) == (State.CANCELLED, "cancelled by hand")


async def test_what_is_dead_is_tried_again(app, sink):
    sink.status = 410
    event = await post(app, "call.completed", "c")
    await sink.wait_for(lambda: len(sink.bodies) == 1)
    await app.worker.idle()
    dead = await app.store.deliveries(limit=10, state="dead", event=event)
    assert len(dead) == 1
    sink.status = 200
    assert await ask(app, "retry", {"ids": [dead[0].id]}) == (200, {"retried": 1})
    await sink.wait_for(lambda: len(sink.bodies) == 2)


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("false-view", {}, 403),
        ("wrong", {}, 401),
        (TOKEN, {"Content-Type": "text/plain"}, 403),
        (TOKEN, {"Sec-Fetch-Site": "cross-site"}, 403),
        (TOKEN, {"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_only_the_full_token_changes_anything_and_never_from_another_site(app, token, headers, status):
    assert (await ask(app, "texts-off", {}, token=token, **headers))[0] == status
    assert await app.store.texts_are_off() is (status == 200)


async def test_what_is_no_deed_or_cannot_be_read_is_told(app):
    assert (await ask(app, "explode", {}))[0] == 422
    assert (await ask(app, "retry", {"ids": []}))[0] == 422
    with pytest.raises(BadDeed, match="no telephone number"):
        await app.deeds.do("optout-add", {"number": "nobody"})


async def test_a_paused_connector_keeps_what_is_owed_and_goes_on_within_a_moment(app, sink):
    assert await ask(app, "pause", {"connector": "archive"}) == (
        200,
        {"connector": "archive", "paused": True, "changed": True},
    )
    assert (await ask(app, "pause", {"connector": "archive"}))[1]["changed"] is False
    event = await post(app, "call.completed", "d")
    [owed] = await planned(app, event)
    await app.worker.turn()
    assert (sink.bodies, owed.state) == ([], State.DUE)
    assert (await ask(app, "resume", {"connector": "archive"}))[1]["changed"] is True
    await sink.wait_for(lambda: len(sink.bodies) == 1)
    assert (await ask(app, "resume", {"connector": "archive"}))[1]["changed"] is False


async def test_what_the_webhooks_missed_is_fetched_when_somebody_asks(tmp_path):
    sandbox = Sandbox(None, clock=lambda: time.time() - 3600, settings=SandboxSettings(past_calls=0))
    await sandbox.start()
    await sandbox.phone.ring("missed", caller="+13125550101", webhook=False)
    config = tmp_path / "relay.yaml"
    config.write_text(f"{CONFIG}callscaler: {{base_url: {sandbox.url}/api/v1, backfill: {{every: 1h}}}}\n")
    environment = {
        "SINK": "http://127.0.0.1:1", "RELAY_HOOK_SECRET": SECRET, "RELAY_ADMIN_TOKEN": TOKEN,
        "CALLSCALER_API_KEY": sandbox.key,
    }  # fmt: skip
    running = App(read_settings(config, CONNECTORS, environment), CarriedStore(tmp_path / "relay.db"), CONNECTORS)
    await running.start()
    status, came = await ask(running, "backfill", {"since": time.time() - 86_400})
    assert (status, came["created"]) == (200, 1)
    assert (await ask(running, "backfill", {}))[1]["created"] == 0
    await sandbox.stop()
    assert (await ask(running, "backfill", {}))[0] == 502
    assert (await running.store.acts(limit=1))[0].outcome.startswith("failed: GET /calls")
    await running.stop()


async def test_without_a_phone_system_there_is_nothing_to_fetch(app):
    status, came = await ask(app, "backfill", {})
    assert (status, "CALLSCALER_API_KEY" in came["detail"]) == (422, True)


async def test_a_connector_that_is_none_is_told_with_the_nearest(app):
    status, came = await ask(app, "pause", {"connector": "archiv"})
    assert (status, came["detail"]) == (404, "`archiv` is no known connector; did you mean `archive`?")


async def test_resuming_an_open_breaker_probes_at_once(app, sink, until):
    sink.down = True
    await app.store.save_breaker(Standing("archive", opened_at=1.0, probe_at=9e9, wait=60.0, fault="503"))
    app.worker.gates.forget()
    event = await post(app, "call.completed", "e")
    await planned(app, event)
    await app.worker.turn()
    assert sink.requests == []
    sink.down = False
    await ask(app, "resume", {"connector": "archive"})
    await sink.wait_for(lambda: len(sink.bodies) == 1)

    async def closed():
        return not (await app.store.standings())["archive"].open

    await until(closed)


async def test_what_died_under_a_rule_that_has_changed_since_is_done_again_after_a_restart(app, sink, tmp_path, until):
    sink.status = 410
    event = await post(app, "call.completed", "f")
    await sink.wait_for(lambda: len(sink.bodies) == 1)
    await app.worker.idle()
    sink.status = 200
    config = tmp_path / "relay.yaml"
    config.write_text(CONFIG.replace("when: call.*", "when: [call.completed]"))
    await app.stop()
    environment = {"SINK": sink.url, "RELAY_HOOK_SECRET": SECRET}
    later = App(read_settings(config, CONNECTORS, environment), CarriedStore(tmp_path / "relay.db"), CONNECTORS)
    await later.start()
    asked = {"event": event, "connector": "archive"}
    came = await later.deeds.do("replay", {**asked, "dry_run": True})
    assert (came["replayed"], came["left"], came["next"]) == (1, {}, None)
    assert (await later.deeds.do("replay", asked))["replayed"] == 1
    await sink.wait_for(lambda: len(sink.bodies) == 2)
    assert (await later.deeds.do("replay", asked))["replayed"] == 0
    await later.stop()


async def test_a_replay_of_what_is_not_there_is_told(app):
    status, came = await ask(app, "replay", {"event": "evt_none"})
    assert (status, came["detail"]) == (404, "there is no event evt_none; `relay events` lists them")
    assert (await ask(app, "replay", {"connector": "x"}))[0] == 404
    assert (await ask(app, "replay", {"rules": "tomorrow"}))[0] == 422


async def test_whatever_anybody_does_is_written_down_with_who_did_it_and_numbers_cut_short(app):
    await ask(app, "optout-add", {"number": "+13125550101"})
    await app.deeds.do("texts-off", {})
    await ask(app, "texts-on", {}, token="false-view")
    by_hand, by_admin = await app.store.acts(limit=9)
    assert (by_admin.who, by_admin.what, by_admin.about) == (
        "admin token, from 127.0.0.1", "optout-add", '{"number": "***0101"}',
    )  # fmt: skip
    assert (by_hand.who, by_hand.what) == ("the command line, on the ledger itself", "texts-off")
    assert by_admin.config == app.settings.version


async def test_what_came_of_a_deed_is_told_by_the_audit(app):
    for name, given in (
        ("texts-off", {}),
        ("replay", {"event": "evt_none"}),
        ("optout-add", {"number": "+1312555010"}),
        ("numbers-apply", {}),
        ("check-connector", {"connector": "archive"}),
        ("retry", {"ids": ["evt_none"]}),
    ):
        await ask(app, name, given)
    retry, check, apply, optout, replay, off = await app.store.acts(limit=9)
    assert off.outcome == "done"
    assert replay.outcome == "refused: there is no event evt_none; `relay events` lists them"
    assert optout.outcome == "refused: `***5010` is no telephone number; write it as ***0101"
    assert apply.outcome == "refused: there is no plan; make one with `relay numbers plan`"
    assert check.outcome == "its options work"
    assert retry.outcome == "retried: 0"


async def test_a_deed_that_broke_is_told_by_the_audit(app):
    async def breaks(_):
        raise KeyError("x")

    form, _ = app.deeds._table["texts-off"]
    app.deeds._table["texts-off"] = form, breaks
    with pytest.raises(KeyError):
        await app.deeds.do("texts-off", {})
    assert (await app.store.acts(limit=1))[0].outcome == "failed: KeyError: 'x'"


async def test_no_request_of_the_relay_reaches_its_own_listeners(app):
    for port in (app.public_port, app.admin_port):
        with pytest.raises(Rejected, match="is the relay itself"):
            await app._http.request("GET", f"http://127.0.0.1:{port}/healthz")
