"""A load generator of its own process: so many connections, each sending the next webhook when the last is answered."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

import uvloop

BODY = {
    "event": "call.completed",
    "call_id": "",
    "direction": "inbound",
    "status": "completed",
    "caller_number": "+13125550101",
    "caller_name": "Dana Example",
    "tracking_number": "+13125550142",
    "destination_number": "+13125550167",
    "duration_seconds": 145,
    "call_flow_name": "Google Ads",
    "recording_url": "https://recordings.example.com/calls/sample.mp3",
    "source": "google",
    "utm_source": "google",
    "utm_medium": "cpc",
    "utm_campaign": "emergency-plumbing",
    "summary": "A leaking water heater; asks for a visit today.",
}


async def connection(host: str, port: int, path: str, until: float, taken: list[float]) -> None:
    """Send webhooks, one after the other, until the time is over."""
    reader, writer = await asyncio.open_connection(host, port)
    run, number = secrets.token_hex(6), 0
    while time.perf_counter() < until:
        number += 1
        body = json.dumps(
            {**BODY, "call_id": f"{run}-{number}", "caller_number": f"+1312555{number % 10_000:04d}"}
        ).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"X-Relay-Secret: obviously-false-secret\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        if not answer.startswith(b"HTTP/1.1 202"):
            raise SystemExit(f"unexpected answer: {answer[:200]!r}")
        taken.append(time.perf_counter() - began)
    writer.close()


async def main(url: str, connections: int, seconds: float) -> None:
    """Print one JSON object: requests a second, and the median and 99th percentile of their times in ms."""
    host, _, rest = url.removeprefix("http://").partition(":")
    port, _, path = rest.partition("/")
    taken: list[float] = []
    began = time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(connection(host, int(port), f"/{path}", until, taken) for _ in range(connections)))
    elapsed = time.perf_counter() - began
    taken.sort()
    figures = {
        "rate": len(taken) / elapsed,
        "p50": 1000 * taken[len(taken) // 2],
        "p99": 1000 * taken[int(len(taken) * 0.99)],
    }
    print(json.dumps(figures))  # noqa: T201 - this is what the process is for


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
