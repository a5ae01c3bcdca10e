"""Ports for programs that must be told theirs before they listen."""

from __future__ import annotations

import itertools
import os
import socket

_FIRST, _SHARES, _SHARE = 20_000, 200, 60
"""Below 32768, from where Linux takes the ports of outgoing connections: nobody is given one of these by chance."""
_tried = itertools.count()


def free_port() -> int:
    """A port of loopback that nobody listens on; each process looks in a share of its own, so that two never meet."""
    first = _FIRST + os.getpid() % _SHARES * _SHARE
    for _ in range(_SHARE):
        port = first + next(_tried) % _SHARE
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
