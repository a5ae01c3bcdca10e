"""Whose request it is."""

import ipaddress

import pytest

from relay.peers import is_loopback, origin, sender

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "whose"),
    [
        ("198.51.100.7", ["192.0.2.1"], "198.51.100.7"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("::ffff:10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["192.0.2.66, 192.0.2.1, 10.9.9.9"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.66", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.66, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        (None, ["192.0.2.1"], "unknown"),
        ("@", [], "unknown"),
    ],
)
def test_a_proxy_that_is_trusted_names_the_sender_and_nobody_else_does(peer, forwarded, whose):
    assert sender(peer, forwarded, PROXIES) == whose


@pytest.mark.parametrize(
    ("address", "local"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.9.9.9", True), ("8.8.8.8", False), ("x", False)],
)
def test_this_machine_is_known_by_its_addresses(address, local):
    assert is_loopback(address) is local


@pytest.mark.parametrize(
    ("address", "known_by"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_sender_is_known_by_its_network_where_it_has_all_addresses_of_one(address, known_by):
    assert origin(address) == known_by
