"""Where requests to the outside may go: the public internet, what is allowed by name, and never a cloud's metadata."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AnyNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where clouds tell their machines secrets; each is documented by its cloud.
_METADATA = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure; looks public
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::254/128",  # Amazon
        "fd00:42::42/128",  # Scaleway
        "fd20:ce::254/128",  # Google
        "fe80::/10",
    )
)
# What ipaddress.is_global of Python 3.11 lets through although no public service lives there (IANA special registries).
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
"""All that IANA has given out as global unicast: what lies outside is local, mapped, translated or nothing yet."""
# IPv6 that stands for an IPv4 address in its last 32 bits: compatible, mapped, translated, and NAT64.
_WRAPS = tuple(ipaddress.ip_network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))


@dataclass(frozen=True, slots=True)
class Network:
    """Where outgoing requests may go beyond the public internet over https."""

    allow: tuple[AnyNetwork, ...] = ()
    allow_http: bool = False
    ca_file: Path | None = None
    """Certificates (PEM) of authorities that are trusted beside the system's own."""

    def tls(self) -> ssl.SSLContext:
        """How other ends prove themselves; that they do is never switched off.

        Raises:
            OSError: the file of certificates cannot be read, or holds none.
        """
        if self.ca_file is None:
            return _system_trust()
        context = ssl.create_default_context()
        context.load_verify_locations(self.ca_file)
        return context

    def permits(self, address: Address) -> bool:
        """Whether a connection to this address may be opened."""
        if any(_is_in(meant, _METADATA) for meant in _meant(address)):
            return False
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if _is_in(address, self.allow):
            return True
        if _is_in(address, _NOT_PUBLIC) or (isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_V6):
            return False
        return address.is_global


@cache
def _system_trust() -> ssl.SSLContext:
    """The authorities that the system trusts, read once: that takes 15 ms and a megabyte each time."""
    return ssl.create_default_context()


def _meant(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 address that it leads to where something on the way unwraps it."""
    yield address
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if _is_in(address, _WRAPS):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_in(address: Address, networks: tuple[AnyNetwork, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def is_this_machine(address: Address) -> bool:
    """Whether a connection to this address ends here: loopback, or an address of one of this machine's own networks."""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - as IP counts
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((str(address), 9))  # sends nothing: the system chooses the way, which for its own is itself
            return ipaddress.ip_address(way.getsockname()[0]) == address
    except OSError:
        return False
