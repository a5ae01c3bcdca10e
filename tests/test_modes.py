"""`relay live`, `shadow` and `off` on a running relay and beside it."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from connectors.table import CONNECTORS
from relay.app import App
from relay.cli import relay as command
from relay.deeds import BadDeed
from relay.intake import merge, read_event
from relay.models import SaidMode
from relay.settings import read_settings
from tests import forked
from tests.carried import CarriedStore

SECRET = "false-secret-0001-0001"
FILE = """\
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
connectors:
  archive: {{type: webhook, url: "http://127.0.0.1:9/"}}
rules:
  - name: Archive
    mode: {archive}
    when: call.*
    then: [{{send: archive}}]
  - name: Text back
    mode: {text}
    when: call.missed
    then: [{{text: caller, body: "Sorry. Reply STOP to opt out."}}]
"""
ENVIRONMENT = {"RELAY_HOOK_SECRET": SECRET}
WITHOUT_KEY = (
    "Text back cannot be live: its `text` needs the CallScaler API; set CALLSCALER_API_KEY. Until then it stays "
    "shadow, as the file says, though it was switched to live by hand"
)
NOON = 1772474400.0
"""A Monday at noon in Chicago: at night a text is held, whatever mode its rule is in."""


class Relay:
    def __init__(self, folder, **environment):
        self.path = folder / "relay.yaml"
        self.write()
        self.environment = {**ENVIRONMENT, **environment}
        settings = read_settings(self.path, CONNECTORS, self.environment)
        self.app = App(settings, CarriedStore(folder / "relay.db"), CONNECTORS, clock=lambda: NOON)
        self.calls = 0

    def write(self, archive="live", text="shadow"):
        self.path.write_text(FILE.format(archive=archive, text=text))

    async def reload(self):
        assert await self.app.reload(self.path, self.environment)

    async def say(self, rule, mode):
        return await self.app.deeds.do("mode", {"rule": rule, "mode": mode})

    async def words(self):
        """The verdicts on a new call, by rule."""
        self.calls += 1
        body = {"event": "call.missed", "call_id": f"c{self.calls}", "caller_number": "+13125550101",
                "tracking_number": "+13125550142"}  # fmt: skip
        event = read_event(body, "callscaler", self.app._clock()).event
        await self.app.store.accept(event, b"{}", merge)
        await self.app.planner.plan_next()
        return {verdict.rule: verdict.word for verdict in await self.app.store.verdicts(event.id)}


@pytest.fixture
async def relay(tmp_path):
    it = Relay(tmp_path)
    await it.app.prepare()
    yield it
    await it.app.stop()


async def test_a_rule_is_switched_at_once_and_another_is_left_alone(relay):
    assert (await relay.words())["Archive"] == "ran"
    assert await relay.say("archive", "off") == {"rule": "Archive", "mode": "off", "file": "live"}
    assert await relay.words() == {"Archive": "skipped", "Text back": "shadow"}
    assert await relay.say("Archive", "shadow") == {"rule": "Archive", "mode": "shadow", "file": "live"}
    assert (await relay.words())["Archive"] == "shadow"
    await relay.say("Archive", "live")
    assert (await relay.words())["Archive"] == "ran"
    assert await relay.app.store.said_modes() == ()


async def test_what_was_said_wins_over_a_reload_until_the_files_own_mode_of_that_rule_changes(relay):
    await relay.say("Archive", "off")
    relay.write(text="off")
    await relay.reload()
    assert await relay.words() == {"Archive": "skipped", "Text back": "skipped"}
    relay.write(archive="shadow")
    await relay.reload()
    assert (await relay.words())["Archive"] == "shadow"
    relay.write(archive="live")
    await relay.reload()
    assert (await relay.words())["Archive"] == "ran"


async def test_what_was_said_outlives_a_restart_and_is_overtaken_by_a_file_changed_meanwhile(tmp_path):
    first = Relay(tmp_path)
    await first.app.prepare()
    await first.say("Archive", "off")
    await first.app.stop()

    second = Relay(tmp_path)
    await second.app.prepare()
    assert (await second.words())["Archive"] == "skipped"
    await second.app.stop()

    third = Relay(tmp_path)
    third.calls = 10
    third.write(archive="shadow")
    await third.reload()
    assert (await third.words())["Archive"] == "shadow"
    assert await third.app.store.said_modes() == ()
    await third.app.stop()


async def test_each_switch_has_its_own_version_of_the_configuration(relay):
    before = relay.app.planner.book.version
    await relay.say("Archive", "off")
    during = relay.app.planner.book.version
    await relay.say("Archive", "live")
    assert during != before == relay.app.planner.book.version


async def test_a_rule_that_texts_is_not_made_live_without_a_key_and_an_unknown_rule_is_told(relay):
    with pytest.raises(BadDeed, match="needs the CallScaler API; set CALLSCALER_API_KEY"):
        await relay.say("Text back", "live")
    with pytest.raises(BadDeed, match="did you mean `Archive`"):
        await relay.say("Archiv", "off")
    with pytest.raises(BadDeed, match="mode"):
        await relay.say("Archive", "loud")
    assert await relay.app.store.said_modes() == ()


async def test_a_rule_said_to_be_live_rests_in_shadow_while_the_key_is_gone(tmp_path):
    keyed = Relay(tmp_path, CALLSCALER_API_KEY="cs_key_false_0001")
    await keyed.app.prepare()
    await keyed.say("Text back", "live")
    assert [rule.mode for rule in keyed.app.planner.book.rules] == ["live", "live"]
    await keyed.app.stop()

    keyless = Relay(tmp_path)
    await keyless.app.prepare()
    assert (await keyless.words())["Text back"] == "shadow"
    with capture_logs() as told:
        await keyless.reload()
        await keyless.app._learn_modes()
    assert [line["warning"] for line in told if line["log_level"] in {"warning", "error"}] == [WITHOUT_KEY]
    await keyless.app.stop()


async def test_what_another_relay_lets_act_that_cannot_here_is_told_once(tmp_path):
    keyless = Relay(tmp_path)
    await keyless.app.prepare()
    await keyless.app.store.say_mode(SaidMode("Text back", "live", "shadow", NOON))
    with capture_logs() as told:
        for _ in range(2):
            await keyless.app._learn_modes()
    assert [line["warning"] for line in told] == [WITHOUT_KEY]
    await keyless.app.stop()


async def test_a_start_tells_what_cannot_hold_in_a_sentence_of_its_own(tmp_path):
    before = Relay(tmp_path)
    await before.app.store.say_mode(SaidMode("Text back", "live", "shadow", NOON))
    await before.app.stop()
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("CALLSCALER_API_KEY", None)
    serving = await asyncio.create_subprocess_exec(
        *forked.relay(), "-c", str(tmp_path / "relay.yaml"), "serve", env=environment, stderr=subprocess.PIPE
    )
    while (line := (await serving.stderr.readline()).decode().strip()) != f"warning: {WITHOUT_KEY}":
        assert line, "it ended"
        assert WITHOUT_KEY not in line
    serving.terminate()
    await serving.communicate()


@pytest.mark.usefixtures("quiet")
def test_it_is_said_from_the_shell_and_shown_by_check(tmp_path, monkeypatch):
    (tmp_path / "relay.yaml").write_text(FILE.format(archive="live", text="shadow"))
    monkeypatch.setenv("RELAY_CONFIG", str(tmp_path / "relay.yaml"))
    monkeypatch.setenv("RELAY_HOOK_SECRET", SECRET)
    monkeypatch.delenv("CALLSCALER_API_KEY", raising=False)

    def run(*arguments):
        done = CliRunner().invoke(command, list(arguments))
        return done.exit_code, done.stdout, done.stderr

    code, out, _ = run("off", "archive")
    assert (code, out) == (0, "Archive is not judged from now on; the file says live, until that changes there\n")
    code, _, said = run("check")
    assert code == 0
    assert "Archive: off by hand since " in said
    assert "; the file says live" in said
    _, out, _ = run("check", "--json")
    assert '"modes": [{"rule": "Archive", "mode": "off", "file": "live"' in out
    assert run("live", "Archive", "--json")[1] == '{"rule": "Archive", "mode": "live", "file": "live"}\n'
    assert "by hand" not in run("check")[2]
    assert run("shadow", "Archiv") == (4, "", "`Archiv` is no known rule; did you mean `Archive`?\n")
    code, _, said = run("live", "text-back")
    assert code == 3
    assert "set CALLSCALER_API_KEY" in said
    monkeypatch.setenv("CALLSCALER_API_KEY", "cs_key_false_0001")
    assert run("live", "text-back")[0] == 0
    monkeypatch.delenv("CALLSCALER_API_KEY")
    assert f"\nwarning: {WITHOUT_KEY}\n" in run("check")[2]
    assert run("texts", "off")[2] == f"warning: {WITHOUT_KEY}\n"
