"""`relay why`: every sample and every recipe explained in words that name the condition and both values."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connectors.table import CONNECTORS
from relay.app import App
from relay.cli import relay
from relay.clock import tick_events
from relay.intake import merge, read_event
from relay.models import iso
from relay.settings import read_settings
from relay.settings.recipes import read_recipe
from relay.settings.samples import SAMPLES, sample
from relay.settings.shipped import shipped
from relay.store.sqlite import SqliteStore
from relay.trying import sample_event

MONDAY = 1772467200.0
"""2026-03-02 10:00 in Chicago; what is told does not hang on the hour of the test."""
SECRETS = {"RELAY_HOOK_SECRET": "false-secret-0001", "SLACK": "https://hooks.example.com/false", "KEY": "cs_key_false"}
HOUSE = """\
business: {name: Bright Plumbing, timezone: America/Chicago, hours: {daily: 08:00-18:00}}
callscaler: {api_key: "${KEY}"}
connectors:
  team: {type: slack, webhook_url: "${SLACK}"}
  call-log: {type: webhook, url: "https://log.example.com"}
  mail: {type: email, host: mail.example.com, from: office@example.com, to: owner@example.com}
  crm:
    type: crm
    base_url: https://crm.example.com/api
    find: {method: GET, path: "/contacts", id: items.0.id}
    create: {method: POST, path: /contacts, id: id}
    update: {method: PATCH, path: "/contacts/{{ found.id }}"}
    log: {method: POST, path: "/contacts/{{ found.id }}/calls"}
"""
RECIPES = [path.stem for path in sorted(shipped("recipes").glob("*.yaml"))]
CODE = ("rules/judging.py", "texting/findings.py")
_VALUES = re.compile(r"^[a-z_.0-9]+( [a-z_]+)?: wanted .+, was .+")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with every recipe in one file, and a ledger in which every sample has been judged."""
    folder = tmp_path_factory.mktemp("why")
    uses = []
    for use in RECIPES:
        forms = read_recipe(shipped(f"recipes/{use}.yaml")).form.inputs
        needed = {name: form.example for name, form in forms.items() if form.default is None}
        if use.startswith(("log-everything", "weekly-digest@1")):
            continue  # the first writes rows, and this house has no sheet; the other's name is taken by its successor
        uses.append({"use": use, "inputs": needed})
    (folder / "relay.yaml").write_text(HOUSE + yaml.safe_dump({"rules": uses}))
    keys = asyncio.run(_fill(folder))
    return folder, keys


async def _fill(folder):
    settings = read_settings(folder / "relay.yaml", CONNECTORS, SECRETS)
    store = SqliteStore(folder / "relay.db")
    app = App(settings, store, CONNECTORS, clock=lambda: MONDAY)
    await app.prepare()
    keys, now = [], MONDAY
    for name in (*SAMPLES, "text.received"):
        event = sample_event(name, {"call_id": f"why-{name}"}, "callscaler", now)
        await store.accept(event, b"{}", merge)
        keys.append(event.key)
    late = {**sample("missed-call"), "call_id": "old", "created_at": iso(now - 7200)}
    await store.accept(read_event(late, "callscaler", now).event, b"{}", merge)
    for rule in settings.rules:
        for event in tick_events(rule, now, now, ()) if rule.ticks and not rule.each_number else ():
            await store.accept(event, b"{}", merge)
            keys.append(event.id)
    while await app.planner.plan_next():
        pass
    await app.stop()
    return [*keys, "old"]


def why(folder, *arguments):
    done = CliRunner(env={"RELAY_CONFIG": str(folder / "relay.yaml"), **SECRETS}).invoke(relay, ["why", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_verdict_on_every_sample_and_recipe_names_the_condition_and_both_values(house):
    folder, keys = house
    words = set()
    for key in keys:
        told, printed = json.loads(why(folder, key, "--json")), why(folder, key)
        assert told["verdicts"], key
        for verdict in told["verdicts"]:
            words.add(verdict["verdict"])
            assert verdict["verdict"] != "error", verdict
            if verdict["verdict"] == "skipped":
                assert _VALUES.match(verdict["why"]), verdict
            if verdict["verdict"] == "suppressed":
                assert verdict["why"], verdict
            for finding in verdict["findings"]:
                assert finding["wanted"], finding
                assert finding["found"], finding
                within = [line for line in printed.splitlines() if line.startswith("      ")]
                parts = finding["name"], finding["wanted"], finding["found"][:40]
                [line, *_] = [line for line in within if all(part in line for part in parts)]
                assert line.split()[-1] in {"yes", "NO", "pass", "STOPS"}
    assert {"ran", "skipped", "suppressed"} <= words


def test_the_trace_tells_every_condition_every_guard_and_every_step(house):
    folder, _ = house
    told = why(folder, "why-missed-call", "text-back-missed-callers")
    assert re.search(r"caller\.number +present +\+13125550101 +yes", told)
    assert re.search(r"call\.direction +is inbound +inbound +yes", told)
    assert re.search(r"guard fresh +at most 15m old on arrival +\d+s +pass", told)
    assert re.search(r"guard cooldown +no text in 1d +last: never +pass", told)
    assert re.search(r"guard opt-out +did not opt out +clear +pass", told)
    assert re.search(r"guard quiet hours +08:00-20:00 America/Chicago +", told)
    assert re.search(r"guard per_person +below 2 in 1d +0 +pass", told)
    assert "→ step 2  text" in told
    assert re.match(r"call\.missed  \+13125550101 → \+13125550142  arrived \w{3} [\d-]+ [\d:]+ C[SD]T\n", told)


def test_a_guard_that_stops_a_rule_is_told_beside_those_that_pass(house):
    folder, _ = house
    told = why(folder, "old", "text-back-missed-callers")
    assert re.search(r"suppressed +fresh: wanted at most 900s old, was 7200s", told)
    assert re.search(r"guard fresh +at most 15m old on arrival +2h +STOPS", told)
    assert re.search(r"guard opt-out +did not opt out +clear +pass", told)


def test_the_page_about_texts_tells_every_guard_that_a_text_can_meet():
    house = Path(__file__).parents[2]
    page = (house / "docs" / "texts.md").read_text(encoding="utf-8")
    code = "".join((house / "relay" / file).read_text(encoding="utf-8") for file in CODE)
    told = set(re.findall(r'"guard ([a-z_ -]+)"', code)) | set(re.findall(r'_limit\("(\w+)"', code))
    assert {"fresh", "cooldown", "quiet hours", "per_prefix"} <= told
    assert [
        name for name in sorted(told - {"min_history"}) if f"guard {name}`" not in page and f"`{name}`" not in page
    ] == []
