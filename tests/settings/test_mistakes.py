"""What is wrong with a file is told all at once, each with its place, in words that say what to do."""

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
    assert len(told) == len(wanted) + 2  # a bare 15, and a rule that sends to the connector of no known type
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
