"""Whose request it is: the address of the peer, or of whom a trusted proxy names."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def sender(peer: str | None, forwarded: Sequence[str], trusted: Networks) -> str:
    """The sender's address: the last one that no trusted proxy wrote. `forwarded` are the X-Forwarded-For headers."""
    address = read_address(peer or "")
    if address is None or not trusted or not _is_in(address, trusted):
        return _said(address)
    # A proxy adds its line below the sender's own, or its word behind the sender's own.
    for hop in reversed(",".join(forwarded).split(",")):
        named = read_address(hop.strip())
        if named is None:
            break
        if not _is_in(named, trusted):
            return str(named)
    return str(address)


@lru_cache(4096)
def _said(address: Address | None) -> str:
    return str(address or "unknown")


@lru_cache(4096)
def origin(address: str) -> str:
    """By what one sender is known: an address of IPv4, a network (/64) of IPv6, in which each has all addresses."""
    read = read_address(address)
    if read is None or read.version == 4:  # noqa: PLR2004 - as IP counts
        return address
    return str(ipaddress.ip_network((int(read) >> 64 << 64, 64)))


def is_loopback(address: str) -> bool:
    """Whether it is this machine itself."""
    read = read_address(address)
    return read is not None and read.is_loopback


def within(address: str, networks: Networks) -> bool:
    """Whether an address is in one of these networks."""
    read = read_address(address) if networks else None
    return read is not None and _is_in(read, networks)


@lru_cache(1024)
def read_address(written: str) -> Address | None:
    """An address, of IPv4 wherever IPv6 only wraps one; None for anything else."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks if network.version == address.version)
