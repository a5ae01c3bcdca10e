"""Which addresses requests to the outside may go to."""

import asyncio
import ipaddress
import socket

import pytest

from relay.errors import Rejected
from relay.http import Http
from relay.network import Network, is_this_machine

EVERYTHING = Network(allow=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "::1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "fd00:ec2::254",
        "fe80::1", "64:ff9b:1::1", "::", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::ffff:127.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "192.88.99.1", "fec0::1", "3fff::1", "5f00::1", "100::1",
        "ff02::1", "fc00::1", "2001:db8::1", "::ffff:0:7f00:1", "::ffff:0:808:808", "64:ff9b::808:808", "2001:10::1",
        "2001:20::1", "4000::1", "::2", "200::1", "168.63.129.16", "::ffff:a83f:8110", "100.100.100.200",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address):
    assert not Network().permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2a00:1450::1"])
def test_a_public_address_is_allowed(address):
    assert Network().permits(ipaddress.ip_address(address))


def test_a_private_address_may_be_allowed():
    assert EVERYTHING.permits(ipaddress.ip_address("10.0.0.5"))
    assert EVERYTHING.permits(ipaddress.ip_address("::ffff:10.0.0.5"))
    assert EVERYTHING.permits(ipaddress.ip_address("64:ff9b::a00:5"))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "fd00:ec2::254", "fe80::1", "::ffff:169.254.169.254", "100.100.100.200", "168.63.129.16",
        "192.0.0.192", "fd20:ce::254", "fd00:42::42", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe",
        "::ffff:0:a9fe:a9fe", "::ffff:6464:64c8",
    ],
)  # fmt: skip
def test_a_clouds_metadata_is_never_allowed_however_its_address_is_wrapped(address):
    assert not EVERYTHING.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_this_machine_is_known_by_each_of_its_names(address):
    assert is_this_machine(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::7", "::ffff:198.51.100.7"])
def test_others_are_not_taken_for_this_machine(address):
    assert not is_this_machine(ipaddress.ip_address(address))


def test_an_address_of_an_own_network_is_this_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.bind(("127.0.0.1", 0))
        way.connect(("127.3.3.3", 9))
        assert is_this_machine(ipaddress.ip_address(way.getsockname()[0]))


async def test_a_name_that_turns_private_once_it_was_looked_up_is_refused(monkeypatch, sink):
    """Rebinding. 127.0.0.2 stands for a public address here: it is all that may be reached."""
    url, port, looked_up = sink.url.replace("127.0.0.1", "turns.example"), int(sink.url.rsplit(":")[2].strip("/")), []

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    def turning(name, port, **more):
        looked_up.append(name)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2" if len(looked_up) == 1 else "127.0.0.1", port))
        ]

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    http = Http(Network(allow=(ipaddress.ip_network("127.0.0.2/32"),), allow_http=True))
    async with await asyncio.start_server(answer, "127.0.0.2", port):
        assert (await http.request("GET", url)).status == 200
        with pytest.raises(Rejected, match=r"ip_denied: 127\.0\.0\.1"):
            await http.request("GET", url)
    await http.close()
    assert looked_up == ["turns.example"] * 2, "no look-up is remembered"
    assert sink.requests == []
