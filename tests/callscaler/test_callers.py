"""Who speaks to the phone system, and what no part of the relay can ask of it: money, keys, and what is final."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from connectors.table import CONNECTORS
from relay.app.parts import client
from relay.callscaler.operations import Deed
from relay.callscaler.table import OPERATIONS
from relay.errors import Forbidden
from relay.settings import read_settings

ROOT = Path(__file__).parents[2]
CLIENT, PRETENDED = ROOT / "relay" / "callscaler", ROOT / "relay" / "sandbox"
BY_HAND = "relay/cli/api_run.py"
"""`relay api` with --yes: a person asks, by name."""


def sources():
    for folder in ("relay", "connectors"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if CLIENT not in path.parents and PRETENDED not in path.parents:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def test_every_caller_has_a_client_that_does_nothing_final():
    built, permitted = [], []
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and "CallScaler" in {
                getattr(node.func, "id", ""),
                getattr(node.func, "attr", ""),
            }:
                built.append(name)
                permitted += [name] * any(word.arg in {"everything", None} for word in node.keywords)
    assert len(built) >= 4, "what is looked for could be found"
    assert permitted == [BY_HAND]


def test_nobody_but_the_client_knows_the_addresses_of_money_and_keys():
    paths = ("/numbers/purchase", "/api-keys", "/billing")
    told = [
        (name, node.value)
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and any(path in node.value for path in paths)
    ]
    assert told == []


def test_of_money_only_reading_is_known():
    money = {one.address for one in OPERATIONS.values() if "billing" in one.path}
    assert money
    assert all(address.startswith("GET ") for address in money)


@pytest.mark.parametrize("name", [one.name for one in OPERATIONS.values() if one.deed is Deed.FINAL])
async def test_the_relay_s_own_client_asks_for_nothing_final(http, service, tmp_path, name):
    path = tmp_path / "relay.yaml"
    path.write_text(f'callscaler: {{api_key: "${{KEY}}", base_url: "{service.url}"}}\n')
    environment = {"RELAY_HOOK_SECRET": "false-secret-0001-0001", "KEY": "cs_key_" + "f" * 32}
    own = client(read_settings(path, CONNECTORS, environment), http)
    service.says({"data": {"id": "x"}})
    resource, action = OPERATIONS[name].attribute
    values = {p.name: "x" for p in OPERATIONS[name].parameters if p.required}
    with pytest.raises(Forbidden, match="is off"):
        await getattr(getattr(own, resource), action)(**values)
    assert service.asked == []
