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
