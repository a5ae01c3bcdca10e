"""One call, however often and in whatever order it is told: from bytes at the door to what the phone system sends."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from relay.intake import Source
from relay.models import CALLSCALER
from relay.proof import ProofForm
from relay.proof.sign import proving_headers
from tests.front import Front, open_door
from tests.rules.shop import DANA, OWN
from tests.texted import World, worlds

SIGNED = ProofForm.model_validate({"standard_webhooks": "whsec_" + base64.b64encode(bytes(range(32))).decode()}).proof()
BACK = """
name: Text back
when: [call.missed, call.voicemail]
guards: {cooldown: {per: caller, for: 24h}}
then:
  - wait: 2m
    cancel_if: {caller.answered_since: true}
  - {text: caller, body: "Sorry we missed you."}
"""
LOG = "{name: Log, when: [call.*], then: [{send: log, message: '{{ call.id }} {{ call.outcome }}'}]}"
GROWS = "{name: Grow, when: [call.enriched], then: [{send: log, message: '{{ call.transcription }}'}]}"
EAGER = "{name: Eager, when: [call.missed, call.enriched], then: [{text: caller, body: 'Sorry again.'}]}"


@dataclass
class House:
    """A door on a socket, a ledger behind it, rules, and a phone system on a socket of its own."""

    front: Front
    world: World

    async def post(self, call: dict[str, Any], **told: Any) -> Any:
        return await self.front.post(call, **told)

    @property
    def shop(self) -> Any:
        return self.world.shop

    async def run(self) -> None:
        """The clock runs on until nothing is owed; what people texted is read as it goes."""
        self.shop.now += 119.0
        await self.world.replies.read()
        await self.shop.run()

    async def types(self) -> list[str]:
        return [event.type for event in reversed(await self.world.store.events(limit=99))]

    async def texts(self) -> list[str]:
        return [text["body"] for text in self.world.sandbox.texts()]


@pytest.fixture
async def house():
    async with worlds() as made:

        @asynccontextmanager
        async def opened(*rules: str):
            world = await made(*rules)
            async with open_door(world.store, lambda: world.shop.now) as front:
                front.door.sources = {**front.door.sources, "signed": Source("signed", "callscaler", SIGNED)}
                yield House(front, world)

        yield opened


@pytest.fixture
def told(call):
    """The webhook of a call that was missed this minute, by way of numbers that there are."""

    def body(**fields: Any) -> dict[str, Any]:
        return call(caller_number=DANA, tracking_number=OWN, created_at="2026-03-02T15:59:30Z", **fields)

    return body


async def test_one_signed_webhook_replayed_fifty_times_at_once_is_one_event_one_delivery_a_rule_and_one_text(
    house, told
):
    async with house(BACK, LOG) as it:
        body = json.dumps(told()).encode()
        headers = {"X-Relay-Secret": None, **proving_headers(SIGNED, body, it.shop.now)}
        copies = (it.post(body, path="/hooks/signed", headers=headers) for _ in range(50))
        answers, _ = await asyncio.gather(asyncio.gather(*copies), it.shop.settle())
        it.shop.now += 299.0  # still within the time that the signature is good for
        answers = [*answers, await it.post(body, path="/hooks/signed", headers=headers)]
        await it.run()
        assert sorted(answer.status for answer in answers) == [200] * 50 + [202]
        assert await it.types() == ["call.missed"]
        owed = await it.world.store.deliveries(limit=99)
        assert sorted((one.kind, one.connector) for one in owed) == [("send", "log"), ("text", CALLSCALER)]
        assert (await it.texts(), it.shop.said("log")) == (["Sorry we missed you."], ["c-0001 missed"])


@pytest.mark.parametrize("waited", [0.0, 3600.0])
async def test_a_copy_that_waited_for_ai_adds_what_was_missing_and_texts_nobody_again(house, told, waited):
    """It comes while the text still waits, or when that left long ago; and one rule texts whenever it can."""
    async with house(BACK, LOG, GROWS, EAGER) as it:
        first = await it.post(told())
        await it.shop.settle()
        if waited:
            await it.run()
            it.shop.now += waited
        whole = told(
            transcription="The boiler leaks.", ai_score=82, caller_name="Somebody Else", duration_seconds=41, gclid="g1"
        )
        again = await it.post(whole)
        await it.post(whole)
        await it.run()
        assert (again.status, again.json) == (200, {"event": first.json["event"], "duplicate": True})
        assert await it.types() == ["call.missed", "call.enriched"]
        grown, known = await it.world.store.events(limit=9)
        assert (known.call.get("transcription"), known.call["caller_name"]) == (None, "Dana Example")
        new = {name: grown.call[name] for name in ("transcription", "ai_score", "gclid")}
        assert new == {"transcription": "The boiler leaks.", "ai_score": 82, "gclid": "g1"}
        assert {name: grown.call[name] for name in known.call if name != "event"} == {
            name: value for name, value in known.call.items() if name != "event"
        }
        assert len(await it.texts()) == 1
        assert it.shop.said("log") == ["c-0001 missed", "The boiler leaks."]


@pytest.mark.parametrize("order", [("call.completed", "call.missed"), ("call.missed", "call.completed")])
async def test_a_call_that_is_told_as_answered_and_as_missed_is_kept_as_both_and_not_texted_about(house, told, order):
    async with house(BACK, LOG) as it:
        for kind in order:
            answer = await it.post(told(event=kind, status=None))
            assert (answer.status, answer.json["duplicate"]) == (202, False)
            await it.shop.settle()
        await it.run()
        assert await it.types() == list(order)
        assert await it.texts() == []
        assert sorted(it.shop.said("log")) == ["c-0001 answered", "c-0001 missed"]
        [text] = [one for one in await it.world.store.deliveries(limit=9) if one.kind == "text"]
        assert (str(text.state), "caller.answered_since" in str(text.reason)) == ("cancelled", True)


async def test_a_type_of_tomorrow_with_nothing_but_an_id_is_kept_as_it_came_and_no_rule_acts_on_it(house):
    async with house(BACK, LOG, EAGER) as it:
        body = {"event": "call.transferred", "call_id": "c-9", "to": {"desk": [1, None]}, "words": ["leak"]}
        answer = await it.post(body)
        await it.run()
        assert (answer.status, it.front.count("unknown_type"), it.front.count("accepted")) == (202, 1, 0)
        event = await it.world.store.event("last")
        assert (event.type, dict(event.raw)) == ("call.transferred", body)
        assert await it.world.store.deliveries(limit=9) == []


BEYOND_BELIEF = [
    "1970-01-01T00:00:00Z",
    "2099-01-01T00:00:00Z",
    "2026-03-02T15:59:30",
    "2026-03-02T24:00:00Z",
    1_772_467_170_000,
]


@pytest.mark.parametrize("written", BEYOND_BELIEF)
async def test_a_call_of_a_time_that_cannot_be_believed_is_kept_at_its_arrival_and_not_texted_about(
    house, told, written
):
    async with house(BACK, LOG) as it:
        answer = await it.post({**told(), "created_at": written})
        await it.run()
        event = await it.world.store.event(answer.json["event"])
        assert (answer.status, event.began_at, event.raw["created_at"]) == (202, event.received_at, written)
        assert (await it.texts(), it.shop.said("log")) == ([], ["c-0001 missed"])
        verdict = await it.shop.verdict(event.id)
        assert (verdict.word, "age unknown" in verdict.why) == ("suppressed", True)
