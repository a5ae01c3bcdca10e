"""Other rules over stored calls: which texts more, which fewer, when, and to whom."""

import pytest

from connectors.table import CONNECTORS
from relay.backtest import backtest
from relay.intake import merge, read_event
from relay.settings import read_settings
from tests.conftest import MONDAY

HOUR, DAY = 3600.0, 86400.0
FILE = """
business: {name: Bright Plumbing, timezone: America/Chicago}
sources: {callscaler: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${SECRET}"}}}
connectors:
  log: {type: webhook, url: "https://sink.example.com/calls", signing_secret: "${SECRET}"}
rules:
  - name: Back
    mode: live
    when: [call.missed]
    guards: {cooldown: {for: 24h}}
    then:
      - {text: caller, body: "sorry we missed you. Reply STOP to opt out."}
  - name: Log
    when: call.*
    then: [{send: log}]
"""


@pytest.fixture
def rules(tmp_path):
    """The file, with one thing in it written otherwise."""

    def read(was="", written=""):
        assert was in FILE
        path = tmp_path / "relay.yaml"
        path.write_text(FILE.replace(was, written) if was else FILE)
        return read_settings(path, CONNECTORS, {"SECRET": "false-secret-0000", "CALLSCALER_API_KEY": "cs_key_false"})

    return read


@pytest.fixture
def arrive(ledger, call):
    async def come(at, person="+13125550101", **fields):
        body = call(call_id=f"c-{at}", created_at=None, caller_number=person, **fields)
        await ledger.accept(read_event(body, "callscaler", at).event, b"{}", merge)

    return come


async def run(ledger, in_force, other, days=7, now=MONDAY + DAY):
    return await backtest(ledger, days, in_force, other, CONNECTORS, now=now)


def told(texts):
    return [(text.at - MONDAY, text.person) for text in texts]


async def test_the_same_rules_make_no_difference(ledger, arrive, rules):
    await arrive(MONDAY)
    await arrive(MONDAY + HOUR, "+13125550102")
    found = await run(ledger, rules(), rules("mode: live", "mode: shadow"))
    assert (found.events, found.more, found.fewer, found.changed) == (2, [], [], [])
    assert (len(found.now.texts), found.now.segments, found.now.delivered) == (2, 2, {"callscaler": 2, "log": 2})
    assert found.then.delivered == found.now.delivered


async def test_a_shorter_cooldown_texts_more_and_says_whom_and_when(ledger, arrive, rules):
    await arrive(MONDAY)
    await arrive(MONDAY + HOUR)
    await arrive(MONDAY + 2 * HOUR, "+13125550102")
    found = await run(ledger, rules(), rules("for: 24h", "for: 30m"))
    assert told(found.more) == [(HOUR, "***0101")]
    assert found.fewer == []
    assert (found.now.suppressed, found.then.suppressed) == (1, 0)
    back = await run(ledger, rules("for: 24h", "for: 30m"), rules())
    assert (back.more, told(back.fewer)) == ([], [(HOUR, "***0101")])


async def test_other_words_and_another_time_are_a_change(ledger, arrive, rules):
    await arrive(MONDAY)
    words = await run(ledger, rules(), rules("sorry we missed you", "sorry" * 40))
    [(old, new)] = words.changed
    assert (old.segments, new.segments, words.more, words.fewer) == (1, 2, [], [])
    assert (words.now.segments, words.then.segments) == (1, 2)
    later = await run(ledger, rules(), rules("then:\n      - {text", "then:\n      - {wait: 10m}\n      - {text"))
    [(old, new)] = later.changed
    assert new.at - old.at == 600


async def test_only_the_last_days_count_and_earlier_calls_only_as_facts(ledger, arrive, rules):
    await arrive(MONDAY - 10 * DAY)
    await arrive(MONDAY)
    again = rules("when: [call.missed]\n", "when: [call.missed]\n    if: {caller.is_new: false}\n")
    found = await run(ledger, rules(), again)
    assert found.events == 1
    assert (len(found.now.texts), len(found.then.texts)) == (1, 1)
    none = await run(ledger, rules(), again, days=20)
    assert told(none.fewer) == [(-10 * DAY, "***0101")]


async def test_an_opt_out_counts_from_its_own_moment_on(ledger, arrive, rules):
    await arrive(MONDAY)
    await ledger.opt_out("+13125550101", now=MONDAY + HOUR, how="by hand")
    await arrive(MONDAY + 2 * HOUR)
    found = await run(ledger, rules(), rules("for: 24h", "for: 30m"))
    assert (len(found.now.texts), len(found.then.texts)) == (1, 1)


async def test_a_connector_that_is_used_more_or_less_is_counted(ledger, arrive, rules):
    await arrive(MONDAY)
    found = await run(ledger, rules(), rules("when: call.*", "when: call.failed"))
    assert (found.now.delivered.get("log"), found.then.delivered.get("log")) == (1, None)


async def test_the_ledger_stays_as_it_was(ledger, arrive, rules):
    await arrive(MONDAY)
    before = await ledger.totals()
    await run(ledger, rules(), rules("for: 24h", "for: 30m"))
    assert await ledger.totals() == before
    assert (await ledger.texts(limit=9), await ledger.deliveries(limit=9)) == ([], [])
