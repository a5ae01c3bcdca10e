"""The house itself: what the README says, and what must never be written down."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from click.testing import CliRunner

import relay as package
from relay.cli import COMMANDS, relay

ROOT = Path(__file__).parents[1]
README = ROOT.joinpath("README.md").read_text(encoding="utf-8")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.splitlines() if (path := ROOT / name).is_file()]


def test_every_command_is_in_the_readme():
    missing = [name for name in COMMANDS if not re.search(rf"`(?:relay )?{name}\b", README)]
    assert missing == []


def test_every_command_explains_itself_with_an_example():
    for name in sorted(set(COMMANDS) - {"api", "optout"}):
        told = CliRunner().invoke(relay, [name, "--help"])
        assert told.exit_code == 0, name
        assert "Example: relay" in told.output, name


def test_the_version_is_told():
    assert CliRunner().invoke(relay, ["--version"]).output == f"relay {package.__version__}\n"


FORBIDDEN = re.compile(
    r"py[p]i\.org|python[h]osted|registry\.[n]pmjs|deb\.[d]ebian|/[r]oot/|/[w]ork/"
    r"|hooks\.slack\.com/services/T\w{6,}|cs_key_(?!\w*false|0{32})[a-z0-9]{32}"
)
READ = {".py", ".md", ".yaml", ".toml", ".txt", ".html", ""}


def test_no_file_names_a_registry_a_machine_or_a_live_secret():
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix in READ
        for match in FORBIDDEN.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_that_check_can_find_something():
    assert FORBIDDEN.search("https://{}.org/simple".format("pypi"))
    assert FORBIDDEN.search("cs_key_" + "a1b2c3d4" * 4)


def test_every_module_or_the_folder_it_stands_in_has_tests_of_its_name():
    """`test_X.py`, or a folder X of tests, for X the module or a folder above it; the package alone is too much."""
    tests = [path.relative_to(ROOT / "tests") for path in tracked() if path.name.startswith("test_")]
    told = {path.stem.removeprefix("test_") for path in tests} | {part for path in tests for part in path.parts[:-1]}
    modules = [path for folder in ("relay", "connectors") for path in (ROOT / folder).rglob("*.py")]
    bare = [
        str(module.relative_to(ROOT))
        for module in modules
        if not told & {*module.relative_to(ROOT).with_suffix("").parts[1:], module.stem.strip("_")}
        and module.relative_to(ROOT).parts[1:] != ("__init__.py",)
    ]
    assert len(modules) > 300
    assert bare == []


def test_the_floors_are_drawn_as_they_are_held():
    """docs/architecture.md against .importlinter: every floor, from the top down, and every other contract."""
    held = (ROOT / ".importlinter").read_text(encoding="utf-8")
    drawn = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = [line.split(" | ") for line in held.partition("layers =\n    ")[2].partition("\n\n")[0].split("\n    ")]
    table = drawn.partition("|---|---|\n")[2].partition("\n\n")[0]
    floors = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in table.splitlines()]
    assert floors == layers
    assert [name for name in re.findall(r"^name = (.*)", held, re.MULTILINE)[1:] if f"- {name}" not in drawn] == []
