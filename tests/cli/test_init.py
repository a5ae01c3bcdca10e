from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from relay.cli import relay

ENVIRONMENT = {
    "RELAY_HOOK_SECRET": "false-secret-0001-0001-0001",
    "SLACK_WEBHOOK_URL": "https://hooks.example.com/false",
}


def init(folder, *arguments, **more):
    return CliRunner().invoke(relay, ["init", "--dir", str(folder), *arguments], **more)


def test_what_it_writes_is_a_good_configuration_in_shadow_mode(tmp_path):
    done = init(tmp_path / "config", "--name", 'Joe\'s "Best" Pipes', "--timezone", "America/Denver", "--yes")
    assert done.exit_code == 0, done.output
    written = tmp_path / "config" / "relay.yaml"
    assert 'name: "Joe\'s \\"Best\\" Pipes"' in written.read_text()
    assert "timezone: America/Denver" in written.read_text()
    assert written.stat().st_mode & 0o077 == 0
    assert "RELAY_HOOK_SECRET=" in (tmp_path / "config" / ".env.example").read_text()
    checked = CliRunner(env=ENVIRONMENT).invoke(relay, ["-c", str(written), "check"])
    assert checked.exit_code == 0, checked.output


def test_questions_are_asked_and_have_answers_ready(tmp_path):
    done = init(tmp_path, input="Bright Pipes\n\nmon-sat: 09:00-17:00\n\n\n")
    assert done.exit_code == 0
    written = (tmp_path / "relay.yaml").read_text()
    assert 'name: "Bright Pipes"' in written
    assert "hours: {mon-sat: 09:00-17:00}" in written
    assert "\n  team: {type: slack" not in written


def test_an_answer_that_cannot_be_is_asked_for_again_at_once(tmp_path):
    slack = "https://hooks.slack.com/services/false"
    answers = ("Pipes", "Chicago", "America/Denver", "9 to 5", "mon-fri: 09:00-17:00", "nonsense", slack, "")
    done = init(tmp_path, input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    assert "'Chicago' is no time zone; did you mean America/Chicago?" in done.output
    assert "`9 to 5` has no hours; write a day, a colon and a span" in done.output
    assert "webhook_url must be the address that Slack shows" in done.output
    written = (tmp_path / "relay.yaml").read_text()
    assert "timezone: America/Denver" in written
    assert "hours: {mon-fri: 09:00-17:00}" in written
    assert f"SLACK_WEBHOOK_URL={slack}\n" in (tmp_path / ".env").read_text()


def test_with_its_secrets_beside_it_the_file_is_good_at_once(tmp_path, monkeypatch):
    for name in ("RELAY_HOOK_SECRET", "SLACK_WEBHOOK_URL", "CALLSCALER_API_KEY"):
        monkeypatch.setenv(name, "")  # so that what .env adds is gone after the test
        monkeypatch.delenv(name)
    done = init(tmp_path, "--slack", "https://hooks.example.com/false", "--key", "cs_key_false", "--yes")
    assert done.exit_code == 0, done.output
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert ".env\n" in (tmp_path / ".gitignore").read_text()
    kept, shown = ((tmp_path / name).read_text() for name in (".env", ".env.example"))
    assert "cs_key_false" in kept
    assert not set(kept.splitlines()[1:]) & set(shown.splitlines()[1:])
    checked = CliRunner().invoke(relay, ["-c", str(tmp_path / "relay.yaml"), "check"])
    assert (checked.exit_code, "good" in checked.output) == (0, True), checked.output


def test_secrets_that_are_there_already_are_never_written_over(tmp_path):
    (tmp_path / ".env").write_text("RELAY_HOOK_SECRET=mine\n")
    assert init(tmp_path, "--yes").exit_code == 0
    assert (tmp_path / ".env").read_text() == "RELAY_HOOK_SECRET=mine\n"


def test_an_answer_that_cannot_be_is_told_with_its_place_and_nothing_is_written(tmp_path):
    done = init(tmp_path / "config", "--hours", "all day", "--yes")
    assert done.exit_code == 2
    assert "hours: {all day}" in done.output
    assert not (tmp_path / "config").exists()


def test_what_exists_is_never_written_over(tmp_path):
    (tmp_path / "relay.yaml").write_text("mine")
    assert init(tmp_path, "--yes").exit_code == 2
    assert (tmp_path / "relay.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = init(tmp_path / "file" / "config", "--yes")
    assert done.exit_code == 1
    assert "cannot be written: a part of that path is a file; name a folder by --dir" in done.output


@pytest.mark.parametrize("zone", ["Chicago", "America/Nowhere", "CST6CDT7"])
def test_a_zone_that_is_none_is_told(tmp_path, zone):
    done = init(tmp_path, "--timezone", zone, "--yes")
    assert done.exit_code == 2
    assert not (tmp_path / "relay.yaml").exists()


def test_editors_are_told_where_every_key_stands(tmp_path):
    assert init(tmp_path, "--yes").exit_code == 0
    first = (tmp_path / "relay.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=relay.schema.json"
    assert json.loads((tmp_path / "relay.schema.json").read_text())["properties"]["rules"]


def test_the_schema_and_the_facts_are_printed():
    printed = CliRunner().invoke(relay, ["schema"])
    assert json.loads(printed.stdout)["title"] == "relay.yaml of CallScaler Relay"
    facts = json.loads(CliRunner().invoke(relay, ["schema", "--facts", "--json"]).stdout)["facts"]
    assert {"name": "call.spam", "type": "text"}.items() <= next(f for f in facts if f["name"] == "call.spam").items()
    assert "caller.texted_by_human_since" in CliRunner().invoke(relay, ["schema", "--facts"]).stdout
