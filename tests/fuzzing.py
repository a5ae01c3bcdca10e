"""Requests that are nearly right: bytes, heads and JSON bent at random, thrown at a listener over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from collections import Counter

PATIENCE = 10.0
"""Seconds that an answer is waited for; of a bent frame the listener may wait for more, for longer than that."""
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
CALL = {
    "event": "call.missed", "call_id": "c-0001", "direction": "inbound", "status": "no-answer",
    "caller_number": "+13125550101", "caller_name": "Dana Example", "tracking_number": "+13125550142",
    "duration_seconds": 0, "transcription": None, "ai_score": 82, "created_at": "2026-03-02T15:58:00Z", "test": False,
}  # fmt: skip
ODD = [
    None, True, False, 0, -1, 1e308, 2**53, 2**64, "", " ", "\x00", "\ud800", "\u202e", "x" * 300, [], {}, [[]],
    {"a": {"b": []}}, "call.", "24:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "true", "NaN",
]  # fmt: skip
TOKENS = [
    b"\x00", b"\r\n", b"\n", b"\xff", b"{", b"}", b"[" * 40, b'"', b",", b":", b"NaN", b"1e999", b"\\ud800",
    b"\xed\xa0\x80", b"1" * 30,
]  # fmt: skip
HEADERS = [
    "Content-Type: application/json", "Content-Type: text/plain", "Content-Type: ;;;", "Content-Encoding: gzip",
    "Transfer-Encoding: chunked", "Expect: 100-continue", "Expect: nonsense", "Connection: upgrade", "Upgrade: h2c",
    "X-Forwarded-For: ,,,", "Host: \xe9", "Content-Type: application/json; charset=nonsense", "Range: bytes=0-",
    "X-Relay-Secret: wrong", "X-Relay-Secret: \xe9\xff", "Cookie: " + "x" * 200, "Content-Length: 5",
]  # fmt: skip


_LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def bent_json(dice: random.Random) -> bytes:
    """A call with some of its fields, names or bytes bent."""
    call = dict(CALL)
    if dice.random() < 0.1:
        call["call_id"] = f"c-{dice.randrange(10**6)}"
    for _ in range(dice.randint(0, 3)):
        name = dice.choice([*call, "id", "timestamp", "extra", "body", "qualified_ai"])
        call[name] = dice.choice(ODD)
    if dice.random() < 0.1:
        call = dice.choice([[call], "text", None, 5, {"call": call}])
    body = bytearray(json.dumps(call, allow_nan=True).encode())
    for _ in range(dice.choice((0, 0, 1, 3))):
        place = dice.randrange(len(body))
        if dice.random() < 0.5:
            body[place] = dice.randrange(256)
        else:
            body[place:place] = dice.choice(TOKENS)
    return bytes(body)


def bent_request(dice: random.Random, secret: str) -> bytes:
    """A webhook whose frame is sound, so that others may follow it on the same connection."""
    body = bent_json(dice)
    path = dice.choice(["/hooks/phone"] * 40 + ["/hooks/%00", "/hooks/nobody", "/hooks/", "/healthz", "//", "/%2e%2e/"])
    method = dice.choice(["POST"] * 40 + ["GET", "PUT", "TRACE", "OPTIONS"])
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-Relay-Secret: {secret if dice.random() < 0.9 else 'x'}"]
    if dice.random() < 0.8:
        lines.append("Content-Type: application/json")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def bent_frame(dice: random.Random, secret: str) -> bytes:
    """A webhook bent anywhere; nothing can follow it."""
    request = bytearray(bent_request(dice, secret))
    end = request.find(b"\r\n\r\n")
    request[end:end] = b"".join(b"\r\n" + dice.choice(HEADERS).encode("latin-1") for _ in range(dice.randint(0, 2)))
    for _ in range(dice.randint(0, 3)):
        request[dice.randrange(len(request))] = dice.randrange(256)
    return bytes(request)


async def fuzz(port: int, secret: str, count: int, seed: int, *, alone: int = 10, senders: int = 1) -> Counter[int]:
    """Throw `count` requests; answers the statuses. One in `alone` has a connection of its own and a bent frame.

    They come from so many addresses of this machine: from one alone, most are refused for their number, unread.
    """
    dice = random.Random(seed)  # noqa: S311 - the same dice for the same seed
    seen: Counter[int] = Counter()
    left = count
    while left > 0:
        if dice.randrange(alone * 3) == 0:
            batch = [bent_frame(dice, secret) for _ in range(min(left, 30))]
            for statuses in await asyncio.gather(*(_throw(port, one, _sender(dice, senders)) for one in batch)):
                seen.update(statuses)
        else:
            batch = [bent_request(dice, secret) for _ in range(min(left, 12))]
            seen.update(await _throw(port, b"".join(batch) + _LAST, _sender(dice, senders)))
        left -= len(batch)
    return seen


def _sender(dice: random.Random, senders: int) -> str:
    nth = dice.randrange(senders)
    return f"127.{nth // 62500 % 250}.{nth // 250 % 250}.{nth % 250 + 1}"


async def _throw(port: int, sent: bytes, sender: str) -> list[int]:
    answer = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(sender, 0))
    try:
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            while piece := await reader.read(65536):
                answer += piece
    except (ConnectionError, TimeoutError):
        pass  # what came until then counts
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return [int(status) for status in STATUS.findall(answer)]
