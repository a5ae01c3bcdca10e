"""deploy/cluster.yaml, as far as can be told without a container: it names what there is, and gives what is needed."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest
import yaml

from relay.settings.names import SETTINGS
from relay.store.postgres.address import read_address

ROOT = Path(__file__).parents[1]
FILE = ROOT / "deploy" / "cluster.yaml"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def relay(compose):
    return compose["services"]["relay"]


@pytest.fixture(scope="module")
def door(compose):
    """What nginx is told, by the file that its image reads."""
    [(name, inside, mode)] = [volume.split(":") for volume in compose["services"]["door"]["volumes"]]
    assert (inside, mode) == ("/etc/nginx/templates/default.conf.template", "ro")
    return (FILE.parent / name).read_text()


def test_three_relays_are_built_by_the_container_file_with_what_postgresql_needs(relay):
    build = relay["build"]
    container = (FILE.parent / build["context"] / build["dockerfile"]).read_text()
    assert relay["deploy"] == {"mode": "replicated", "replicas": 3}, "podman-compose wants the mode, too"
    assert [*build["args"]] == re.findall(r"^ARG (\w+)=", container, re.MULTILINE)
    assert '"."' not in container
    assert re.findall(r'constraints\.txt "(\S+)"', container) == [".$EXTRAS"]


def test_every_name_that_a_relay_is_given_is_one_that_it_knows(relay):
    assert {name for name in relay["environment"] if name.startswith("RELAY_")} <= {*SETTINGS}
    assert {"RELAY_STORE", "RELAY_ADMIN", "RELAY_ADMIN_TOKEN"} == set(relay["environment"])
    assert relay["env_file"] == ".env", "where relay init puts what relay.yaml names"


def test_the_ledger_is_the_database_that_stands_beside(compose, relay):
    database = compose["services"]["db"]
    written = re.sub(r"\$\{[^}]*\}", "false", relay["environment"]["RELAY_STORE"])
    user, name = database["environment"]["POSTGRES_USER"], database["environment"]["POSTGRES_DB"]
    assert read_address(written).dsn == f"postgresql://{user}:false@db/{name}"
    assert relay["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_the_database_is_not_taken_for_ready_while_it_is_made(compose):
    """The image makes its first database with a server that listens on a socket only, and stops it again."""
    asked = compose["services"]["db"]["healthcheck"]["test"]
    assert asked[asked.index("-h") + 1] == "127.0.0.1"


def test_what_dies_is_started_again_and_relays_are_as_tight_as_the_one_alone(compose, relay):
    assert {service["restart"] for service in compose["services"].values()} == {"unless-stopped"}
    alone = yaml.safe_load((FILE.parent / "compose.yaml").read_text())["services"]["relay"]
    for key in ("read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period", "restart", "env_file"):
        assert relay[key] == alone[key], key
    assert "name" in compose, "else both files would make one project of the folder they stand in"


def test_nothing_listens_outside_this_machine(compose):
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:8080:80", "127.0.0.1::8081"]


def test_the_network_that_relays_may_trust_is_the_one_that_the_page_names(compose):
    [written] = compose["networks"]["default"]["ipam"]["config"]
    assert ipaddress.ip_network(written["subnet"]).is_private
    assert f"trusted_proxies: [{written['subnet']}]" in (ROOT / "docs" / "postgres.md").read_text()


def test_the_door_sends_webhooks_on_and_nothing_else(door):
    assert re.findall(r"location (\S+)", door) == ["/hooks/"]
    assert re.findall(r"set \$relays (\S+);", door) == ["http://relay:8080"]
    assert "proxy_pass $relays;" in door
    assert "non_idempotent" in door


def test_the_door_asks_the_name_server_of_its_network_whatever_runs_it(compose, door):
    """Docker's has one address, Podman's another; nginx's image fills it in where it is asked to."""
    assert re.findall(r"resolver (\S+) ", door) == ["${NGINX_LOCAL_RESOLVERS}"]
    assert compose["services"]["door"]["environment"] == {"NGINX_ENTRYPOINT_LOCAL_RESOLVERS": "yes"}
    filled = set(re.findall(r"\$\{?(\w+)", door)) - {"NGINX_LOCAL_RESOLVERS"}
    assert all(name.islower() for name in filled), "the image puts variables of the environment in, and leaves nginx's"


def test_a_relay_that_stands_still_keeps_a_sender_for_a_few_seconds_only(door):
    """nginx would wait for a minute before it asks the next one, and senders do not wait so long."""
    waits = {name: int(seconds) for name, seconds in re.findall(r"proxy_(\w+)_timeout (\d+)s;", door)}
    assert waits.keys() == {"connect", "read"}
    assert sum(waits.values()) < 10
    assert "timeout" in re.findall(r"proxy_next_upstream ([^;]+);", door)[0].split()
