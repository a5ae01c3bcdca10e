"""How values are read: as text, from the environment, from files, and never printed when they are secret."""

import datetime as dt
import os
from pathlib import Path

import pytest

from connectors.table import CONNECTORS
from relay.errors import ConfigError
from relay.settings import find_ledger, read_settings, store_place
from relay.settings.yaml_file import expand, read_document
from relay.store.place import Place

HOOK = "connectors: {a: {type: webhook, url: 'https://example.com', signing_secret: %s}}\n"
SIGNING = "whsec_bm90LWEtcmVhbC1zaWduaW5nLXNlY3JldC0wMDAwMDA="


def tree(tmp_path, text, environment=None):
    path = tmp_path / "values.yaml"
    path.write_text(text)
    document = read_document(path)
    return expand(document, document.tree, environment or {}), [mistake.message for mistake in document.mistakes]


@pytest.mark.parametrize(
    "written", ["+15551234567", "08:00", "21:00", "no", "on", "01234", "010", "1_000", "2026-12-25", "1e3", "0x10"]
)
def test_a_plain_value_is_the_text_it_looks_like(tmp_path, written):
    assert tree(tmp_path, f"a: {written}\nb: [{written}]\n")[0] == {"a": written, "b": [written]}


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_nothing_is_nothing_and_quoted_nothing_is_text(tmp_path, written):
    assert tree(tmp_path, f"a: {written}\nb: '{written}'\n")[0] == {"a": None, "b": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${NAME}", "dana"),
        ("x${NAME}y${NAME}", "xdanaydana"),
        ("${NONE:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${NONE:-}", ""),
        ("${NAME:-default}", "dana"),
        ("$$5 and $${NAME}", "$5 and ${NAME}"),
        ("$5", "$5"),
        ("${file:note.txt}", "from a file"),
        ("${NESTED}", "${NAME}"),
    ],
)
def test_variables_are_filled_in_once(tmp_path, written, value):
    (tmp_path / "note.txt").write_text("from a file\n")
    environment = {"NAME": "dana", "EMPTY": "", "NESTED": "${NAME}"}
    assert tree(tmp_path, f"'${{NAME}}': '{written}'\n", environment) == ({"${NAME}": value}, [])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("${NONE}", "NONE is not set"),
        ("${EMPTY}", "EMPTY is not set"),
        ("${file:none.txt}", "none.txt cannot be read"),
        ("${file:/dev/zero}", "could never end"),
        ("${file:pipe}", "could never end"),
        ("${file:large.txt}", "256 KiB"),
        ("${file:.}", "could never end"),
        ("${1x}", "is no variable"),
        ("${open", "is no variable"),
    ],
)
def test_what_cannot_be_filled_in_is_told(tmp_path, written, words):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.txt").write_text("x" * 300_000)
    _, [told] = tree(tmp_path, f"a: '{written}'\n", {"EMPTY": ""})
    assert words in told


def test_a_value_cannot_become_structure(tmp_path):
    assert tree(tmp_path, "a: ${X}\n", {"X": "{b: 1}\nc: 2"})[0] == {"a": "{b: 1}\nc: 2"}


def test_a_secret_in_the_file_is_warned_about_and_refused_where_others_can_read_it(load, mistakes):
    [warning] = load(HOOK % SIGNING).warnings
    assert "write ${NAME} here" in warning.message
    assert warning.line == 1
    [told] = mistakes(HOOK % SIGNING, mode=0o644)
    assert "chmod 600" in told
    assert SIGNING not in told + str(warning)


def test_the_secret_of_a_source_in_the_file_is_told_too(load, mistakes):
    text = "sources: {a: {type: callscaler, proof: {header: X-S, secret: false-secret-0001-0001}}}\n"
    assert len(load(text, {"RELAY_HOOK_SECRET": ""}).warnings) == 1
    assert len(mistakes(text, mode=0o604)) == 1


def test_a_secret_from_the_environment_is_nobodys_business(load):
    settings = load(HOOK % "'${SIGNING}'", {"SIGNING": SIGNING}, mode=0o644)
    assert settings.warnings == ()
    assert SIGNING not in repr(settings)


@pytest.mark.parametrize("written", ["", "   "])
def test_an_empty_secret_is_no_open_door(mistakes, written):
    text = "sources: {a: {type: callscaler, proof: {header: X-S, secret: '${S:-}'}}}\n"
    [told] = mistakes(text, {"S": written})
    assert "empty" in told


def test_a_missing_hook_secret_refuses_to_start(mistakes):
    [told] = mistakes("rules: []\n", {"RELAY_HOOK_SECRET": ""})
    assert "RELAY_HOOK_SECRET is not set" in told


def test_the_environment_wins_over_the_file(load):
    settings = load(
        "server: {listen: '127.0.0.1:1', admin: '127.0.0.1:2'}\ncallscaler: {base_url: 'https://a.example'}\n",
        {
            "RELAY_LISTEN": "[::1]:7",
            "RELAY_ADMIN": "127.0.0.1:8",
            "CALLSCALER_API_KEY": "cs_key_false",
            "CALLSCALER_BASE_URL": "https://b.example",
            "RELAY_ADMIN_TOKEN": "false-admin-token",
        },
    )
    assert (settings.server.listen, settings.server.admin) == ("[::1]:7", "127.0.0.1:8")
    assert settings.connectors["callscaler"].options.base_url == "https://b.example"
    assert settings.admin_token == "false-admin-token"


def test_an_unknown_relay_variable_is_warned_about(load):
    [warning] = load("rules: []\n", {"RELAY_LISTN": "x"}).warnings
    assert "RELAY_LISTEN" in warning.message


def test_a_relay_variable_that_the_file_asks_for_is_known(load):
    assert load("business: {name: '${RELAY_SHOP}'}\n", {"RELAY_SHOP": "x"}).warnings == ()


def test_the_store_counts_from_the_file_and_from_here_when_typed(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    settings = load("store: sqlite:///data/relay.db\n")
    assert store_place(settings) == Place(tmp_path / "data" / "relay.db")
    assert store_place(settings, "sqlite:///other.db") == Place(Path("/other.db"))
    assert store_place(load("", {"RELAY_STORE": "sqlite:///typed.db"})) == Place(Path("/typed.db"))
    assert store_place(settings, "postgresql://x/y").address == "postgresql://x/y"
    assert store_place(load("store: postgresql://relay:false@x/y\n")).address == "postgresql://relay:false@x/y"
    with pytest.raises(ValueError, match="postgresql"):
        store_place(settings, "mysql://x/y")


def test_the_ledger_is_found_without_the_secrets_that_the_rest_needs(tmp_path):
    path = tmp_path / "relay.yaml"
    path.write_text("store: sqlite:///here.db\ncallscaler: {api_key: '${UNSET}'}\nnonsense: 1\n")
    assert find_ledger(path, {}) == Place(tmp_path / "here.db")
    assert find_ledger(path, {"RELAY_STORE": "sqlite:////tmp/x.db"}) == Place(Path("/tmp/x.db"))
    assert find_ledger(path, {}, "sqlite:////tmp/y.db") == Place(Path("/tmp/y.db"))


def test_a_rate_is_read_for_any_connector(load):
    settings = load("connectors: {a: {type: webhook, url: 'https://example.com', rate: 60/m, concurrency: 2}}\n")
    manners = settings.connectors["a"].manners
    assert (manners.rate, manners.concurrency, manners.lease_seconds) == ("60/m", 2, 30.0)


def test_times_are_read_as_text_and_then_judged(load):
    settings = load(
        "texting: {quiet_hours: {allow: 09:00-21:00}}\nbusiness: {hours: {mon: [08:00-12:00, 13:00-18:00]}}\n"
    )
    assert settings.policy.quiet is not None


def test_the_version_changes_with_the_rules_and_with_nothing_else(load):
    rule = "rules: [{name: t, when: call.missed, then: [{stop: x}]}]\n"
    first, same = load(rule), load(f"business: {{name: B}}\n{rule}")
    assert first.version == same.version
    assert first.version != load(rule.replace("call.missed", "call.failed")).version


def test_reading_needs_no_particular_folder(load, monkeypatch):
    monkeypatch.chdir("/")
    assert load("").path.is_absolute()


def test_settings_are_read_for_connectors_that_only_the_table_names(tmp_path):
    (tmp_path / "relay.yaml").write_text("")
    assert read_settings(tmp_path / "relay.yaml", {}, {"RELAY_HOOK_SECRET": "x" * 20}).connectors == {}
    assert CONNECTORS


@pytest.mark.parametrize(
    ("written", "day", "known"),
    [
        ("US", "2026-07-04", True),
        ("US", "2026-03-02", False),
        ("US-TX", "2026-03-02", True),
        ("CA-ON", "2026-07-01", True),
    ],
)
def test_public_holidays_are_known_by_country_and_part(load, written, day, known):
    about = load(f"business: {{timezone: America/Chicago, holidays: {written}}}").about
    assert about.is_holiday(dt.date.fromisoformat(day)) is known


@pytest.mark.parametrize("written", ["XX", "US-ZZ", "Texas"])
def test_a_country_that_is_not_known_is_told(load, written):
    with pytest.raises(ConfigError, match="is no country that is known"):
        load(f"business: {{holidays: {written}}}")


def test_a_scorecard_that_asks_for_its_own_answer_is_a_mistake(load):
    with pytest.raises(ConfigError, match=r"decides about call\.spam, so its own lines cannot ask for it"):
        load("spam: {score: [{if: {call.spam: likely}, add: 3}]}")
