"""`try` and `backtest` from the shell: what is printed, in words and in JSON, and the exit codes."""

import asyncio
import json
import time

import pytest

from relay.intake import merge, read_event
from relay.store.sqlite import SqliteStore

RULES = """\
business: {name: Bright Plumbing, timezone: America/Chicago}
texting: {quiet_hours: {allow: always}}
connectors:
  archive: {type: webhook, url: "https://example.com"}
rules:
  - name: Text back
    mode: shadow
    when: call.missed
    then:
      - {text: caller, body: "{{ business.name }}: sorry we missed you. Reply STOP to opt out."}
      - {send: archive, body: {who: "{{ caller.number }}"}}
"""
pytestmark = pytest.mark.usefixtures("quiet")
NOON = ("--at", "2026-03-02 12:00")


@pytest.fixture
def rules(folder):
    (folder / "relay.yaml").write_text(RULES)
    return folder / "relay.yaml"


@pytest.fixture
def kept(rules):
    """A ledger with two missed calls of one person, a minute apart, yesterday."""

    async def fill():
        ledger = SqliteStore(rules.parent / "relay.db")
        for number in (1, 2):
            body = {"event": "call.missed", "call_id": f"c{number}", "caller_number": "+13125550101",
                    "tracking_number": "+13125550142"}  # fmt: skip
            event = read_event(body, "callscaler", time.time() - 86400 + 60 * number).event
            await ledger.accept(event, json.dumps(body).encode(), merge)
        await ledger.close()

    asyncio.run(fill())


def test_a_trial_is_told_in_plain_words(run, rules):
    ran = run("try", "text back", "--sample", "missed-call", *NOON)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("call.missed  +13125550101 → +13125550142  arrived Mon 2026-03-02 12:00:00\n")
    for words in (
        "Text back (mode: shadow; tried as if it were live)",
        "call.spam is unlikely unlikely yes",
        "guard cooldown no text in 1d last: never pass",
        "→ step 1 text +13125550101 would go at Mon 2026-03-02 12:00:00",
        '"Bright Plumbing: sorry we missed you. Reply STOP to opt out."',
        "1 segment, 60 of 160 (GSM-7)",
        "would not text +13125550101 again until Tue 2026-03-03 12:00:00",
        "→ step 2 send archive would go at Mon 2026-03-02 12:00:00",
        '{"body": {"who": "+13125550101"}}',
        "nothing was sent",
    ):
        assert words in " ".join(ran.out.split())


def test_a_field_of_the_sample_can_be_set(run, rules):
    ran = run("try", "Text back", "--sample", "missed-call", "--set", "caller_number=anonymous", *NOON)
    assert "withheld: the caller's number is not known" in ran.out
    told = run("try", "Text back", "--sample", "missed-call", "--set", "caller_number=+13125550107", "--json").json
    assert told["steps"][0]["action"]["to"] == "+13125550107"


def test_a_trial_in_json(run, rules):
    told = run("try", "Text back", "--sample", "missed-call", *NOON, "--json").json
    assert (told["rule"], told["mode"], told["verdict"], told["sent"]) == ("Text back", "shadow", "ran", 0)
    assert told["steps"][0]["cost"] == {"alphabet": "GSM-7", "length": 60, "segments": 1, "room": 160}
    assert told["steps"][0]["at"] == "2026-03-02T18:00:00.000Z"
    assert told["steps"][0]["again_at"] == "2026-03-03T18:00:00.000Z"
    assert {"name": "call.spam", "wanted": "is unlikely", "found": "unlikely", "held": True} in told["conditions"]


def test_a_stored_event_is_tried_beside_a_running_service(run, kept, rules):
    async def beside():
        service = SqliteStore(rules.parent / "relay.db")
        try:
            return await asyncio.to_thread(run, "try", "Text back", "--event", "c2", "--json")
        finally:
            await service.close()

    ran = asyncio.run(beside())
    assert (ran.code, ran.json["event"]["call_id"], ran.json["verdict"]) == (0, "c2", "ran")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("try", "Text bak", "--sample", "missed-call"), 4, "did you mean `Text back`"),
        (("try", "Text back", "--event", "nobody"), 4, "there is no event nobody"),
        (("try", "Text back", "--sample", "mised-call"), 2, "did you mean `missed-call`"),
        (("try", "Text back"), 2, "--event ID or --sample NAME"),
        (("try", "Text back", "--event", "c1", "--sample", "missed-call"), 2, "--event ID or --sample NAME"),
        (("try", "Text back", "--event", "c1", "--set", "a=b"), 2, "--set and --at change a sample"),
        (("try", "Text back", "--sample", "missed-call", "--set", "nothing"), 2, "--set field=value"),
        (
            ("try", "Text back", "--sample", "missed-call", "--set", "callernumber=+13125550107"),
            2,
            "`callernumber` is no known field; did you mean `caller_number`?",
        ),
        (
            ("try", "Text back", "--sample", "missed-call", "--set", "caller.number=+13125550107"),
            2,
            "`caller.number` is no known field; did you mean `caller_number`?",
        ),
        (("try", "Text back", "--sample", "missed-call", "--at", "noon"), 2, "is no time"),
        (("backtest", "nowhere.yaml"), 3, "there is no file nowhere.yaml"),
        (("backtest", "relay.yaml", "--days", "0"), 2, "--days"),
    ],
)
def test_what_cannot_be_tried_is_said_with_its_exit_code(run, kept, arguments, code, words):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_without_a_ledger_a_sample_can_be_tried_and_a_stored_event_cannot(run, rules):
    assert run("try", "Text back", "--sample", "missed-call").code == 0
    assert run("try", "Text back", "--event", "last").code == 3


def test_a_backtest_tells_the_difference(run, kept, rules):
    other = rules.parent / "other.yaml"
    other.write_text(
        RULES.replace("    then:", "    guards: {cooldown: {for: 5m}}\n    then:").replace("sorry", "so sorry")
    )
    told = run("backtest", other, "--days", 3, "--json").json
    assert (told["events"], told["now"]["texts"], told["then"]["texts"]) == (2, 1, 1)
    assert [pair["then"]["person"] for pair in told["changed"]] == ["***0101"]
    other.write_text(RULES.replace("when: call.missed", "when: call.failed"))
    ran = run("backtest", other, "--days", 3)
    assert ran.code == 0
    assert f"texts     1 now, 0 with {other}" in ran.out
    assert "***0101  1 segment  Text back" in ran.out
    assert "+0 -1" in ran.out
    assert "+13125550101" not in ran.out
    assert "the same texts" in run("backtest", rules, "--days", 3).out


def test_a_backtest_of_days_without_a_call_says_that_there_was_nothing_to_compare(run, rules):
    asyncio.run(SqliteStore(rules.parent / "relay.db").close())
    ran = run("backtest", rules, "--days", 1)
    assert ran.code == 0
    assert ran.out.startswith("0 events from ")
    assert "no call came in within the last 1 days, so there was nothing to compare" in ran.err
    assert "--days looks further back" in ran.err


def test_a_backtest_of_a_file_with_mistakes_is_exit_3(run, kept, rules):
    other = rules.parent / "other.yaml"
    other.write_text("busines: {}\n")
    ran = run("backtest", other)
    assert (ran.code, ran.out) == (3, "")
    assert "did you mean `business`" in ran.err
