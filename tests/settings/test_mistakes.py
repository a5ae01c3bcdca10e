"""What is wrong with a file is told all at once, each with its place, in words that say what to do."""

import contextlib

import pytest

from connectors.table import CONNECTORS
from relay.errors import ConfigError
from relay.settings import read_settings

TEN = """\
busines: {name: Bright Plumbing}
business:
  timezone: America/Chicagoo
  hours: {mon-fri: 18:00-08:99}
server:
  listen: 8080
  admni: 127.0.0.1:8081
store: mysql://localhost/relay
connectors:
  team: {type: slak, webhook_url: "https://hooks.slack.com/x"}
  archive:
    type: webhook
    url: ${ARCHIVE_URL}
    timeout: 15
  callscaler: {type: webhook, url: "https://example.com"}
texting:
  limits: {per_person: many}
rules:
  - name: one
    when: [call.mised]
    if: {caller.numbr: present}
    then:
      - send: archive
      - send: team
        message: hello
"""


def test_all_mistakes_come_out_at_once_each_with_its_place(mistakes):
    told = mistakes(TEN)
    wanted = {
        "1:1": "did you mean `business`?",
        "3:": "America/Chicagoo",
        "4:": "08:99",
        "6:": "write HOST:PORT",
        "7:3": "did you mean `admin`?",
        "8:8": "sqlite:///relay.db",
        "10:16": "did you mean `slack`?",
        "13:10": "ARCHIVE_URL is not set",
        "15:3": "the phone system's own name",
        "17:": "is no limit",
        "20:": "did you mean `call.missed`?",
        "21:": "did you mean `caller.number`?",
    }
    for place, words in wanted.items():
        assert any(line.startswith(place) and words in line for line in told), f"{place} {words} in {told}"
    assert len(told) == len(wanted) + 1  # a bare 15; nothing of the rule that sends to the connector of no known type
    assert told == sorted(told, key=lambda line: tuple(map(int, line.split(":")[:2])))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("business: {name: a}\nbusiness: {name: b}\n", "2:1", "twice"),
        ("business:\n  name: a\n  name: b\n", "3:3", "twice"),
        ("a: &x 1\nb: *x\n", "1:4", "anchors"),
        ("business: &b {name: x}\nserver:\n  <<: *b\n", "1:11", "anchors"),
        ("server:\n  <<: {listen: 1}\n", "2:3", "merging"),
        ("business:\n\tname: x\n", "2:1", "no YAML"),
        ("business: !!python/object/apply:os.system [ls]\n", "1:11", "tag"),
        ("business: {name: !!str x}\n", "1:18", "tag"),
        ("business: " + "[" * 5000 + "]" * 5000 + "\n", "1:", "nested deeper"),
        ("business: {name: x\n", "2:1", "no YAML"),
        ("--- {}\n--- {}\n", "2:1", "no YAML"),
        ("- a\n", "1:1", "mapping of sections"),
        ("just words\n", "1:1", "mapping of sections"),
        ("? [a]\n: b\n", "1:3", "a key is plain text"),
    ],
)
def test_what_yaml_allows_and_people_do_not_mean_is_refused_with_its_place(mistakes, text, place, words):
    [told] = [line for line in mistakes(text) if words in line]
    assert told.startswith(place)


def test_an_alias_bomb_is_refused_at_its_first_anchor(mistakes):
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert "anchors" in mistakes("\n".join(rows))[0]


@pytest.mark.parametrize(
    ("text", "words"), [(b"x" * 300_000, "larger than 256 KiB"), (b"business: {name: \xff}", "not UTF-8")]
)
def test_a_file_that_cannot_be_read_is_told(mistakes, text, words):
    [told] = mistakes(text)
    assert words in told


@pytest.mark.parametrize(("text", "place"), [("rules: [", "1:9"), ('lists:\n  a: "b', "2:8"), ("rules: [\r", "1:10")])
def test_a_file_that_breaks_off_without_a_last_line_is_told_of_where_it_ends(mistakes, text, place):
    [told] = mistakes(text.encode())
    assert told.startswith(f"{place}: this is no YAML: ")


def test_a_file_that_was_cut_off_anywhere_is_read_or_refused(load):
    for end in range(0, len(TEN), 3):
        with contextlib.suppress(ConfigError):
            load(TEN[:end])


def test_a_file_that_is_not_there_names_the_way_out(tmp_path):
    with pytest.raises(ConfigError, match="relay init"):
        read_settings(tmp_path / "none.yaml", CONNECTORS, {})


SOURCE = """\
sources:
  crm:
    type: {type}
    proof: {{header: X-Secret, secret: '${{RELAY_HOOK_SECRET}}'}}
    map: {map}
"""


def test_a_map_names_fields_that_are_known(mistakes, load):
    [told] = mistakes(SOURCE.format(type="json", map="{caller_nmber: from}"))
    assert told.startswith("5:")
    assert "did you mean `caller_number`?" in told
    [told] = mistakes(SOURCE.format(type="callscaler", map="{call_id: ref}"))
    assert "belongs to sources of type json" in told
    places = "{call.id: a.b, caller.number: from, event: kind, durationSeconds: d}"
    assert load(SOURCE.format(type="json", map=places)).sources["crm"].map["call.id"] == "a.b"


@pytest.mark.parametrize("rate", ["5/0s", "1/0m", "0/s", "2/fortnight", "1/.5s", "s", "x/s"])
def test_a_rate_is_some_tries_in_some_time(mistakes, rate):
    [told] = mistakes(f"connectors:\n  a: {{type: webhook, url: 'https://example.com', rate: {rate}}}\n")
    assert f"`{rate}` is no rate; write 1/s or 60/m" in told


@pytest.mark.parametrize("manner", ["timeout: 0s", "retry: {first: 0s}", "retry: {most: 0s}"])
def test_a_try_takes_time_and_the_next_one_waits(mistakes, manner):
    [told] = mistakes(f"connectors:\n  a: {{type: webhook, url: 'https://example.com', {manner}}}\n")
    assert "should be greater than 0" in told


def test_a_lease_must_outlast_a_try(mistakes):
    [told] = mistakes("connectors:\n  a: {type: webhook, url: 'https://example.com', timeout: 30s, lease: 10s}\n")
    assert "`lease` must be longer" in told


def test_a_live_rule_that_texts_needs_the_api(mistakes):
    [told] = mistakes("rules:\n  - {name: t, when: call.missed, then: [{text: caller, body: hello}]}\n")
    assert "CALLSCALER_API_KEY" in told


def test_a_rule_that_texts_trusts_no_source_without_proof(mistakes):
    text = (
        "sources: {open: {type: callscaler, proof: none}}\n"
        "rules:\n  - {name: t, when: call.missed, then: [{text: caller, body: hello}]}\n"
    )
    [told] = mistakes(text, {"CALLSCALER_API_KEY": "cs_key_false"})
    assert "whose proof is none" in told


def test_two_rules_of_one_name_are_told(mistakes):
    rule = "  - {name: t, when: call.missed, then: [{stop: x}]}\n"
    [told] = mistakes(f"rules:\n{rule}{rule}")
    assert told.startswith("3:")


def test_alerts_are_told_to_somebody_who_can_be_told(mistakes):
    file = "connectors:\n  kept: {type: archive, path: kept.jsonl}\nalerts: {to: %s}\n"
    assert mistakes(file % "kept") == [
        "3:14: kept rings nobody; name a connector of type slack, email, notify or webhook"
    ]
    assert mistakes(file % "kep") == ["3:14: `kep` is no known connector; did you mean `kept`?"]


def test_certificates_that_are_none_are_a_mistake(mistakes, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    said = "cannot be read, or holds no certificates (PEM)"
    assert mistakes("network: {ca_file: ca.pem}\n") == [f"1:20: ca.pem {said}"]
    assert mistakes("network: {ca_file: none.pem}\n") == [f"1:20: none.pem {said}"]


MANY = """\
business:
  timezone: America/Chicgo
  hours: {sunn: 10:00-12:00, mon: 9-17}
  closed: [2026-02-30, 2026-12-25]
  staff: ["555"]
connectors:
  team: {type: slak}
alerts: {to: team}
texting:
  quiet_hours: {allow: 21:00, clock: mars}
  regions: [us, USA]
spam: {score: [{if: {call.robo_scor: 1}, add: x}], likely_from: 9, certain_from: 8}
rules:
  - name: Good
    when: {every: day}
    then: [{send: team}]
  - name: Better
    when: {every: sunday, at: 10:00}
    then: [{send: tem}]
tests:
  - name: x
    given: [{event: call.misssed, at: yesterday}, {tick: Good}]
    broken: {teem: 503}
    expect: {txts: 1, delivered: {teem: 1}, verdicts: {Better: rann, Best: ran}}
"""


def test_no_mistake_hides_another_and_none_is_told_of_what_only_follows_from_one(mistakes):
    assert mistakes(MANY) == [
        "2:13: 'America/Chicgo' is no time zone; did you mean America/Chicago?",
        "3:17: 'sunn' is no day; write mon, mon-fri, sat,sun or daily",
        "3:35: '9' is no time of day; write one like 08:00 or 18:30",
        "4:12: '2026-02-30' is no date; write one like 2026-12-25",
        "5:11: `555` is no telephone number; write it as +13125550101",
        "7:16: `slak` is no known connector type; did you mean `slack`?",
        "10:24: '21:00' is no span of hours; write one like 08:00-18:00; or always, which lifts all quiet hours",
        "10:38: this should be one of 'recipient' or 'business'",
        "11:17: `USA` is no country's two letters; write US, CA or GB",
        "12:22: `call.robo_scor` is not known; did you mean `call.robo_score`?",
        "12:47: this should be a whole number",
        "12:82: what is certain has at least the points of what is likely: 9 or more",
        "15:11: `at` is missing here; write {every: day, at: 06:10}",
        "18:19: `sunday` is no known day, and no span like 15m; did you mean `sun`?",
        "19:19: `tem` is no known connector; did you mean `team`?",
        "22:21: `call.misssed` is no known event type; did you mean `call.missed`?",
        "22:39: `at: yesterday` is no time; write 2026-03-02 10:00",
        "22:51: `at: ` is no time; write 2026-03-02 10:00",
        "23:14: `teem` is no known connector; did you mean `team`?",
        "24:14: `txts` is no known key; did you mean `texts`?",
        "24:35: `teem` is no known connector; did you mean `team`?",
        "24:64: `rann` is no known verdict; did you mean `ran`?",
        "24:70: `Best` is no known rule; did you mean `Better`?",
    ]


NEVER = """\
connectors:
  log: {type: webhook, url: "https://example.com"}
rules:
  - name: R
    when: WHEN
    if: IF
    then: [{send: log}]
"""


@pytest.mark.parametrize(
    ("when", "condition", "said"),
    [
        ("call.*", "{call.ai_score: {at_least: 9, at_most: 3}}", "`call.ai_score` at least 9 and at most 3: nothing"),
        ("call.*", "{all: [{call.ai_score: {above: 5}}, {call.ai_score: {at_most: 5}}]}", "nothing is both"),
        ("call.*", "[{call.outcome: missed}, {call.outcome: [answered, failed]}]", "nothing is both"),
        ("call.*", "{caller.name: {is: Dana, is_not: Dana}}", "nothing is both"),
        ("call.*", "{all: [{caller.name: missing}, {caller.name: {has: x}}]}", "nothing is both"),
        ("call.*", "{call.duration: {is: 10, above: 30s}}", "nothing is both"),
        ("call.missed", "{call.outcome: answered}", "the rule waits for call.missed"),
        ("call.*", "{text.body: {has: stop}}", "only a text that came in has it"),
    ],
)
def test_a_rule_that_can_never_run_is_warned_of_where_it_says_so(load, when, condition, said):
    [warning] = load(NEVER.replace("WHEN", when).replace("IF", condition)).warnings
    assert (warning.line, said in warning.message) == (6, True), warning
    assert "never runs" in warning.message


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ("call.*", "{call.ai_score: {at_least: 9, at_most: 9}}"),
        ("call.*", "{any: [{call.outcome: missed}, {call.outcome: answered}]}"),
        ("call.*", "[{caller.tags: vip}, {caller.tags: hot}]"),
        ("call.*", "{not: {call.ai_score: {at_least: 9, at_most: 3}}}"),
        ("call.*", "[{caller.name: missing}, {caller.name: {is_not: Dana}}]"),
        ("[call.missed, call.enriched]", "{call.outcome: answered}"),
        ("[call.missed, text.received]", "{text.body: {has: hello}}"),
        ("call.*", "{text.body: missing}"),
        ("call.*", "{call.duration: [10, 60], call.ai_score: {is_not: 5, above: 4}}"),
    ],
)
def test_a_rule_that_may_run_is_not_warned_of(load, when, condition):
    assert load(NEVER.replace("WHEN", when).replace("IF", condition)).warnings == ()


ENDS = "connectors: {log: {type: webhook, url: https://example.com/}}\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("texting: {limits: {total: 0/day}}\n", 1, 27, "nobody is ever texted"),
        ("texting:\n  limits:\n    per_person: 0/week\n", 3, 17, "nobody is ever texted"),
        ("rules:\n  - name: Digest\n    when: {at: opening, plus: 10m}\n    then: [{send: log}]\n", 3, 11,
         "this time never comes"),
        ("rules:\n  - {name: Digest, when: [call.missed, {at: closing}], then: [{send: log}]}\n", 2, 26,
         "write business: hours"),
        ("rules:\n  - {name: Back, when: call.missed, guards: {hours: hold}, then: [{send: log}]}\n", 2, 53,
         "so it is always open, and `hours: hold` changes nothing"),
        ("groups:\n  - {name: Busy, if: {number.calls_7d: {at_least: 50}}, leave_below: {number.calls_7d: 60}}\n",
         2, 88, "comes into `Busy` at 50, and 60 lies above that"),
        ("groups:\n  - name: Busy\n    if: [{number.calls_7d: {above: 9}}]\n    leave_below: {number.calls_7d: 10}\n",
         4, 36, "write less than 9"),
    ],
)  # fmt: skip
def test_what_has_no_effect_or_stops_everything_is_warned_of_where_it_stands(load, text, line, column, said):
    [warning] = load(ENDS + text).warnings
    assert (warning.line, warning.column) == (line + ENDS.count("\n"), column), warning
    assert said in warning.message


@pytest.mark.parametrize(
    "text",
    [
        "texting: {limits: {total: none, per_person: 1/day}}\n",
        "business: {hours: {mon: 09:00-17:00}}\nrules: [{name: Digest, when: {at: opening}, then: [{send: log}]}]\n",
        "rules: [{name: Back, when: call.missed, guards: {hours: ignore}, then: [{send: log}]}]\n",
        "business: {closed: [2026-12-25]}\nrules: [{name: Digest, when: {at: opening}, then: [{send: log}]}]\n",
        "groups: [{name: Busy, if: {number.calls_7d: {at_least: 50}}, leave_below: {number.calls_7d: 50}}]\n",
        "groups: [{name: Busy, if: {number.calls_30d: {at_least: 50}}, leave_below: {number.calls_7d: 60}}]\n",
        "groups: [{name: Busy, if: {any: [{number.calls_7d: {above: 9}}]}, leave_below: {number.calls_7d: 60}}]\n",
    ],
)
def test_what_has_its_effect_is_not_warned_of(load, text):
    assert load(ENDS + text).warnings == ()
