"""What the door refuses whoever sends it: over sockets, and with a sender who signs what it sends."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from inspect import signature

import pytest

from relay.admin import Admin
from relay.admin.guard import Guard
from relay.crowd import PER_ADDRESS
from relay.errors import BadBody
from relay.intake import Source, read_json
from relay.intake.body import MOST_NODES
from relay.intake.door import RefusalLimit
from relay.listening import KEEPALIVE, listen
from relay.proof import ProofForm
from relay.proof.sign import proving_headers
from relay.server import Door
from tests.front import SECRET, open_door
from tests.patience import PATIENCE

SIGNED = ProofForm.model_validate({"hmac": {"header": "X-Sign", "secret": "an-obviously-false-secret"}}).proof()
HEAD = f"Host: x\r\nContent-Type: application/json\r\nX-Relay-Secret: {SECRET}\r\nContent-Length: 2\r\n\r\n{{}}"


@pytest.fixture
async def front(ledger, clock):
    async with open_door(ledger, clock) as it:
        it.door.sources = {**it.door.sources, "signed": Source("signed", "callscaler", SIGNED)}
        yield it


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"call.missed","call_id":"a","caller_name":"\xff"}',
        b'\xef\xbb\xbf{"event":"call.missed","call_id":"a"}',
        '{"event":"call.missed","call_id":"a"}'.encode("utf-16"),
        b'{"event":"call.missed","call_id":"a","call_id":"b"}',
    ],
)
async def test_the_bytes_of_a_body_are_proved_before_they_are_read(front, ledger, body):
    signed = proving_headers(SIGNED, body, 0.0)
    right = await front.post(body, path="/hooks/signed", headers=signed)
    wrong = await front.post(body + b" ", path="/hooks/signed", headers=signed)
    assert (right.status, wrong.status) == (400, 401)
    assert await ledger.events(limit=9) == []


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "3.0"])
@pytest.mark.parametrize("path", ["/hooks/phone", "/hooks/ph%6fne", "/healthz"])
async def test_no_other_version_of_http_is_spoken_on_any_way(front, ledger, version, path):
    answer = await front.raw(f"POST {path} HTTP/{version}\r\n{HEAD}".encode())
    assert (answer.status, answer.closed) == (400, True)
    assert await ledger.requests(limit=9) == []


async def test_of_sources_that_there_are_not_no_metric_and_no_answer_tells_the_names(front):
    bodies = {(await front.post(b"{}", path=f"/hooks/guess-{nth}")).body for nth in range(60)}
    assert len(bodies) == 1, "and none of them is answered otherwise than another"
    assert front.count("refused", source="unknown") == 60
    told = {sample.labels["source"] for one in front.metrics.registry.collect() for sample in one.samples
            if one.name == "relay_events"}  # fmt: skip
    assert told == {"unknown"}


def test_fifty_thousand_addresses_are_remembered_and_of_one_more_the_longest_silent_is_not():
    limit = RefusalLimit()
    for nth in range(50_001):
        limit.spend(f"10.{nth >> 16}.{nth >> 8 & 255}.{nth & 255}", 0.0)
    assert len(limit._buckets) == 50_000
    assert "10.0.0.0" not in limit._buckets


def test_thirty_two_levels_are_read_and_one_more_is_refused():
    def nested(levels):
        return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    assert read_json(nested(32))
    with pytest.raises(BadBody, match="deeper than 32"):
        read_json(nested(33))
    assert read_json(b"[" + b"{}," * 1999 + b"{}]")
    with pytest.raises(BadBody, match="more than 2000"):
        read_json(b"[" + b"{}," * 2000 + b"{}]")


def test_of_as_many_values_as_a_body_can_hold_no_more_are_looked_at_than_it_may_hold():
    body = b'{"a":[' + b"{}," * 87_000 + b"{}]}"
    assert len(body) < 256 * 1024
    steps = itertools.count()
    sys.setprofile(lambda *_: next(steps))
    try:
        with pytest.raises(BadBody, match="more than 2000"):
            read_json(body)
    finally:
        sys.setprofile(None)
    assert next(steps) < 20 * MOST_NODES


async def test_of_one_address_sixty_four_connections_stay_and_whoever_stands_there_longest_goes(front):
    """It goes for the sake of newcomers, once it has stood there for two seconds."""
    standing = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(64)]
    newcomers = 0
    gone = asyncio.ensure_future(standing[0][0].read())
    end = time.monotonic() + PATIENCE
    while not gone.done():
        assert time.monotonic() < end
        assert (await front.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
        newcomers += 1
        await asyncio.wait([gone], timeout=0.05)
    assert await gone == b""
    assert len(standing) == PER_ADDRESS
    assert sum(reader.at_eof() for reader, _ in standing) <= newcomers
    assert not standing[-1][0].at_eof(), "who came last of them stands there"
    for _, writer in standing:
        writer.close()


async def test_whoever_stands_still_has_fifteen_seconds_and_a_body_ten(ledger, clock):
    """Here a second, and half of one: they end no sooner, each by its own time."""
    assert (KEEPALIVE, signature(listen).parameters["keepalive"].default) == (15.0, KEEPALIVE)
    for takes in (Door, Guard, Admin):
        assert signature(takes).parameters["body_seconds"].default == 10.0
    whole = f"POST /hooks/phone HTTP/1.1\r\n{HEAD}".encode()
    stalled = whole.replace(b"Content-Length: 2", b"Content-Length: 9")
    async with open_door(ledger, clock, body_seconds=0.5, keepalive=1.0) as it:
        began = time.monotonic()
        answers = await asyncio.gather(*(until_the_end(it.port, sent) for sent in (b"", whole[:40], stalled)))
    assert [answer.split(b" ")[1:2] for answer, _ in answers] == [[], [], [b"408"]]
    assert [ended - began >= least for (_, ended), least in zip(answers, (1.0, 1.0, 0.5), strict=True)] == [True] * 3


async def until_the_end(port, sent):
    """What comes back, and when the connection was over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer, time.monotonic()
