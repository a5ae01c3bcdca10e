"""Receivers that cost little: they count what is posted, and how long after its time it came.

Every port takes posts; `GET /figures` answers what came since the last `GET /reset`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from tests.benchmarks.load import SENT_AT

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Seen:
    """What came, on all ports together."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.last = 0.0

    def take(self, request: bytes) -> None:
        """Count one body."""
        self.last = time.time()
        place = request.rfind(SENT_AT)
        written = request[place + len(SENT_AT) : place + 40]
        self.late.append(self.last - float(written.split(b",")[0].split(b"}")[0]) if place >= 0 else 0.0)

    def figures(self) -> bytes:
        """How many, the last of them, and how late they were in ms."""
        late = sorted(self.late) or [0.0]
        told = {
            "count": len(self.late),
            "last": self.last,
            "p50": 1000 * late[len(late) // 2],
            "p99": 1000 * late[int(len(late) * 0.99)],
        }
        return json.dumps(told).encode()


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._taken = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Part of a request, mostly all of it."""
        taken = self._taken + data if self._taken else data
        end = taken.find(b"\r\n\r\n")
        if end < 0:
            self._taken = taken
            return
        if taken.startswith(b"GET "):
            self._taken = b""
            self._tell(taken)
            return
        head = taken[:end].lower()
        place = head.find(b"content-length:")
        whole = end + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0])
        if len(taken) < whole:
            self._taken = taken
            return
        self._taken = b""
        self._seen.take(taken)
        self._transport.write(_OK)  # type: ignore[union-attr]

    def _tell(self, request: bytes) -> None:
        if request.startswith(b"GET /reset"):
            self._seen.__init__()  # type: ignore[misc]
        told = self._seen.figures()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))  # type: ignore[union-attr]


async def main(ports: list[int]) -> None:
    """Serve until killed."""
    seen, loop = Seen(), asyncio.get_running_loop()
    for port in ports:
        await loop.create_server(lambda: Sink(seen), "127.0.0.1", port, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main([int(port) for port in sys.argv[1:]]))
