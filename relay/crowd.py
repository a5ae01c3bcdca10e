"""Who is connected, and who must go when there are too many: of one address, or of all, whoever asked nothing longest.

A sender that asks comes before one that only stands there, so a crowd of stalled connections keeps nobody out.
"""

from __future__ import annotations

import resource
from collections import OrderedDict, defaultdict
from typing import Generic, TypeVar

from relay.peers import Networks, origin, within

Guest = TypeVar("Guest")

PER_ADDRESS = 64
ALL = 4000
SPARED = 2.0
"""Seconds for which nobody who came or asked is sent away for the sake of others."""
_ROOM = 256
"""Files that the ledger, outgoing requests and the admin listener may need beside the connections."""


def room() -> int:
    """How many connections the process may hold: its limit on open files, raised as far as it may be, less some.

    A limit that is too low for anything but a few still leaves those few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ALL + _ROOM
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(ALL, max(soft - _ROOM, soft // 2))


class Crowd(Generic[Guest]):
    """Connections by address, each with when it last asked something; moments are seconds of a clock that never jumps.

    Addresses in `spared` are proxies, and count only among all.
    """

    def __init__(self, most: int = ALL, per_address: int = PER_ADDRESS, spared: Networks = ()) -> None:
        self._most = most
        self._per_address = per_address
        self._spared = spared
        self._all: OrderedDict[Guest, tuple[str, float]] = OrderedDict()
        self._by_address: defaultdict[str, OrderedDict[Guest, None]] = defaultdict(OrderedDict)

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, guest: Guest, address: str, now: float) -> Guest | None:
        """Somebody comes; answers who must go for it, which may be the newcomer."""
        group = origin(address)
        mine = self._by_address[group]
        self._all[guest] = (group, now)
        mine[guest] = None
        if len(mine) > self._per_address and not within(address, self._spared):
            longest = next(iter(mine))
            if now - self._all[longest][1] >= SPARED:
                return longest
        if len(self._all) > self._most:
            longest = next(iter(self._all))
            return longest if now - self._all[longest][1] >= SPARED else guest
        return None

    def asks(self, guest: Guest, now: float) -> None:
        """It sent a request."""
        known = self._all.get(guest)
        if known is not None:
            self._all[guest] = (known[0], now)
            self._all.move_to_end(guest)
            self._by_address[known[0]].move_to_end(guest)

    def leave(self, guest: Guest) -> None:
        """It is gone."""
        address, _ = self._all.pop(guest, ("", 0.0))
        mine = self._by_address.get(address)
        if mine is not None:
            mine.pop(guest, None)
            if not mine:
                del self._by_address[address]
