"""Settings by the environment that cannot be right, or could be better."""

import pytest

from relay.errors import ConfigError

RULES = "rules: []\n"


@pytest.mark.parametrize("name", ["RELAY_ADMIN_TOKEN", "RELAY_VIEW_TOKEN"])
def test_a_token_that_can_be_guessed_is_warned_about_and_not_told(load, name):
    told = [str(warning) for warning in load(RULES, {"RELAY_HOOK_SECRET": "false-secret-0001", name: "short"}).warnings]
    [said] = [warning for warning in told if name in warning]
    assert "under 16 characters" in said
    assert "short" not in said
    long = load(RULES, {"RELAY_HOOK_SECRET": "false-secret-0001", name: "a-false-token-0001"})
    assert not [warning for warning in long.warnings if name in str(warning)]


def test_a_key_that_is_none_is_a_mistake_of_the_configuration(load):
    with pytest.raises(ConfigError, match="openssl rand -base64 32") as refused:
        load(RULES, {"RELAY_HOOK_SECRET": "false-secret-0001", "RELAY_ENCRYPTION_KEY": "false-key"})
    assert "false-key" not in str(refused.value)


TEAM = 'connectors:\n  team: {type: slack, webhook_url: "${SLACK_WEBHOOK_URL}"}\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("SLACK_WEBHOOK_URL=\n", "its line in {file} ends at the =; write the value behind it"),
        ("SLACK_WEBHOOK_URL=''\n", "its line in {file} ends at the =; write the value behind it"),
        (
            "# SLACK_WEBHOOK_URL=x\n",
            "its line in {file} begins with #; take that away, and write the value behind the =",
        ),
        ("export SLACK_WEBHOOK_URL=x\n", "it stands in {file}, which is read at the start; start again"),
        ("SLACK_WEBHOOK_URL: x\n", "its line in {file} has a colon; write SLACK_WEBHOOK_URL=, and the value behind it"),
        ('SLACK_WEBHOOK_URL="x\n', "its line in {file} opens a quote and never closes it"),
        ("OTHER=\n", "write it into the file .env beside this one, or set it before the start"),
        (None, "write it into the file .env beside this one, or set it before the start"),
    ],
)
def test_a_variable_without_a_value_is_told_with_its_file_and_what_to_do(mistakes, tmp_path, line, told):
    file = tmp_path / ".env"
    if line is not None:
        file.write_text(line)
    [said] = mistakes(TEAM)
    assert said == f"2:36: the environment variable SLACK_WEBHOOK_URL is not set, or blank: {told.format(file=file)}"


def test_a_variable_that_is_set_to_nothing_wins_and_that_is_told(mistakes, tmp_path):
    (tmp_path / ".env").write_text("SLACK_WEBHOOK_URL=https://hooks.slack.example/false\n")
    [said] = mistakes(TEAM, {"SLACK_WEBHOOK_URL": ""})
    assert said.endswith(f"it is set to nothing in the environment, which wins over {tmp_path}/.env; unset it there")
    assert "hooks.slack" not in said
