"""Slow, idle, trickling and countless connections keep nobody out."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import json
import resource
import sqlite3

import pytest

from relay.crowd import ALL, SPARED, Crowd, room
from relay.intake import Intake, Source
from relay.listening import listen
from relay.metrics import Metrics
from relay.proof import ProofForm
from relay.server import Door
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001"
HEAD = f"POST /hooks/phone HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\n"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
async def door(ledger, clock):
    """Starts the public listener, with whatever is to be shorter than usual; answers its port."""
    proof = ProofForm.model_validate({"header": "X-Relay-Secret", "secret": SECRET}).proof()
    intake = Intake(ledger, clock, Metrics(), ticks=lambda: 0.0)
    runners = []

    async def start(*, body_seconds=10.0, **options):
        one = Door(intake, {"phone": Source("phone", "callscaler", proof)}, body_seconds=body_seconds)
        runner, port = await listen(one.app(), "127.0.0.1", 0, linger=0.05, way=one.quickly, **options)
        runners.append(runner)
        return port

    start.runners = runners
    yield start
    for runner in runners:
        await runner.cleanup()
    await intake.drain()


async def answered(port, sent, address="127.0.0.1"):
    """What comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            return await all_of(reader)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def all_of(reader):
    """What comes until the connection ends, or breaks."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            came += piece
    return came


def webhook(nth, *, last=True):
    body = json.dumps({"event": "call.missed", "call_id": f"c-{nth}"}).encode()
    closing = "Connection: close\r\n" if last else ""
    return f"{HEAD}{closing}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("sent", [b"", b"POST /hooks/phone HTTP/1.1\r\nHost: x\r\n"])
async def test_who_asks_nothing_is_disconnected(door, sent):
    port = await door(keepalive=0.1)
    assert await answered(port, sent) == b""


async def test_a_head_that_trickles_in_is_cut_off(door):
    port = await door(keepalive=0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.ensure_future(all_of(reader))
    for byte in itertools.cycle((HEAD * 50).encode()):
        if reading.done():
            break
        writer.write(bytes([byte]))
        await asyncio.wait([reading], timeout=0.01)
    assert await reading == b""
    writer.transport.abort()


async def test_a_body_that_trickles_in_is_408_after_its_time_in_all(door):
    port = await door(body_seconds=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{HEAD}Content-Length: 1000\r\n\r\n".encode())
    reading = asyncio.ensure_future(all_of(reader))
    for _ in range(900):  # each of them sooner than a time-out that begins anew with every byte
        if reading.done():
            break
        writer.write(b" ")
        await asyncio.wait([reading], timeout=0.02)
    assert reading.done()
    assert (await reading).startswith(b"HTTP/1.1 408 ")
    writer.transport.abort()


async def test_what_is_no_http_at_all_is_refused_as_everything_else_is(door):
    port = await door()
    for sent in (
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        answer = await answered(port, sent)
        assert answer.split(b" ")[1] == b"400", answer
        assert b"application/problem+json" in answer
        assert b"aiohttp" not in answer
        assert b"GARBAGE" not in answer


async def test_whoever_expects_what_there_is_not_is_told_so(door):
    port = await door()
    for expected in (b"\xff\xc0", b"nonsense", b"200-ok"):
        answer = await answered(port, HEAD.encode() + b"Connection: close\r\nExpect: " + expected + b"\r\n\r\n")
        assert answer.split(b" ")[1] == b"417", answer
    body = webhook(1).replace(b"Connection", b"Expect: 100-continue\r\nConnection")
    assert b"HTTP/1.1 202 " in await answered(port, body)


async def test_five_hundred_requests_on_one_connection_are_answered_in_order(door, ledger):
    port = await door()
    requests = b"".join(webhook(nth, last=nth == 499) for nth in range(500))
    answer = await answered(port, requests)
    assert answer.count(b"HTTP/1.1 202 ") == 500
    assert len(await ledger.events(limit=1000)) == 500


async def test_of_five_hundred_requests_on_one_connection_32_at_most_are_read_ahead(door, tmp_path, until):
    port = await door()
    body = json.dumps({"event": "call.missed", "call_id": "c", "padding": "x" * 50_000}).encode()
    requests = [webhook(nth, last=nth == 499) for nth in range(500)]
    requests[1:499] = [f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body] * 498
    with contextlib.closing(sqlite3.connect(tmp_path / "relay.db", isolation_level=None)) as somebody:
        somebody.execute("begin immediate")  # so the first one waits for the ledger, and all others behind it
        asking = asyncio.ensure_future(answered(port, b"".join(requests)))
        [runner] = door.runners
        await until(lambda: [one for one in runner.server.connections if one._buffer_paused])
        [connection] = runner.server.connections
        assert len(connection._messages) <= 32
        assert not asking.done()
    assert (await asking).count(b"HTTP/1.1 20") == 500


async def test_two_thousand_stalled_connections_and_a_flood_of_bad_requests_keep_no_good_one_out(door, ledger):
    """How long good ones wait meanwhile is measured by tests/soak/crowd.py."""
    port = await door()
    stalled = await asyncio.gather(*(stall(port, nth) for nth in range(2000)))
    flood = [asyncio.ensure_future(pour(port, 150)) for _ in range(2)]
    for nth in range(100):
        answer = await answered(port, webhook(nth), "127.0.0.50")
        assert answer.startswith(b"HTTP/1.1 202 "), answer
    assert {status for one in flood for status in await one} == {b"401", b"429"}
    for writer in stalled:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    assert len(await ledger.events(limit=1000)) == 100


async def stall(port, nth):
    """A connection that says no more than this, from one of twenty addresses."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.0.{2 + nth % 20}", 0))
    writer.write((b"", b"POST /hooks/phone HTTP/1.1\r\n", f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())[nth % 3])
    return writer


async def pour(port, count):
    """Bad requests, one after the other; answers their statuses."""
    bad = HEAD.replace(SECRET, "wrong").encode() + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"
    return [(await answered(port, bad)).split(b" ")[1] for _ in range(count)]


def test_whoever_stands_there_longest_makes_room_for_an_address_that_comes_too_often():
    crowd = Crowd(most=10, per_address=3)
    for nth in range(3):
        assert crowd.enter(f"g{nth}", "a", 0.0) is None
    assert crowd.enter("g3", "a", SPARED - 0.1) is None, "nobody who has just come"
    assert crowd.enter("g4", "a", SPARED) == "g0"
    crowd.leave("g0")
    crowd.asks("g1", SPARED)
    assert crowd.enter("g5", "a", SPARED) == "g2", "who asked lately stays"
    assert crowd.enter("h0", "b", SPARED) is None


def test_when_all_are_too_many_the_longest_goes_and_else_the_newcomer():
    crowd = Crowd(most=3)
    for nth in range(3):
        crowd.enter(f"g{nth}", f"a{nth}", 0.0)
    assert crowd.enter("g3", "a3", SPARED) == "g0"
    crowd.leave("g0")
    crowd.asks("g1", SPARED)
    crowd.asks("g2", SPARED)
    assert crowd.enter("g4", "a4", SPARED) == "g4"
    crowd.leave("g4")
    crowd.leave("never came")
    crowd.asks("never came", 0.0)
    assert len(crowd) == 3


def test_a_proxy_may_hold_as_many_as_it_likes():
    crowd = Crowd(per_address=3, spared=LOOPBACK)
    assert [crowd.enter(nth, "127.0.0.9", nth * 10.0) for nth in range(50)] == [None] * 50


def test_the_limit_on_files_is_raised_as_far_as_it_may_be(monkeypatch):
    said = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: said.append(limits))
    for limits, fits, raised in (
        ((1024, 1024), 768, [(1024, 1024)]),
        ((1024, resource.RLIM_INFINITY), ALL, [(4256, resource.RLIM_INFINITY)]),
        ((64, 64), 32, [(64, 64)]),
        ((20000, 20000), ALL, []),
    ):
        said.clear()
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: limits)
        assert (room(), said) == (fits, raised)
