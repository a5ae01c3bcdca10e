"""The real planner and worker on a ledger in memory: what was before counts, and nothing leaves the relay."""

import pytest

from connectors.table import CONNECTORS
from relay.intake import merge, read_event
from relay.models import Owned
from relay.rehearsal import Past, Rehearsal, read_past
from relay.settings import read_settings
from tests.conftest import MONDAY

HOUR, DAY = 3600.0, 86400.0
NOTHING = Past()
ANN, BOB = "+13125550101", "+13125550102"
FILE = """
business: {timezone: America/Chicago}
sources: {callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${SECRET}"}}}
connectors:
  log: {type: webhook, url: "http://127.0.0.1:9/nobody", signing_secret: "${SECRET}"}
rules:
  - name: Back
    mode: shadow
    when: [call.missed]
    then:
      - {wait: 2m, cancel_if: {caller.answered_since: true}}
      - {text: caller, body: "sorry we missed you. Reply STOP to opt out."}
      - {send: log}
"""


def missed(call, at, person=ANN, kind="call.missed"):
    body = call(event=kind, call_id=f"{kind}-{at}-{person}", created_at=None, caller_number=person)
    return read_event(body, "callscaler", at).event


@pytest.fixture
async def rehearse(tmp_path):
    """The rules of the file, rehearsed after what was before."""
    began = []

    async def begin(past=NOTHING):
        path = tmp_path / "relay.yaml"
        path.write_text(FILE)
        settings = read_settings(path, CONNECTORS, {"SECRET": "false-secret-0000"})
        rehearsal = Rehearsal(settings, settings.rules, CONNECTORS, past)
        began.append(rehearsal)
        await rehearsal.remember()
        return rehearsal

    yield begin
    for one in began:
        await one.close()


async def outcome(rehearsal):
    """Every delivery after everything is done: its kind, and how it stands."""
    await rehearsal.run_on()
    return [(one.kind, str(one.state)) for one in (await rehearsal.store.deliveries(limit=99))[::-1]]


async def test_a_rule_in_shadow_mode_acts_and_every_service_says_yes(rehearse, call):
    rehearsal = await rehearse()
    await rehearsal.happen(missed(call, MONDAY))
    assert await outcome(rehearsal) == [("text", "delivered"), ("send", "delivered")]
    assert rehearsal.now == MONDAY + 120


async def test_what_falls_due_before_an_event_is_done_before_it(rehearse, call):
    rehearsal = await rehearse()
    await rehearsal.happen(missed(call, MONDAY))
    await rehearsal.happen(missed(call, MONDAY + HOUR, BOB))
    [first] = await rehearsal.store.texts(limit=9)
    assert (first["recipient"], first["at"]) == (ANN, MONDAY + 120)


async def test_a_call_that_comes_in_time_calls_the_text_off(rehearse, call):
    rehearsal = await rehearse()
    await rehearsal.happen(missed(call, MONDAY))
    await rehearsal.happen(missed(call, MONDAY + 60, kind="call.completed"))
    assert ("text", "cancelled") in await outcome(rehearsal)
    assert await rehearsal.store.texts(limit=9) == []


async def test_whoever_opts_out_meanwhile_is_not_texted(rehearse, call):
    rehearsal = await rehearse()
    await rehearsal.happen(missed(call, MONDAY))
    await rehearsal.opt_out(ANN, MONDAY + 60)
    assert ("text", "suppressed") in await outcome(rehearsal)


async def test_earlier_texts_and_opt_outs_stand_in_the_way(rehearse, call):
    first = await rehearse()
    await first.happen(missed(call, MONDAY))
    await first.happen(missed(call, MONDAY + HOUR, BOB))
    await first.run_on()
    await first.store.opt_out(BOB, now=MONDAY + HOUR, how="by hand")
    await first.store.save_numbers([Owned("+13125550142", "n1")])
    now = missed(call, MONDAY + 2 * HOUR)
    await first.store.accept(now, b"{}", merge)

    past = await read_past(first.store, await first.store.event(now.id))
    assert ([len(past.events), len(past.texts)], past.opt_outs) == ([2, 2], ((BOB, MONDAY + HOUR),))
    assert [owned.number for owned in past.numbers] == ["+13125550142"]

    again = await rehearse(past)
    await again.happen(now)
    await again.happen(missed(call, MONDAY + 2 * DAY, BOB))
    await again.run_on()
    for event in await again.store.events(limit=2):
        assert [verdict.word for verdict in await again.store.verdicts(event.id)] == ["suppressed"]
    assert [text["recipient"] for text in await again.store.texts(limit=9)] == [BOB, ANN]


async def test_the_past_of_one_person_is_hers_alone(rehearse, call, ledger):
    for at, who in ((MONDAY, ANN), (MONDAY + 1, BOB), (MONDAY + 2, ANN)):
        await ledger.accept(missed(call, at, who), b"{}", merge)
    last = missed(call, MONDAY + 3)
    await ledger.accept(last, b"{}", merge)
    past = await read_past(ledger, await ledger.event(last.id), person=ANN)
    assert [event.caller for event in past.events] == [ANN, ANN]
    assert [event.received_at for event in past.events] == [MONDAY, MONDAY + 2]
