"""Recipes: those that are shipped do what they say, and a use in relay.yaml becomes their rules."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connectors.table import CONNECTORS
from relay.cli import relay
from relay.errors import ConfigError
from relay.intake import read_event
from relay.rules import Facts
from relay.scenarios import run_scenarios
from relay.settings.recipes import BLANK, read_recipe
from relay.settings.shipped import shipped
from tests.settings.conftest import ENVIRONMENT

PAGE = Path(__file__).parents[2].joinpath("docs/recipes.md").read_text(encoding="utf-8")
SHIPPED = [path.stem for path in sorted(shipped("recipes").glob("*.yaml"))]
HOUSE = """\
business: {name: Bright Plumbing, timezone: America/Chicago, hours: {mon-fri: 08:00-18:00}}
callscaler: {api_key: "${KEY}"}
connectors:
  team: {type: slack, webhook_url: "${SLACK}"}
  desk: {type: slack, webhook_url: "${SLACK}"}
  crm:
    type: crm
    base_url: https://crm.example.com/api
    find: {method: GET, path: "/contacts?phone={{ match | urlencode }}", id: items.0.id}
    create: {method: POST, path: /contacts, id: id}
    update: {method: PATCH, path: "/contacts/{{ found.id }}"}
    log: {method: POST, path: "/contacts/{{ found.id }}/calls"}
  mail: {type: email, host: mail.example.com, from: office@example.com, to: owner@example.com}
  call-log: {type: google_sheets, spreadsheet: sheet, worksheet: Calls, credentials: "${GOOGLE}"}
"""
SECRETS = {"KEY": "cs_key_" + "f" * 32, "SLACK": "https://hooks.slack.com/services/T0/B0/false"}
OWN = """\
name: greet
version: 1
about: Says hello.
inputs:
  to: {about: who is told, example: team}
  word: {about: what is said, default: hello}
rules:
  - name: Greet
    when: call.missed
    then:
      - {send: $(to), message: "$(word), {{ caller.name | default('you') }}"}
"""
TWO = OWN.replace("greet", "both") + OWN.partition("rules:\n")[2].replace("Greet", "Greet voicemail").replace(
    "call.missed", "call.voicemail"
)
USE = "rules:\n  - {use: greet@1, inputs: {to: team}}\n"


def recipe(use):
    return read_recipe(shipped(f"recipes/{use}.yaml"))


@pytest.fixture
def shop(load, tmp_path, service_account):
    """Settings of a shop with these rules, and these recipes of its own."""

    def read(rules, *own, environment=None):
        (tmp_path / "recipes").mkdir(exist_ok=True)
        for text in own:
            name = yaml.safe_load(text)["name"]
            (tmp_path / "recipes" / f"{name}@1.yaml").write_text(text)
        return load(HOUSE + rules, SECRETS | {"GOOGLE": service_account} | (environment or {}))

    return read


@pytest.fixture
def refused(shop):
    """Every mistake in a shop's rules as `line of the rules:column: message`."""

    def read(rules, *own, environment=None):
        with pytest.raises(ConfigError) as caught:
            shop(rules, *own, environment=environment)
        above = HOUSE.count("\n")
        return [f"{mistake.line - above}:{mistake.column}: {mistake.message}" for mistake in caught.value.mistakes]

    return read


def test_the_recipes_that_were_promised_are_there():
    assert [use.partition("@")[0] for use in SHIPPED] == [
        "after-hours-reply",
        "hot-lead",
        "log-everything",
        "missed-call-text-back",
        "park-silent-numbers",
        "reply-to-team",
        "review-request",
        "spam-quarantine",
        "voicemail-to-email",
        "voicemail-to-slack",
        "weekly-digest",
        "weekly-digest",
    ]


@pytest.mark.parametrize("use", SHIPPED)
async def test_a_shipped_recipe_passes_its_own_tests_with_its_example_inputs(use, shop, tmp_path):
    found = recipe(use)
    inputs = {name: form.example for name, form in found.form.inputs.items() if form.default is None}
    tests = json.dumps(found.document.tree["tests"])
    settings = shop(f"rules: [{json.dumps({'use': use, 'inputs': inputs})}]\ntests: {tests}\n")
    assert settings.tests
    assert settings.warnings == ()
    assert await run_scenarios(settings, CONNECTORS) == []


@pytest.mark.parametrize("use", SHIPPED)
def test_a_shipped_recipe_puts_inputs_beside_templates_never_into_them(use):
    """An apostrophe in an input would break a template from within."""
    rules = json.dumps(recipe(use).form.rules)
    assert not [inner for inner in re.findall(r"\{\{.*?\}\}", rules) if BLANK.search(inner)]


@pytest.mark.parametrize("use", SHIPPED)
def test_every_input_of_a_shipped_recipe_has_a_default_or_an_example(use):
    for name, form in recipe(use).form.inputs.items():
        assert (form.default is None) != (form.example is None), name


@pytest.mark.parametrize("use", SHIPPED)
def test_the_page_has_a_section_with_every_input_and_yaml_that_works_as_it_stands(use, shop):
    found = recipe(use)
    section = PAGE.partition(f"\n## {use}\n")[2].partition("\n## ")[0]
    told, _, pasted = section.partition("```yaml\n")
    assert " ".join(found.form.about.split()) in " ".join(told.split())
    listed = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", told, re.MULTILINE)
    assert listed == [
        (name, form.about, "needed" if form.default is None else f"`{form.default}`")
        for name, form in found.form.inputs.items()
    ]
    settings = shop(pasted.partition("```")[0])
    assert [rule.name for rule in settings.rules] == [rule["name"] for rule in found.form.rules]


def test_the_recipe_that_the_page_writes_works(shop):
    written = textwrap.dedent(PAGE[PAGE.index("    name: greet") : PAGE.index("\n## after-hours-reply")])
    assert [rule.name for rule in shop("rules: [{use: greet@1, inputs: {connector: team}}]\n", written).rules] == [
        "Greet"
    ]


def test_the_page_tells_of_nothing_that_is_not_shipped():
    assert sorted(re.findall(r"^## (\S+@\d+)$", PAGE, re.MULTILINE)) == SHIPPED


@pytest.mark.parametrize(
    ("body", "shown"), [("My sink leaks", True), ("STOP", False), ("please stop texting me", False)]
)
def test_the_team_is_not_shown_who_asks_to_be_left_alone(body, shown, shop):
    settings = shop("rules: [{use: reply-to-team@1, inputs: {connector: team}}]\n")
    fields = {"event": "text.received", "id": "t1", "caller_number": "+13125550101", "body": body}
    event = read_event(fields, "callscaler", 0.0).event
    look = Facts(event, None, settings.about, 0.0).look  # what a text says asks nothing of the ledger
    assert settings.rules[0].condition.judge(look) is shown


async def test_spam_in_quarantine_is_kept_from_every_other_recipe(shop):
    rules = "rules: [{use: log-everything@1, inputs: {connector: call-log}}, {use: spam-quarantine@1}]\n"
    tests = 'tests: [{name: t, given: [{event: call.completed, at: "2026-03-02 10:00", ai_category: spam}], %s}]\n'
    assert await run_scenarios(shop(rules + tests % "expect: {delivered: {call-log: 0}}"), CONNECTORS) == []


async def test_text_back_and_after_hours_reply_together_text_once_by_day_and_by_night(shop):
    settings = shop("""\
rules:
  - {use: missed-call-text-back@1, inputs: {connector: team, hours: skip}}
  - {use: after-hours-reply@1}
tests:
  - name: by day
    given: [{event: call.missed, at: "2026-03-02 10:00"}]
    expect: {texts: 1, verdicts: {Text back missed callers: ran, Reply after hours: skipped}}
  - name: by night
    given: [{event: call.missed, at: "2026-03-02 19:00"}]
    expect: {texts: 1, verdicts: {Text back missed callers: skipped, Reply after hours: ran}}
""")
    assert await run_scenarios(settings, CONNECTORS) == []


def test_a_use_becomes_the_rules_of_the_recipe(shop):
    [rule] = shop("rules:\n  - {use: greet@1, inputs: {to: team, word: 'hi, {{ call.id }}'}}\n", OWN).rules
    assert (rule.name, rule.mode) == ("Greet", "live")
    [step] = rule.acting
    assert (step.connector, step.filling.names) == ("team", {"call.id", "caller.name"})


def test_an_own_recipe_stands_above_a_shipped_one(shop):
    own = OWN.replace("name: greet", "name: log-everything")
    assert [r.name for r in shop("rules: [{use: log-everything@1, inputs: {to: team}}]\n", own).rules] == ["Greet"]


def test_a_name_and_a_mode_in_the_use_stand_above_the_recipe(shop):
    one, *two = shop(
        "rules:\n"
        "  - {use: greet@1, name: Evening, mode: shadow, inputs: {to: team}}\n"
        "  - {use: both@1, name: Day, inputs: {to: team}}\n",
        OWN,
        TWO,
    ).rules
    assert (one.name, one.mode) == ("Evening", "shadow")
    assert [(rule.name, rule.mode) for rule in two] == [("Day: Greet", "live"), ("Day: Greet voicemail", "live")]


def test_names_that_clash_are_told_at_the_use(refused):
    [told] = refused(USE + "  - {use: greet@1, inputs: {to: desk}}\n", OWN)
    assert told == "3:11: greet@1.yaml:8 (rules.0.name): another rule is already called Greet"


def test_what_is_put_in_is_not_looked_through_for_blanks(shop):
    settings = shop("rules:\n  - {use: greet@1, inputs: {to: team, word: $(to)}}\n", OWN)
    [(_, form)] = settings.written_rules.values()
    assert json.loads(form)["then"][0]["message"].startswith("$(to), ")


def test_an_input_may_come_from_the_environment_and_is_kept_as_it_is_written(shop):
    settings = shop("rules:\n  - {use: greet@1, inputs: {to: '${TO}', word: '5$$'}}\n", OWN, environment={"TO": "team"})
    [rule], [(version, (_, form))] = settings.rules, settings.written_rules.items()
    assert rule.step(0).connector == "team"
    assert json.loads(form)["then"] == [{"send": "${TO}", "message": "5$$, {{ caller.name | default('you') }}"}]
    assert settings.read_old_rule(version, form) == rule


def test_a_variable_that_is_not_set_is_one_mistake(refused):
    [told] = refused("rules:\n  - {use: greet@1, inputs: {to: '${NOBODY}'}}\n", OWN)
    assert told.startswith("2:33: the environment variable NOBODY is not set")


def test_an_old_rule_is_read_without_the_recipe(shop, tmp_path):
    settings = shop(USE, OWN)
    (tmp_path / "recipes" / "greet@1.yaml").unlink()
    [(version, (name, form))] = settings.written_rules.items()
    later = shop("rules: []\n")
    assert name == "Greet"
    assert later.read_old_rule(version, form) == settings.rules[0]


def test_the_version_changes_with_the_recipe_and_with_its_inputs_and_with_nothing_else(shop):
    first = shop(USE, OWN).rules[0].version
    assert shop("# moved\n" + USE, OWN.replace("Says", "It says")).rules[0].version == first
    others = {
        shop("rules: [{use: greet@1, inputs: {to: team, word: hi}}]\n", OWN).rules[0].version,
        shop("rules: [{use: greet@1, inputs: {to: desk}}]\n", OWN).rules[0].version,
        shop(USE, OWN.replace("call.missed", "call.failed")).rules[0].version,
        shop("rules: [{use: greet@1, mode: shadow, inputs: {to: team}}]\n", OWN).rules[0].version,
    }
    assert first not in others
    assert len(others) == 4


def test_a_rule_written_out_has_the_same_version_as_from_a_recipe(shop):
    out = "rules:\n" + OWN.partition("rules:\n")[2].replace("$(to)", "team").replace("$(word)", "hello")
    assert shop(out).rules[0].version == shop(USE, OWN).rules[0].version


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("{use: grete@1}", "2:11: `grete@1` is no known recipe; did you mean `greet@1`?"),
        ("{use: greet@2}", "2:11: `greet@2` is no known recipe; did you mean `greet@1`?"),
        (
            "{use: missed-call-text-back}",
            "2:11: `missed-call-text-back` is no known recipe; did you mean `missed-call-text-back@1`?",
        ),
        ("{use: ../recipes/greet@1}", "2:11: `../recipes/greet@1` is no known recipe"),
        ("{use: greet@1}", "2:11: greet@1 needs the input `to`: who is told"),
        ("{use: greet@1, inputs: {to: }}", "2:33: this should be text"),
        ("{use: greet@1, inputs: {to: [team]}}", "2:33: this should be text"),
        ("{use: greet@1, inputs: {to: team, wrod: hi}}", "2:39: `wrod` is no known input; did you mean `word`?"),
        ("{use: greet@1, inputs: {to: team}, when: call.failed}", "2:40: `when` is no known key"),
        ("{use: greet@1, inputs: {to: team}, mode: life}", "2:46: this should be one of 'live', 'shadow' or 'off'"),
        (
            "{use: greet@1, inputs: {to: taem}}",
            "2:11: greet@1.yaml:11 (rules.0.then.0.send, from `to`): `taem` is no known connector",
        ),
        (
            "{use: greet@1, inputs: {to: team, word: '{{ caller.nmae }}'}}",
            "2:11: greet@1.yaml:11 (rules.0.then.0.message, from `word`): template: `caller.nmae` is not known",
        ),
    ],
)
def test_a_use_that_cannot_be_is_told_where_it_stands(use, told, refused):
    [mistake] = refused(f"rules:\n  - {use}\n", OWN)
    assert mistake.startswith(told)


def test_a_recipe_without_inputs_takes_none(refused):
    own = OWN.replace("$(to)", "team").replace("$(word)", "hello")
    own = own[: own.index("inputs:")] + own[own.index("rules:") :]
    assert refused("rules: [{use: greet@1, inputs: {to: team}}]\n", own) == ["1:33: `to`: greet@1 takes no inputs"]


def test_what_is_unwise_in_a_recipe_is_a_warning_at_its_use(shop):
    text = OWN.replace("send:", "text:").replace("message:", "body:")
    [warning] = shop("rules: [{use: greet@1, inputs: {to: caller}}]\n", text).warnings
    assert (warning.line, warning.column) == (HOUSE.count("\n") + 1, 15)
    assert warning.message.startswith("greet@1.yaml:11 (rules.0.then.0.body, from `word`): the first text")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("$(word),", "$(wrod),", "greet@1.yaml:11:32: `wrod` is no known input; did you mean `word`?"),
        ("$(word),", "hello,", "greet@1.yaml:6:3: `word` is put in nowhere; write $(word), or remove it"),
        ("name: greet", "name: great", "greet@1.yaml:1:7: the file of great@1 is called great@1.yaml, not greet@1"),
        ("$(word),", "$(word) ${HOME},", "greet@1.yaml:11:32: no variables are read here"),
        ("$(word),", "$(word) $(to,", "greet@1.yaml:11:32: this blank has no end; write $(name)"),
        ("$(word),", "$(word) $( to ),", "greet@1.yaml:11:32: ` to ` is no known input"),
        ("$(word),", "$$(word),", "greet@1.yaml:11:32: no variables are read here"),
        ("message:", "$(word): $(word), message:", "greet@1.yaml:11:23: `$(word)`: inputs are put into values"),
        ("  word:", "  Word: {about: x}\n  word:", "greet@1.yaml:6:3: `Word` is no input's name"),
        ("rules:", "rule:", "did you mean `rules`?"),
        ("version: 1", "version: one", "greet@1.yaml:2:10: this should be a whole number"),
        ("name: greet", "name: [greet", "greet@1.yaml:2:8: this is no YAML"),
    ],
)
def test_a_faulty_recipe_is_told_at_its_use_with_the_place_in_it(old, new, told, refused, tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "greet@1.yaml").write_text(OWN.replace(old, new, 1))
    mistakes = refused(USE)
    assert all(mistake.startswith("2:11: greet@1 cannot be used: greet@1.yaml:") for mistake in mistakes)
    assert any(told in mistake for mistake in mistakes)


def test_check_runs_the_tests_of_a_file_that_uses_a_recipe(tmp_path):
    (tmp_path / "relay.yaml").write_text(
        "connectors: {team: {type: slack, webhook_url: '${SLACK}'}}\n"
        "rules: [{use: missed-call-text-back@1, mode: shadow, inputs: {connector: team}}]\n"
        "tests:\n"
        "  - name: nobody is texted\n"
        '    given: [{event: call.missed, at: "2026-03-02 10:00"}]\n'
        "    expect: {texts: 0}\n"
    )
    runner = CliRunner(env=ENVIRONMENT | {"SLACK": SECRETS["SLACK"], "CALLSCALER_API_KEY": None})
    told = runner.invoke(relay, ["-c", str(tmp_path / "relay.yaml"), "check"])
    wrong = f"{tmp_path}/relay.yaml:4:5: test `nobody is texted`: texts: wanted 0, was 1\n"
    assert (told.exit_code, told.stdout) == (3, wrong)
