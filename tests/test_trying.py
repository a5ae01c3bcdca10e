"""One rule on one event, with nothing sent: the trace, the text, and when the next one may go."""

import pytest

from connectors.table import CONNECTORS
from relay.errors import BadBody
from relay.intake import merge, read_event
from relay.models import Delivery, Event, Plan, State
from relay.settings import read_settings
from relay.store import Settlement, TextAddress, Want, Windows
from relay.trying import sample_event, try_rule, try_stored
from tests.conftest import MONDAY

HOUR = 3600.0
FILE = """
business: {name: Bright Plumbing, timezone: America/Chicago, hours: {mon-fri: 08:00-18:00}}
sources: {callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${SECRET}"}}}
connectors:
  log: {type: webhook, url: "https://sink.example.com/calls", signing_secret: "${SECRET}"}
rules:
  - name: Back
    mode: MODE
    when: [call.missed, text.received]
    if: {caller.number: present}
    guards: {hours: HOURS}
    then:
      - {wait: 2m, cancel_if: {caller.answered_since: true}}
      - {text: caller, body: "{{ business.name }}: sorry, {{ caller.first_name }}. Reply STOP to opt out."}
      - {send: log}
  - name: Often
    when: [call.missed]
    if: {caller.calls_7d: {at_least: 2}}
    then: [{send: log}]
  - name: Busy line
    when: [call.missed]
    if: {number.calls_7d: {at_least: 3}}
    then: [{send: log}]
  - name: By day
    when: [call.missed]
    guards: {hours: skip}
    then: [{send: log}]
  - name: Scored
    when: [call.enriched]
    if: {call.ai_score: {at_least: 80}}
    then: [{send: log}]
"""


@pytest.fixture
def shop(tmp_path):
    """The settings, and a rule of them by its name."""

    def read(mode="live", hours="ignore"):
        path = tmp_path / "relay.yaml"
        path.write_text(FILE.replace("MODE", mode).replace("HOURS", hours))
        return read_settings(path, CONNECTORS, {"SECRET": "false-secret-0000", "CALLSCALER_API_KEY": "cs_key_false"})

    return read


def named(settings, name):
    return next(rule for rule in settings.rules if rule.name == name)


async def tried(settings, rule="Back", sample="missed-call", at=MONDAY, **fields):
    event = sample_event(sample, {"call_id": "c-1", **fields}, "callscaler", at)
    return await try_rule(named(settings, rule), event, settings, CONNECTORS)


async def test_the_text_is_told_with_its_time_its_cost_and_when_the_next_may_go(shop):
    trial = await tried(shop())
    text, send = trial.steps
    assert trial.verdict.word == "ran"
    assert text.state == send.state == "would go"
    assert text.at == MONDAY + 120
    assert text.action["body"] == "Bright Plumbing: sorry, Dana. Reply STOP to opt out."
    assert str(text.cost) == "1 segment, 52 of 160"
    assert text.again_at == MONDAY + 120 + 24 * HOUR
    assert (send.connector, send.cost, send.again_at) == ("log", None, None)


async def test_every_condition_and_every_guard_is_told_also_where_it_passes(shop):
    trial = await tried(shop(hours="skip"))
    assert ("caller.number", "+13125550101", True) in [(f.name, f.found, f.held) for f in trial.conditions]
    assert [(f.name, f.found, f.held) for f in trial.guards] == [
        ("guard fresh", "0s", True),
        ("guard hours", "open", True),
        ("guard cooldown", "last: never", True),
        ("guard opt-out", "clear", True),
        ("guard number", "either", True),
        ("guard quiet hours", "Mon 10:02", True),
        ("guard per_person", "0", True),
        ("guard per_prefix", "0", True),
        ("guard total", "0", True),
    ]


@pytest.mark.parametrize("mode", ["shadow", "off"])
async def test_a_rule_that_is_not_live_is_tried_as_if_it_were(shop, mode):
    trial = await tried(shop(mode=mode))
    assert trial.mode == mode
    assert trial.steps[0].state == "would go"


async def test_a_condition_that_does_not_hold_is_told_with_both_values_and_no_guard_is_asked(shop):
    trial = await tried(shop(), caller_number="anonymous")
    assert trial.verdict.why == "caller.number: wanted present, was missing"
    assert (trial.guards, trial.steps) == ((), ())


async def test_a_text_outside_its_hours_is_told_with_the_moment_it_would_be_allowed(shop):
    night = await tried(shop(), at=MONDAY - 3 * HOUR)
    assert night.verdict.word == "suppressed"
    assert night.steps[0].state == "suppressed"
    quiet = next(guard for guard in night.guards if guard.name == "guard quiet hours")
    assert (quiet.wanted, quiet.held) == ("08:00-20:00 America/Chicago", False)
    assert quiet.found == "Mon 07:02, allowed from Mon 08:00"
    held = await tried(shop(hours="hold"), at=MONDAY - 3 * HOUR)
    assert held.verdict.word == "held"
    assert held.steps[0].at == MONDAY - 2 * HOUR + 120


async def test_the_time_of_another_rule_is_nothing_to_this_one(shop, ledger):
    settings = shop()
    tick = Event("evt_1", "clock", "time.tick", "Other@1", MONDAY, call={"rule": "Other"})
    trial = await try_rule(named(settings, "Back"), tick, settings, CONNECTORS)
    assert (trial.verdict.word, trial.guards, trial.steps) == ("skipped", (), ())


async def test_a_rule_that_texts_nobody_has_only_the_guards_it_names(shop):
    trial = await tried(shop(), "By day", at=MONDAY - 3 * HOUR)
    assert trial.verdict.why == "hours: wanted open, was closed"
    assert [(f.name, f.found, f.held) for f in trial.guards] == [("guard hours", "closed", False)]


async def test_an_old_call_is_told_with_its_age(shop):
    trial = await tried(shop(), created_at="2026-03-02T15:00:00Z")
    assert (trial.verdict.word, trial.guards[0].found, trial.guards[0].held) == ("suppressed", "1h", False)


async def test_samples_go_by_their_names_and_by_the_type_of_event_they_show(shop):
    settings = shop()
    assert (await tried(settings, "Scored", "call.enriched")).verdict.word == "ran"
    assert (await tried(settings, "Scored", "call.missed")).verdict.word == "skipped"
    answer = await tried(settings, "Back", "text.received", body="hello")
    assert answer.event.call["body"] == "hello"
    with pytest.raises(ValueError, match="did you mean `missed-call`"):
        sample_event("mised-call", {"call_id": "c-1"}, "callscaler", MONDAY)
    with pytest.raises((ValueError, BadBody)):
        sample_event("missed-call", {"call_id": ""}, "callscaler", MONDAY)


async def arrive(ledger, call, at, key, **fields):
    read = read_event(call(call_id=key, created_at=None, **fields), "callscaler", at)
    await ledger.accept(read.event, b"{}", merge)
    return read.event


async def plan_nothing(ledger, now, *owed):
    while await ledger.plan(
        lambda *_: Plan((), owed), now=now, config="v", windows=Windows(), prefix=lambda n: n[2:8], limit=64
    ):
        pass


async def text(ledger, call, at, person, rule="Back"):
    """A text that really went out, for a call of its own."""
    event = await arrive(ledger, call, at, f"texted-{at}", caller_number=person)
    owed = Delivery(
        f"dlv-{at}", event.id, f"{event.id}.old", rule, "old", 0, "text", "callscaler", State.DUE, due_at=at
    )
    await plan_nothing(ledger, at, owed)
    [claimed] = (await ledger.claim({"callscaler": Want(9)}, now=at)).claimed
    address = TextAddress(person, person[2:8], "+13125550142", "hi")
    begun = await ledger.begin_text(
        claimed.delivery,
        address,
        lambda delivery, *_: delivery.moved(State.SENDING),
        lambda _: (),
        now=at,
        windows=Windows(),
    )
    await ledger.settle([Settlement(begun.moved(State.DELIVERED, settled_at=at))], lambda _: ())


async def test_a_stored_event_is_judged_with_what_the_ledger_knew_then(shop, ledger, call):
    settings = shop()
    for hours in (5, 4, 3):
        await arrive(ledger, call, MONDAY - hours * HOUR, f"c{hours}", caller_number="+13125550101")
    first = await try_stored(named(settings, "Often"), "c5", ledger, settings, CONNECTORS)
    last = await try_stored(named(settings, "Often"), "c3", ledger, settings, CONNECTORS)
    assert [(f.found, f.held) for f in first.conditions] == [("1", False)]
    assert [(f.found, f.held) for f in last.conditions] == [("3", True)]
    assert await try_stored(named(settings, "Often"), "nobody", ledger, settings, CONNECTORS) is None


async def test_the_calls_of_others_count_for_the_number(shop, ledger, call):
    settings = shop()
    for last in (1, 2, 3):
        await arrive(ledger, call, MONDAY + last, f"c{last}", caller_number=f"+1312555010{last}")
    trial = await try_stored(named(settings, "Busy line"), "last", ledger, settings, CONNECTORS)
    assert [(f.found, f.held) for f in trial.conditions] == [("3", True)]


async def test_an_earlier_text_stands_in_the_way_a_later_one_and_somebody_elses_do_not(shop, ledger, call):
    settings = shop()
    await text(ledger, call, MONDAY - 3 * HOUR, "+13125550101", rule="Other")
    await arrive(ledger, call, MONDAY, "mine", caller_number="+13125550101")
    await arrive(ledger, call, MONDAY + 1, "theirs", caller_number="+13125550102")
    await text(ledger, call, MONDAY + HOUR, "+13125550102")
    mine = await try_stored(named(settings, "Back"), "mine", ledger, settings, CONNECTORS)
    assert mine.verdict.word == "suppressed"
    assert "texted 3h ago by Other" in mine.verdict.why
    assert mine.guards[1].found == "last: 3h ago by Other"
    theirs = await try_stored(named(settings, "Back"), "theirs", ledger, settings, CONNECTORS)
    assert theirs.steps[0].state == "would go"


async def test_earlier_calls_are_counted_and_judged_by_nothing(shop, ledger, call):
    settings = shop()
    await arrive(ledger, call, MONDAY - HOUR, "earlier")
    await arrive(ledger, call, MONDAY, "mine")
    assert (await try_stored(named(settings, "Back"), "mine", ledger, settings, CONNECTORS)).steps[
        0
    ].state == "would go"


async def test_somebody_who_had_opted_out_would_not_be_texted(shop, ledger, call):
    settings = shop()
    await arrive(ledger, call, MONDAY, "before")
    await ledger.opt_out("+13125550101", now=MONDAY + 600, how="by hand")
    await arrive(ledger, call, MONDAY + 1200, "after")
    before = await try_stored(named(settings, "Back"), "before", ledger, settings, CONNECTORS)
    after = await try_stored(named(settings, "Back"), "after", ledger, settings, CONNECTORS)
    assert before.steps[0].state == "would go"
    assert after.steps[0].state == "suppressed"
    assert [f.name for f in after.guards if not f.held] == ["guard opt-out"]


async def test_trying_changes_nothing_in_the_ledger(shop, ledger, call):
    settings = shop()
    await arrive(ledger, call, MONDAY, "c1")
    before = await ledger.totals()
    await try_stored(named(settings, "Back"), "c1", ledger, settings, CONNECTORS)
    assert await ledger.totals() == before
    assert await ledger.deliveries(limit=9) == []
    assert await ledger.texts(limit=9) == []
