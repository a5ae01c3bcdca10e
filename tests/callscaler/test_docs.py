"""docs/api.md lists every operation as the command takes it, and none that does not exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.callscaler.table import OPERATIONS
from relay.cli.api import api

PAGE = Path(__file__).parents[2].joinpath("docs", "api.md").read_text(encoding="utf-8")
LISTED = re.findall(r"^\| `relay api ([a-z-]+ [a-z-]+)([^`]*)` \| ([A-Z]+ \S+) \|", PAGE, re.MULTILINE)
EXAMPLES = re.findall(r"^    relay api (.+)$", PAGE, re.MULTILINE)


def test_every_operation_is_on_the_page_with_its_request_and_no_other():
    assert {name: request for name, _, request in LISTED} == {o.name: o.address for o in OPERATIONS.values()}


def test_what_needs_yes_says_so_on_the_page():
    said = {name for name, words, _ in LISTED if "--yes" in words}
    assert said == {o.name for o in OPERATIONS.values() if o.deed == "final"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_taken_by_the_command_as_it_stands(example):
    words = [word for word in shlex.split(example) if word != "--yes"]
    key = {"CALLSCALER_API_KEY": "cs_key_obviouslyfalse000000000000000000"}
    done = CliRunner().invoke(api, [*words, "--dry-run"], env=key)
    assert done.exit_code == 0, done.output
    assert "obviouslyfalse" not in done.output
