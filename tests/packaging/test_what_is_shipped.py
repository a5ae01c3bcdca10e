"""The wheel and the sdist hold all that the program needs, and run where nothing of the checkout is in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.patience import HUNG

ROOT = Path(__file__).parents[2]
CODE = ("relay", "connectors")


def run(*command, cwd, **environment):
    """What a program prints, on stderr too; one that ends badly fails the test with what it said."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HUNG,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(tree, kind, into):
    """The one file that the build backend makes of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", into, cwd=tree)
    [made] = into.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory):
    """The sdist's tree, as pip unpacks it before it builds."""
    place = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    [tree] = place.iterdir()
    return tree


@pytest.fixture(scope="module")
def wheels(unpacked, tmp_path_factory):
    """The wheel as it is made of the checkout, and as it is made of the sdist."""
    return {
        "checkout": build(ROOT, "wheel", tmp_path_factory.mktemp("wheel")),
        "sdist": build(unpacked, "wheel", tmp_path_factory.mktemp("wheel-of-sdist")),
    }


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """An environment with the sdist's wheel and what it depends on, and nothing of the checkout; `relay` in it."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--no-deps", "--no-index", "--no-compile", wheels["sdist"], cwd=place)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip()
    # What others made was installed with the suite and is only pointed at; a .pth within it is not followed.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin" / "relay"


def held(wheel):
    """Name → content of every file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_of(*folders):
    """Everything in the folders of the checkout but what running leaves behind."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return {str(path.relative_to(ROOT)) for path in found if path.is_file() and "__pycache__" not in path.parts}


CONFIG = {
    *("config/demo.yaml", "config/relay.example.yaml", "config/relay.start.yaml"),
    *files_of("config/presets", "config/recipes"),
}
"""What of config/ is shipped: never what an operator keeps there."""
DEPLOYED = {
    *(".dockerignore", "deploy/Containerfile", "deploy/relay.service"),
    *("deploy/compose.yaml", "deploy/cluster.yaml", "deploy/door.conf"),
}


def test_both_ways_lead_to_the_same_wheel(wheels):
    assert held(wheels["checkout"]) == held(wheels["sdist"])


def test_the_wheel_has_every_file_of_the_program_and_no_other(wheels):
    ours = {name for name in held(wheels["checkout"]) if ".dist-info/" not in name}
    assert ours == files_of(*CODE) | {f"relay/{name}" for name in CONFIG}


def test_the_sdist_has_every_page_that_its_pages_point_at(unpacked):
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "DECISIONS.md", "SECURITY.md", "LICENSE"):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()
    kept = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert files_of("docs", *CODE) | CONFIG <= kept
    assert {name for name in kept if name.startswith(("deploy/", ".dockerignore"))} == DEPLOYED
    assert {name for name in kept if name.startswith("config/")} == {*CONFIG, "config/relay.schema.json"}


def test_what_is_installed_is_what_runs(installed, tmp_path):
    python = installed.with_name("python")
    place = run(python, "-c", "import relay, connectors; print(relay.__file__, connectors.__file__)", cwd=tmp_path)
    assert place.count(str(installed.parents[1])) == 2
    assert run(installed, "--version", cwd=tmp_path).startswith("relay ")


def test_a_configuration_is_written_checked_and_tried_by_what_is_installed(installed, tmp_path):
    run(installed, "init", "--yes", cwd=tmp_path)
    assert json.loads((tmp_path / "config" / "relay.schema.json").read_text())["properties"]["rules"]
    assert "2 rules, 1 test: good" in run(installed, "check", cwd=tmp_path)
    tried = run(installed, "try", "Text back missed callers", "--sample", "missed-call", cwd=tmp_path)
    assert "nothing was sent" in tried


def test_recipes_and_presets_are_found_by_what_is_installed(installed, tmp_path):
    (tmp_path / "relay.yaml").write_text(
        "connectors:\n"
        "  crm: {type: crm, preset: hubspot, token: false-token-0001}\n"
        "  team: {type: slack, webhook_url: https://hooks.example.com/false}\n"
        "rules:\n"
        "  - use: voicemail-to-slack@1\n"
        "    inputs: {connector: team}\n"
    )
    (tmp_path / "relay.yaml").chmod(0o600)
    said = run(installed, "-c", "relay.yaml", "check", cwd=tmp_path, RELAY_HOOK_SECRET="false-secret-0001")
    assert "good" in said


def test_the_day_of_calls_is_played_by_what_is_installed(installed, tmp_path):
    summary = json.loads(run(installed, "demo", "--once", "--json", cwd=tmp_path).splitlines()[-1])
    assert summary["dead"] == 0
    assert summary["delivered"]["text"] > 0
