"""Everything that a page can do, the JSON API and the command line can do, and everything it shows they can read."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import relay.dashboard
from relay.cli import relay as command
from relay.dashboard.pages import PAGES
from tests import forked

TEMPLATES = Path(relay.dashboard.__file__).parent / "templates"
DEEDS = {
    "try": "try",
    "retry": "retry",
    "cancel": "cancel",
    "release": "quarantine release",
    "replay": "replay",
    "mode": "live",
    "pause": "pause",
    "resume": "resume",
    "check-connector": "check --live",
    "texts-off": "texts off",
    "texts-on": "texts on",
    "optout-add": "optout add",
    "optout-remove": "optout remove",
    "forget": "forget",
    "numbers-plan": "numbers plan",
    "numbers-apply": "numbers apply",
    "numbers-undo": "numbers undo",
    "numbers-approve": "numbers approve",
    "numbers-reject": "numbers reject",
    "numbers-drift": "doctor",
    "numbers-accept": "numbers accept",
}
"""Deed of a page → the command that does the same."""
PAGES_READ = {
    "/": ("/api/now", "events"),
    "/calls": ("/api/events", "events"),
    "/calls/{reference}": ("/api/events/{reference}", "why"),
    "/people": ("/api/optouts", "optout list"),
    "/people/{number}": ("/api/people/{number}", "person"),
    "/texts": ("/api/texts", "texts"),
    "/numbers": ("/api/numbers", "numbers history"),
    "/rules": ("/api/rules", "check"),
    "/connectors": ("/api/connectors", "deliveries"),
    "/alerts": ("/api/alerts", "alerts"),
    "/audit": ("/api/acts", "audit"),
    "/refused": ("/api/requests", "refused"),
}
"""Page → where machines read the same, and the command that tells it."""


def on_pages():
    """Every deed that a template has a button for."""
    found = set()
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text()
        found |= set(re.findall(r'deed\(can, "([a-z-]+)"', text)) | set(re.findall(r'action="/do/([a-z-]+)', text))
    return found


def known(words):
    """Whether there is such a command."""
    parts = [part for part in words.split() if not part.startswith("--")]
    told = CliRunner().invoke(command, [*parts, "--help"])
    return told.exit_code == 0


def test_every_button_has_a_command_and_an_address(house):
    deeds = on_pages()
    there = set(house.app.deeds.forms)
    assert deeds - set(DEEDS) == set(), "a button without a command"
    assert len(deeds & there) > 10
    for deed in deeds & there:
        assert known(DEEDS[deed]), DEEDS[deed]


async def test_every_deed_of_a_page_has_an_address_for_machines(house):
    described = (await house.api("/openapi.json"))["paths"]
    for deed in on_pages() & set(house.app.deeds.forms):
        assert f"/api/do/{deed}" in described


@pytest.mark.parametrize("page", [page.path for page in PAGES])
async def test_what_a_page_shows_machines_and_the_terminal_can_read(house, page):
    address, words = PAGES_READ[page]
    assert address in (await house.api("/openapi.json"))["paths"]
    assert known(words), words


async def test_a_person_is_handed_over_as_whole_by_the_listener_as_by_the_command(house, until, tmp_path):
    await house.ring("c1", caller_name="Dana Example")
    await house.settled(until)
    told = await house.api("/api/people/+13125550101")
    command_line = [*forked.relay(), "person", "+13125550101", "--json", "--store", f"sqlite:///{tmp_path}/relay.db"]
    ran = await asyncio.create_subprocess_exec(*command_line, stdout=asyncio.subprocess.PIPE)
    out, _ = await ran.communicate()
    assert json.loads(out) == told
    [event] = told["events"]
    assert {one["rule"] for one in event["verdicts"]} >= {"Text back", "Archive"}
    assert ("archive", "delivered") in {(one["to"], one["state"]) for one in event["sent"]}
    assert (await house.get("/api/people/+13125550199"))[0].status == 404
