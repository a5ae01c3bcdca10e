"""An address to which no request may go is warned of when the file is read, at its place."""

import pytest

FILE = """\
network: {allow: [10.0.0.5/32, 169.254.0.0/16]}
connectors:
  out: {type: webhook, url: "ADDRESS"}
"""
NEITHER = "is neither public nor named under network: allow:"


def warned(load, address, text=FILE, **environment):
    warnings = load(text.replace("ADDRESS", address), environment).warnings
    return [str(warning).partition("relay.yaml:")[2] for warning in warnings if "nothing will be sent" in str(warning)]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://127.0.0.1/x", NEITHER),
        ("https://localhost:8443/x", NEITHER),
        ("https://[::1]/", NEITHER),
        ("https://10.0.0.6/", NEITHER),
        ("https://192.168.1.1/", NEITHER),
        ("https://①②⑦.0.0.1/", NEITHER),
        ("https://[::ffff:127.0.0.1]/", NEITHER),
        ("https://[64:ff9b::7f00:1]/", NEITHER),
        ("https://169.254.169.254/latest", NEITHER),
        ("http://example.com/", "only https"),
        ("https://example.com:22/", "port 22"),
        ("https://example.com:25/", "port 25"),
        ("https://example.com:0/", "port 0"),
        ("https://user:pw@example.com/", "no user, password or fragment"),
        ("https://example.com/#part", "no user, password or fragment"),
    ],
)
def test_an_address_that_no_request_may_go_to_is_warned_of(load, address, why):
    [said] = warned(load, address)
    assert said.startswith("3:29: nothing will be sent here: ")
    assert why in said


@pytest.mark.parametrize(
    "address", ["https://example.com/x", "https://example.com:8443/", "https://10.0.0.5/", "https://8.8.8.8/"]
)
def test_an_address_that_may_be_reached_is_not_warned_of(load, address):
    assert warned(load, address) == []


def test_a_secret_address_and_the_phone_system_s_own_are_judged_and_not_told(load):
    slack = "connectors:\n  team: {type: slack, webhook_url: '${SLACK}'}\n"
    [said] = warned(load, "", slack, SLACK="https://127.0.0.1/services/not-a-real-secret")
    assert "not-a-real-secret" not in said
    phone = "callscaler: {api_key: 'cs_key_false', base_url: 'https://169.254.169.254/api/v1'}\n"
    assert len(warned(load, "", phone)) == 1
