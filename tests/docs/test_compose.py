"""docs/compose.yaml, as far as can be told without a container: it names what there is, and gives what is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from relay.settings.names import SETTINGS
from relay.store.postgres.address import read_address

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "compose.yaml"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def relay(compose):
    return compose["services"]["relay"]


def test_three_relays_are_built_by_the_container_file_with_what_postgresql_needs(relay):
    build = relay["build"]
    container = (FILE.parent / build["context"] / build["dockerfile"]).read_text()
    assert relay["deploy"] == {"replicas": 3}
    assert [*build["args"]] == re.findall(r"^ARG (\w+)=", container, re.MULTILINE)
    assert '"."' not in container
    assert re.findall(r'constraints\.txt "(\S+)"', container) == [".$EXTRAS"]


def test_every_name_that_a_relay_is_given_is_one_that_it_knows(relay):
    assert {name for name in relay["environment"] if name.startswith("RELAY_")} <= {*SETTINGS, "RELAY_HOOK_SECRET"}
    assert {"RELAY_STORE", "RELAY_HOOK_SECRET", "RELAY_ADMIN_TOKEN", "CALLSCALER_API_KEY"} <= set(relay["environment"])


def test_the_ledger_is_the_database_that_stands_beside(compose, relay):
    database = compose["services"]["db"]
    written = re.sub(r"\$\{[^}]*\}", "false", relay["environment"]["RELAY_STORE"])
    user, name = database["environment"]["POSTGRES_USER"], database["environment"]["POSTGRES_DB"]
    assert read_address(written).dsn == f"postgresql://{user}:false@db/{name}"
    assert relay["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_the_door_sends_webhooks_on_and_nothing_else(compose):
    written = compose["configs"]["nginx"]["content"]
    assert re.findall(r"location (\S+)", written) == ["/hooks/"]
    assert re.findall(r"set \$\$relays (\S+);", written) == ["http://relay:8080"]
    assert "non_idempotent" in written
    assert list(compose["services"]["door"]["ports"]) == ["8080:80"]
    assert "ports" not in compose["services"]["relay"]


def test_a_relay_that_stands_still_keeps_a_sender_for_a_few_seconds_only(compose):
    """nginx would wait for a minute before it asks the next one, and senders do not wait so long."""
    written = compose["configs"]["nginx"]["content"]
    waits = {name: int(seconds) for name, seconds in re.findall(r"proxy_(\w+)_timeout (\d+)s;", written)}
    assert waits.keys() == {"connect", "read"}
    assert sum(waits.values()) < 10
    assert "timeout" in re.findall(r"proxy_next_upstream ([^;]+);", written)[0].split()
