"""What is deployed: a unit and a container that give the relay nothing it does not need."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def unit():
    """Section → key → values, as systemd reads them."""
    read: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (DEPLOY / "relay.service").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            read[section][key].append(value)
    return read


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ReadWritePaths", "/var/lib/relay"),
        ("PrivateTmp", "yes"),
        ("ProtectHome", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("LimitNOFILE", "8192"),
        ("Restart", "always"),
        ("RestartSec", "2"),
        ("TimeoutStopSec", "30"),
        ("Type", "notify"),
        ("DynamicUser", "yes"),
        ("UMask", "0077"),
        ("MemoryDenyWriteExecute", "yes"),
    ],
)
def test_the_unit_is_as_tight_as_it_can_be(unit, key, value):
    assert unit["Service"][key] == [value]


def test_the_unit_has_bounds_and_writes_nowhere_else(unit):
    assert unit["Service"]["MemoryMax"]
    assert set(unit) == {"Unit", "Service", "Install"}
    assert unit["Service"]["StateDirectory"] == ["relay"]


def test_the_unit_names_a_command_that_there_is(unit):
    words = shlex.split(unit["Service"]["ExecStart"][0])
    assert words[0].endswith("/relay")
    assert words[-1] == "serve"


@pytest.fixture(scope="module")
def container():
    """(instruction, rest) of each line, continued lines joined."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_container_runs_as_nobody_and_holds_no_secret(container):
    last_stage = container[max(place for place, (word, _) in enumerate(container) if word == "FROM") :]
    users = [rest for word, rest in last_stage if word == "USER"]
    assert users == ["nobody"]
    assert [word for word, _ in last_stage].index("USER") < [word for word, _ in last_stage].index("ENTRYPOINT")
    said = " ".join(rest for word, rest in container if word in {"ENV", "ARG"})
    assert not re.search(r"SECRET|TOKEN|API_KEY|ENCRYPTION", said)
    assert "RELAY_ADMIN=127.0.0.1:8081" in said


def test_the_container_copies_only_what_there_is(container):
    for rest in (rest for word, rest in container if word == "COPY" and "--from" not in rest):
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists(), name


def test_the_container_is_built_of_what_it_copies_and_of_nothing_that_an_owner_keeps(container):
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = [name for word, rest in container if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    assert lines[0] == "*"
    assert sorted(line.removeprefix("!") for line in lines if line.startswith("!")) == sorted(copied)
    kept = {"config", "deploy", "docs", ".env", "relay.yaml"}
    assert not kept & set(copied), "a folder with somebody's secrets"


def test_the_container_that_is_composed_is_as_tight_and_keeps_its_ledger(container):
    relay = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["relay"]
    assert (DEPLOY / relay["build"]["context"] / relay["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")
    assert (relay["read_only"], relay["cap_drop"]) == (True, ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in relay["ports"])
    said = " ".join(rest for word, rest in container if word == "ENV")
    for _, inside, *_ in (volume.split(":") for volume in relay["volumes"]):
        assert inside in said, "mounted where the container looks"


def test_the_page_on_security_keeps_to_a_page_and_names_what_there_is():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 60
    for name in re.findall(r"`(deploy/[^`]+)`", page):
        assert (ROOT / name).exists(), name
    assert "@" not in re.sub(r"`[^`]*`", "", page), "no address that may not exist"
