"""With `confirm: true` an event is acted on only once the phone system knows its call, and then as it tells it."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from connectors.table import CONNECTORS
from relay.app import App
from relay.callscaler import CallScaler
from relay.confirm import PATIENCE
from relay.errors import ConfigError, DeliveryFailed
from relay.http import Http
from relay.models import State
from relay.sandbox import Sandbox, SandboxSettings
from relay.settings import read_settings
from tests.carried import CarriedStore

SECRET = "false-secret-0001-0001-0001"
START = 1_772_553_600.0
"""2026-03-03 16:00 UTC, 10 in the morning in Chicago."""
CALLER, STRANGER, OURS = "+13125550101", "+13125550199", "+13125550142"
FILE = """
business: {timezone: America/Chicago}
network: {allow: [127.0.0.1/32], allow_http: true}
callscaler: {api_key: "${KEY}", base_url: "${API}"}
sources:
  callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}, confirm: true}
rules:
  - name: Text back
    when: [call.missed]
    if: {caller.number: present}
    then: [{text: caller, body: "Sorry we missed you. Reply STOP to opt out."}]
"""


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


class World:
    """A relay whose loops stand still, the phone system, and what a webhook with the right secret does."""

    def __init__(self, app, sandbox, clock):
        self.app, self.sandbox, self.clock = app, sandbox, clock

    async def webhook(self, call, **fields):
        body = {"event": "call.missed", "call_id": call, "caller_number": CALLER, "tracking_number": OURS, **fields}
        headers = [("X-Relay-Secret", SECRET)]
        source = self.app.settings.sources["callscaler"]
        reply = await self.app.intake.webhook(source, headers, json.dumps(body).encode(), "192.0.2.9")
        await self.plan()
        return reply

    async def plan(self):
        while await self.app.planner.plan_next():
            pass

    async def step(self, seconds=0.0):
        self.clock.now += seconds
        decided = await self.app.confirming.step()
        await self.plan()
        return decided

    async def verdict(self, call):
        event = await self.app.store.event(call)
        [verdict] = await self.app.store.verdicts(event.id)
        return verdict.word, verdict.why


@pytest.fixture
async def world(tmp_path):
    clock = Clock()
    sandbox = Sandbox(None, clock=clock, settings=SandboxSettings(past_calls=0))
    await sandbox.start()
    (tmp_path / "relay.yaml").write_text(FILE)
    environment = {"RELAY_HOOK_SECRET": SECRET, "KEY": sandbox.key, "API": f"{sandbox.url}/api/v1"}
    settings = read_settings(tmp_path / "relay.yaml", CONNECTORS, environment)
    app = App(settings, CarriedStore(tmp_path / "relay.db"), CONNECTORS, clock=clock)
    await app.prepare()
    yield World(app, sandbox, clock)
    await app.stop()
    await sandbox.stop()


async def test_a_call_that_the_phone_system_knows_is_acted_on(world):
    call = await world.sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    reply = await world.webhook(call)
    assert reply.status == 202
    assert await world.verdict(call) == ("held", "confirm: waiting until the phone system knows this call")
    assert await world.app.store.deliveries(limit=9) == []
    assert await world.step() == 1
    assert (await world.verdict(call))[0] == "ran"
    [text] = await world.app.store.deliveries(limit=9)
    assert (text.kind, text.state, text.action["to"]) == ("text", State.DUE, CALLER)
    assert await world.step() == 0


async def test_a_forged_call_is_never_acted_on_and_its_verdict_says_so(world):
    await world.webhook("forged-0001", caller_number=STRANGER)
    for _ in range(30):
        await world.step(60)
        held = await world.app.store.unconfirmed(limit=9)
    assert held == []
    assert await world.verdict("forged-0001") == ("suppressed", "confirm: the phone system does not know this call")
    assert await world.app.store.deliveries(limit=9) == []
    again = await world.webhook("forged-0001", caller_number=STRANGER)
    assert again.duplicate
    assert await world.app.store.deliveries(limit=9) == []


async def test_whoever_forges_a_call_that_there_is_chooses_neither_its_caller_nor_its_number(world):
    call = await world.sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    await world.webhook(call, caller_number=STRANGER, caller_name="Mallory Example")
    await world.step()
    event = await world.app.store.event(call)
    assert event.caller == CALLER
    assert [text.action["to"] for text in await world.app.store.deliveries(limit=9)] == [CALLER]


async def test_a_call_that_is_not_known_yet_is_asked_about_again_and_less_and_less_often(world):
    await world.webhook("call-later")
    asked = []
    for _ in range(60):
        before = world.app.confirming._again.get((await world.app.store.event("call-later")).id)
        await world.step(1)
        after = world.app.confirming._again.get((await world.app.store.event("call-later")).id)
        if before != after:
            asked.append(world.clock.now - START)
    assert asked == [1.0, 6.0, 16.0, 36.0]
    assert [event.key for event in await world.app.store.unconfirmed(limit=9)] == ["call-later"]


async def test_what_is_confirmed_long_after_it_arrived_texts_nobody(world):
    call = await world.sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    await world.webhook(call)
    await world.step(PATIENCE + 1)
    assert (await world.app.store.event(call)).late
    word, why = await world.verdict(call)
    assert (word, [d.state for d in await world.app.store.deliveries(limit=9)]) != ("ran", [State.DUE])
    assert "late" in why


async def test_an_unconfirmed_call_counts_for_nothing(world):
    await world.webhook("forged-0001", event="call.completed")
    call = await world.sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    await world.webhook(call)
    await world.step()
    assert (await world.verdict(call))[0] == "ran", "the forged call has not answered this person"
    assert [traffic.calls for traffic in await world.app.store.traffic(since=0.0)] == [1]


async def test_a_text_through_such_a_door_sets_nothing_going(world):
    await world.webhook("text-1", event="text.received", body="hello")
    assert (await world.app.store.event("text-1")).late
    await world.webhook("text-2", event="text.received", body="STOP")
    assert [row["number"] for row in await world.app.store.opt_outs(limit=9)] == [CALLER]


async def test_an_api_that_cannot_be_asked_decides_nothing(world):
    call = await world.sandbox.phone.ring("missed", caller=CALLER, webhook=False)
    await world.webhook(call)
    http = Http()
    world.app.confirming.client = CallScaler(http, api_key=SecretStr("cs_key_false"), base_url="https://127.0.0.1:1")
    with pytest.raises(DeliveryFailed):
        await world.step(PATIENCE + 1)
    await http.close()
    assert (await world.verdict(call))[0] == "held"


def test_confirming_needs_the_api(tmp_path):
    (tmp_path / "relay.yaml").write_text(FILE.replace('callscaler: {api_key: "${KEY}", base_url: "${API}"}', ""))
    with pytest.raises(ConfigError, match="confirmed through the CallScaler API: set CALLSCALER_API_KEY"):
        read_settings(tmp_path / "relay.yaml", CONNECTORS, {"RELAY_HOOK_SECRET": SECRET})


@pytest.mark.parametrize("confirm", ["true", "false"])
def test_a_rule_that_texts_off_an_open_door_needs_every_call_confirmed(tmp_path, confirm):
    proof = 'proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}, confirm: true'
    (tmp_path / "relay.yaml").write_text(FILE.replace(proof, f"proof: none, confirm: {confirm}"))
    environment = {"KEY": "cs_key_false", "API": "https://x.example/api/v1"}
    if confirm == "true":
        assert read_settings(tmp_path / "relay.yaml", CONNECTORS, environment).sources["callscaler"].confirm
    else:
        with pytest.raises(ConfigError, match="whose proof is none; give it a proof, or confirm: true"):
            read_settings(tmp_path / "relay.yaml", CONNECTORS, environment)
