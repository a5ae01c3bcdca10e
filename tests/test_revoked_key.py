"""A key that is revoked while the relay runs: it stops asking, says so once, and goes on taking what comes in."""

from __future__ import annotations

import aiohttp
import pytest

from relay.replies import DEAF
from relay.sandbox import Sandbox
from tests.apps import relaying
from tests.texted import ANSWERED, worlds

SECRET, KEY = "false-secret-0001-0001", "cs_key_" + "f" * 32
FILE = """\
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{api_key: {key}, base_url: "{url}/api/v1", backfill: {{every: 1h, enrich_after: 1h}}}}
rules:
  - name: Text back
    when: call.missed
    then:
      - wait: 1h
      - {{text: caller, body: "Sorry we missed you. Reply STOP to opt out."}}
  - {{name: Note, when: call.missed, then: [{{tag: {{caller: missed}}}}]}}
"""


@pytest.fixture
async def sandbox():
    it = Sandbox(key=KEY, sample=False)
    it.add_number("+13125550142", "Main")
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def app(tmp_path, sandbox):
    text = FILE.format(url=sandbox.url, key=KEY)
    async with relaying(tmp_path, text, {"RELAY_HOOK_SECRET": SECRET}) as it:
        yield it


async def test_a5_all_calls_end_with_one_alert_and_webhooks_go_on(app, sandbox, until):
    await until(app.phone.heard)
    await app.fetching.caught_up()
    sandbox._world.state.run("UPDATE api_keys SET revoked_at = 1")

    async def ask():
        """All that asks by itself, at once instead of in its own rhythm."""
        for _ in range(3):
            await app.phone._replies.step()
            await app.fetching.backfill.step()
            app.fetching.backfill._swept_at = float("-inf")

    before = len(sandbox.requests())
    await ask()
    assert [status for _, _, status in sandbox.requests()[before:]] == [
        401,
        401,
    ]  # who reads texts, and who reads calls

    async def alerts():
        return [alert for alert in await app.store.alerts() if alert.closed_at is None]

    await until(alerts)
    [alert] = await alerts()
    assert alert.kind == "phone-deaf"
    assert "the phone system refuses the key" in alert.what
    assert "CALLSCALER_API_KEY" in alert.remedy
    assert KEY not in alert.what + alert.remedy

    url = f"http://127.0.0.1:{app.public_port}/hooks/callscaler"
    call = {"event": "call.missed", "call_id": "c-1", "caller_number": "+13125550101"}
    async with (
        aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
        session.post(url, json=call) as answer,
    ):
        assert answer.status == 202

    async def judged():
        [event] = await app.store.events(limit=9)
        return {verdict.rule: verdict.word for verdict in await app.store.verdicts(event.id) or ()}

    await until(judged)
    words = await judged()
    assert (set(words), words["Note"]) == ({"Text back", "Note"}, "ran")  # what becomes of the text depends on the hour


async def test_a_list_of_texts_that_stays_unread_for_ten_minutes_is_told_and_a_short_trouble_is_not(monkeypatch):
    async with worlds() as make:
        world = await make(ANSWERED)
        told = []

        async def at_once(_):
            """No pause between tries."""

        monkeypatch.setattr(world.phone.client.messages._transport, "_sleep", at_once)
        world.replies._alarm = told.append
        world.sandbox.faults.next("GET", "/texts", "500", times=99)
        await world.replies.step()
        world.shop.now += DEAF - 1
        await world.replies.step()
        assert told == []
        world.shop.now += 1
        await world.replies.step()
        [alarm] = told
        assert "could not be read for 10m: no text leaves" in alarm.what
        world.sandbox.faults.calm()
        await world.replies.step()
        world.sandbox.faults.next("GET", "/texts", "500", times=9)
        await world.replies.step()
        assert told == [alarm]
