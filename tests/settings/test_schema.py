"""The JSON Schema of relay.yaml takes every file that loads, and tells a misspelt key where an editor would."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from connectors.table import CONNECTORS
from relay.rules.fields import FIELDS
from relay.settings.schema import facts, schema
from relay.settings.yaml_file import read_document

HOUSE = Path(__file__).parents[2]
FILES = sorted((HOUSE / "config").glob("*.yaml"))
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in sorted((HOUSE / "docs").glob("*.md"))
    if page.name != "own-connector.md"  # whose connector is not installed
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    if re.match(r"(#[^\n]*\n)*[a-z]+:", block)
]
RULE = {"name": "R", "when": "call.missed", "then": [{"text": "caller", "body": "hi"}]}


@pytest.fixture(scope="module")
def judge():
    return jsonschema_rs.validator_for(schema(CONNECTORS))


def wrong(judge, tree):
    return ["/".join(map(str, error.instance_path)) for error in judge.iter_errors(tree)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_shipped_file_fits_as_the_relay_reads_it_and_as_an_editor_does(judge, file):
    assert wrong(judge, read_document(file).tree) == []
    assert wrong(judge, yaml.load(file.read_text(encoding="utf-8"), _Plain)) == []  # noqa: S506 - a safe loader


class _Plain(yaml.SafeLoader):
    """Dates stay text, as in editors."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def test_the_long_example_of_the_contract_fits(judge):
    from tests.settings.test_example import EXAMPLE  # noqa: PLC0415 - only here

    assert wrong(judge, yaml.load(EXAMPLE, _Plain)) == []  # noqa: S506 - a safe loader


@pytest.mark.parametrize("block", BLOCKS)
def test_what_the_pages_show_fits(judge, block):
    assert wrong(judge, yaml.load(block, _Plain)) == []  # noqa: S506 - a safe loader


@pytest.mark.parametrize(
    "tree",
    [
        {"bussiness": {}},
        {"business": {"nam": "x"}},
        {"texting": {"limits": {"per_persn": "2/day"}}},
        {"texting": {"quiet_hours": {"clock": "moon"}}},
        {"connectors": {"log": {"type": "webhook", "ulr": "https://example.com"}}},
        {"connectors": {"log": {"type": "webhok", "url": "https://example.com"}}},
        {"rules": [{**RULE, "guard": {}}]},
        {"rules": [{**RULE, "when": "call.mised"}]},
        {"rules": [{**RULE, "when": {"evry": "day"}}]},
        {"rules": [{**RULE, "if": {"caller.numbr": "present"}}]},
        {"rules": [{**RULE, "if": {"any": [{"call.ai_score": {"atleast": 3}}]}}]},
        {"rules": [{**RULE, "if": {"call.outcome": "mised"}}]},
        {"rules": [{**RULE, "then": [{"txt": "caller"}]}]},
        {"rules": [{**RULE, "then": [{"text": "caller", "boddy": "hi"}]}]},
        {"rules": [{**RULE, "then": [{"wait": "2m", "cancelif": {}}]}]},
        {"rules": [{**RULE, "then": [{"wait": {"untill": "10:00"}}]}]},
        {"rules": [{**RULE, "then": [{"tag": {"callr": "vip"}}]}]},
        {"rules": [{**RULE, "then": [{"regroup": "number", "to": "A", "approve": {"bye": "team"}}]}]},
        {"spam": {"score": [{"if": {"call.robo": 1}, "add": 3}]}},
        {"tests": [{"name": "t", "given": [{}], "expect": {"txts": 1}}]},
        {"tests": [{"name": "t", "given": [{"event": "call.mised"}], "expect": {"texts": 1}}]},
    ],
    ids=str,
)
def test_a_misspelt_name_does_not_fit(judge, tree):
    assert wrong(judge, tree)


def test_what_the_relay_takes_as_text_fits_in_every_spelling(judge):
    rule = {**RULE, "if": [{"call.raw.my.field": {"is_not": 3}}, {"not": {"caller.tags": {"has": "vip"}}}]}
    tree = {
        "business": {"hours": {"mon": ["08:00-12:00", "13:00-18:00"]}, "holidays": "US-TX"},
        "texting": {"max_segments": "${MOST}", "limits": {"total": "none"}},
        "retention": {"bodies": "30d"},
        "groups": [{"name": "Main", "default": True}, {"name": "Parked", "if": {"number.calls_30d": 0}}],
        "rules": [rule, {"use": "log-everything@1", "inputs": {"connector": "x"}}],
    }
    assert wrong(judge, tree) == []


def test_every_fact_is_in_the_schema_and_listed(judge):
    named = schema(CONNECTORS)["$defs"]["condition"]["anyOf"][0]["properties"]
    assert set(FIELDS) == set(named) - {"all", "any", "not"} == {fact["name"] for fact in facts()}
    assert all(fact["meaning"] for fact in facts())


def test_an_editor_finds_every_type_every_recipe_and_every_field_of_a_scenario_in_one_place():
    made = schema(CONNECTORS)
    kinds = made["properties"]["connectors"]["additionalProperties"]["properties"]["type"]["enum"]
    assert set(kinds) == set(CONNECTORS) - {"callscaler"}
    recipes = made["$defs"]["section_use"]["properties"]["use"]["anyOf"][0]["enum"]
    assert recipes == sorted(path.stem for path in (HOUSE / "config" / "recipes").glob("*.yaml"))
    assert {"event", "at", "tick", "body", "caller_number"} <= set(made["$defs"]["given"]["properties"])


def test_no_name_of_the_code_is_offered_by_an_editor():
    made = schema(CONNECTORS)
    assert not [title for one in made["$defs"].values() if (title := one.get("title", "")) != title.lower()]
    assert [key for one in made["$defs"].values() for key in one.get("properties", {}).values() if "title" in key] == []
