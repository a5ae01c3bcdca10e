"""A load generator in a process of its own: webhooks over kept-alive connections, answered or timed one by one.

Closed: so many connections, each sending the next webhook when the last is answered. Open: so many a second, whatever
the answers do; a time counts from the moment at which the webhook was due to leave.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = {
    "event": "call.completed",
    "call_id": "%s",
    "direction": "inbound",
    "status": "completed",
    "caller_number": "%s",
    "caller_name": "Dana Exämple",
    "caller_city": "Chicago",
    "caller_state": "IL",
    "tracking_number": "+13125550142",
    "destination_number": "+13125550167",
    "duration_seconds": 145,
    "call_flow_name": "Google Ads",
    "recording_url": "https://recordings.example.com/calls/2026/03/02/sample-recording-of-a-call.mp3",
    "landing_page_url": "https://www.example.com/emergency-plumbing?utm_source=google&utm_campaign=emergency-plumbing",
    "source": "google",
    "utm_source": "google",
    "utm_medium": "cpc",
    "utm_campaign": "emergency-plumbing",
    "utm_term": "water heater repair near me",
    "gclid": "obviously-false-click-id-0123456789-0123456789-0123456789",
    "summary": "A leaking water heater in the basement; the caller turned the main valve off, asks for a visit today.",
    "ai_score": 82,
    "ai_category": "lead",
    "qualified_ai": True,
    "robo_score": 3,
    "agent": {"id": "agt_0101", "name": "Front desk", "queue": "emergency"},
    "sent_at": "@",
}
_BODY = json.dumps(FIELDS, ensure_ascii=False, separators=(",", ":")).replace('"@"', "%s").encode()
AREAS = (205, 212, 215, 224, 303, 305, 312, 313, 404, 415, 503, 512, 602, 612, 617, 702, 713, 773, 814, 917)
SECRET = "obviously-false-secret"
SENT_AT = b'"sent_at":'
"""What stands in each body before the moment, in Unix seconds, at which it was due to leave."""


class Bodies:
    """Calls that never came before, by callers of many numbers, 200,000 of them."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(5)
        self._number = 0

    def next(self, at: float) -> bytes:
        """The next call, sent at this moment (Unix seconds)."""
        self._number += 1
        n = self._number * 7919 % 200_000
        caller = f"+1{AREAS[n // 10_000]}555{n % 10_000:04d}"
        return _BODY % (f"{self._run}-{self._number}".encode(), caller.encode(), f"{at:.6f}".encode())


class Connection(asyncio.Protocol):
    """One connection: sends a request, hands back its answer's status."""

    def __init__(self, head: bytes, answered: Callable[[Connection, bytes], None]) -> None:
        self.began = 0.0
        self._head = head
        self._answered = answered
        self._transport: asyncio.Transport | None = None
        self._taken = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = transport  # type: ignore[assignment]

    def send(self, body: bytes) -> None:
        """Post one body."""
        self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        """Part of an answer, mostly all of it."""
        taken = self._taken + data if self._taken else data
        end = taken.find(b"\r\n\r\n")
        if end >= 0:
            head = taken[:end].lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(taken) >= end + 4 + length:
                self._taken = b""
                self._answered(self, taken[9:12])
                return
        self._taken = taken

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Load:
    """What was sent, and how it was answered."""

    def __init__(self, url: str, connections: int, header: str) -> None:
        self._host, _, rest = url.removeprefix("http://").partition(":")
        port, _, path = rest.partition("/")
        self._port = int(port)
        self._head = (
            f"POST /{path} HTTP/1.1\r\nHost: {self._host}:{port}\r\nContent-Type: application/json\r\n"
            f"{header}\r\nContent-Length: "
        ).encode()
        self._connections = connections
        self._bodies = Bodies()
        self._taken: list[float] = []
        self._codes: Counter[str] = Counter()
        self._sent = 0
        self._over = asyncio.Event()

    async def _connect(self, answered: Callable[[Connection, bytes], None]) -> list[Connection]:
        loop = asyncio.get_running_loop()
        return [
            (await loop.create_connection(lambda: Connection(self._head, answered), self._host, self._port))[1]
            for _ in range(self._connections)
        ]

    async def closed(self, seconds: float, most: int) -> dict[str, object]:
        """Each connection sends when it was answered, until the time is over or `most` are sent."""
        under_way = 0
        until = float("inf")

        def go_on(connection: Connection) -> None:
            nonlocal under_way
            connection.began = now = time.perf_counter()
            if now >= until or self._sent >= most:
                if not under_way:
                    self._over.set()
                return
            under_way += 1
            self._sent += 1
            connection.send(self._bodies.next(time.time()))

        def answered(connection: Connection, code: bytes) -> None:
            nonlocal under_way
            under_way -= 1
            self._taken.append(time.perf_counter() - connection.began)
            self._codes[code.decode()] += 1
            go_on(connection)

        connections = await self._connect(answered)
        began = time.perf_counter()
        until = began + seconds
        for connection in connections:
            go_on(connection)
        await self._over.wait()
        return self._told(time.perf_counter() - began, connections)

    async def open(self, seconds: float, rate: float) -> dict[str, object]:
        """So many a second, whatever comes back."""
        idle: deque[Connection] = deque()
        waiting: deque[float] = deque()
        total = int(seconds * rate)

        def answered(connection: Connection, code: bytes) -> None:
            self._taken.append(time.perf_counter() - connection.began)
            self._codes[code.decode()] += 1
            idle.append(connection)
            leave()
            if len(self._taken) >= total:
                self._over.set()

        def leave() -> None:
            while idle and waiting:
                connection = idle.popleft()
                connection.began = due = waiting.popleft()
                connection.send(self._bodies.next(time.time() - (time.perf_counter() - due)))

        connections = await self._connect(answered)
        idle.extend(connections)
        began = time.perf_counter()
        while self._sent < total:
            now = time.perf_counter()
            while self._sent < total and began + self._sent / rate <= now:
                waiting.append(began + self._sent / rate)
                self._sent += 1
            leave()
            await asyncio.sleep(0.001)
        await asyncio.wait_for(self._over.wait(), 60)
        return self._told(time.perf_counter() - began, connections)

    def _told(self, elapsed: float, connections: list[Connection]) -> dict[str, object]:
        for connection in connections:
            connection.close()
        times = sorted(self._taken)
        return {
            "sent": len(times),
            "seconds": elapsed,
            "rate": len(times) / elapsed,
            "p50": 1000 * times[len(times) // 2],
            "p99": 1000 * times[int(len(times) * 0.99)],
            "codes": dict(self._codes),
        }


async def main(given: argparse.Namespace) -> None:
    """Print one JSON object: how many a second, and the median and 99th percentile of their times in ms."""
    load = Load(given.url, given.connections, given.header)
    if given.rate:
        told = await load.open(given.seconds, given.rate)
    else:
        told = await load.closed(given.seconds, given.most or 10**9)
    print(json.dumps(told))  # noqa: T201 - this is what the process is for


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--header", default=f"X-Relay-Secret: {SECRET}")
    uvloop.run(main(parser.parse_args()))
