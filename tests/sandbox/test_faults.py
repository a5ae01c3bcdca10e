"""Everything that can go wrong, on request."""

import asyncio
import contextlib
from collections import Counter

import aiohttp
import pytest

from tests.patience import PATIENCE

TEXT = {"to": "+13125550101", "body": "Hello"}


@pytest.fixture
def send(client, sandbox):
    number = sandbox.number("+13125550142")["id"]

    async def text():
        return await client.raw("POST", "/texts", json={**TEXT, "from_number_id": number})

    return text


@pytest.mark.parametrize(
    ("kind", "status", "kept"),
    [
        ("slow", 200, 1),
        ("500", 500, 0),
        ("503", 503, 0),
        ("429", 429, 0),
        ("html", 502, 0),
        ("empty", 200, 0),
        ("500-after", 500, 1),
        ("html-after", 200, 1),
    ],
)
async def test_an_appointed_fault_happens_once_and_says_what_it_did(sandbox, send, kind, status, kept):
    sandbox.faults.next("POST", "/texts", kind)
    answered, headers, body = await send()
    assert (answered, len(sandbox.texts())) == (status, kept)
    assert ("html" in headers.get("Content-Type", "")) == kind.startswith("html")
    assert (body == b"") == (kind == "empty")
    assert ("Retry-After" in headers) == (kind == "429")
    assert (await send())[0] == 200
    assert sandbox.faults.seen == {kind: 1}


@pytest.mark.parametrize(("kind", "kept"), [("reset-before", 0), ("reset-after", 1), ("late-reset", 1)])
async def test_a_reset_leaves_no_answer_and_acts_or_not(sandbox, send, kind, kept):
    sandbox.faults.next("POST", "/texts", kind)
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await send()
    assert len(sandbox.texts()) == kept
    assert sandbox.requests()[-1] == ("POST", "/texts", 499)


@pytest.mark.parametrize(("kind", "kept"), [("hang", 0), ("hang-after", 1)])
async def test_a_hanging_request_gets_nothing_and_holds_up_no_other(world, kind, kept):
    sandbox, client = await world(hang=30)
    sandbox.faults.next("POST", "/texts", kind)
    given = {**TEXT, "from_number_id": sandbox.number("+13125550142")["id"]}
    hanging = asyncio.ensure_future(client.raw("POST", "/texts", json=given))
    assert (await client.ask("GET", "/numbers"))[0] == 200
    async with asyncio.timeout(PATIENCE):
        while sandbox.faults.seen[kind] == 0 or len(sandbox.texts()) != kept:
            await client.ask("GET", "/numbers")
    assert not hanging.done()
    async with asyncio.timeout(PATIENCE):
        await sandbox.stop()
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await hanging


async def test_a_late_answer_acts_even_when_the_caller_has_gone(world):
    sandbox, client = await world(slow=0.2)
    sandbox.faults.next("POST", "/texts", "late-reset")
    given = {**TEXT, "from_number_id": sandbox.number("+13125550142")["id"]}
    gone = asyncio.ensure_future(client.raw("POST", "/texts", json=given))
    async with asyncio.timeout(PATIENCE):
        while sandbox.faults.seen["late-reset"] == 0:
            await client.ask("GET", "/numbers")
        gone.cancel()
        while not sandbox.texts():
            await client.ask("GET", "/numbers")


async def test_faults_wait_for_their_method_and_path(client, sandbox):
    sandbox.faults.next("GET", "/number-groups/*", "503", times=2)
    assert (await client.ask("GET", "/number-groups"))[0] == 200
    assert [(await client.raw("GET", "/number-groups/bulk-stats"))[0] for _ in range(3)] == [503, 503, 200]


async def test_a_bad_key_is_refused_before_any_fault(client, sandbox):
    sandbox.faults.next("*", "*", "500")
    assert (await client.ask("GET", "/numbers", key="no"))[0] == 401
    assert (await client.raw("GET", "/numbers"))[0] == 500


def test_an_unknown_kind_names_the_known_ones(sandbox):
    with pytest.raises(ValueError, match="reset-after"):
        sandbox.faults.next("GET", "/numbers", "explode")
    with pytest.raises(ValueError, match="html"):
        sandbox.faults.chaos(10, ["explode"])


async def test_chaos_is_a_share_of_requests_and_the_same_for_a_seed(world):
    seen = []
    for seed in (3, 3, 4):
        sandbox, client = await world(seed=seed)
        sandbox.faults.chaos(30, {"500": 1, "503": 3})
        seen.append([(await client.raw("GET", "/billing/balance"))[0] for _ in range(100)])
    assert seen[0] == seen[1] != seen[2]
    count = Counter(seen[0])
    assert 15 <= count[500] + count[503] <= 45
    assert count[503] > count[500]
    sandbox.faults.calm()
    assert {(await client.raw("GET", "/numbers"))[0] for _ in range(20)} == {200}


async def test_chaos_keeps_to_its_method_and_path(client, sandbox):
    sandbox.faults.chaos(100, ["503"], method="GET", path="/texts")
    sandbox.faults.chaos(100, {"list-lag": 1})
    assert (await client.raw("GET", "/texts"))[0] == 503
    assert (await client.raw("GET", "/numbers"))[0] == 200
    assert sandbox.faults.lag() == 1.0


async def test_chaos_can_be_set_from_the_start(world):
    sandbox, client = await world(chaos=100, slow=0.0)
    for _ in range(10):
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await client.raw("POST", "/numbers/search", json={"area_code": "312"})
    assert sandbox.faults.seen.total() == 10


async def test_too_many_requests_are_told_when_to_come_again(client, sandbox):
    sandbox.faults.rate_limit(0.25, burst=2)
    assert [(await client.raw("GET", "/numbers"))[0] for _ in range(3)] == [200, 200, 429]
    status, headers, body = await client.raw("GET", "/numbers")
    assert (status, headers["Retry-After"], body) == (429, "4", b'{"error":"rate limit exceeded"}')
    sandbox.faults.rate_limit(None)
    assert (await client.raw("GET", "/numbers"))[0] == 200


async def test_the_rate_limit_can_be_set_from_the_start_and_room_comes_back(world):
    _, client = await world(rate=50, burst=1)
    assert (await client.raw("GET", "/numbers"))[0] == 200
    async with asyncio.timeout(PATIENCE):
        while (await client.raw("GET", "/numbers"))[0] != 200:
            pass
