"""A disk that fails one write, or one fsync: nobody is told that an event was taken which is not there."""

import asyncio
import contextlib
import signal

import aiohttp
import pytest

from tests.crash.relays import SECRET, Relays
from tests.crash.world import calm_world
from tests.faults.strace import EVERY, accepted_under, kept, no_write_that_fails_loses_what_was_acknowledged, strace


@pytest.mark.parametrize("first", range(5, EVERY, 24))
async def test_the_nth_write_that_finds_the_disk_full_loses_nothing(tmp_path, first):
    await no_write_that_fails_loses_what_was_acknowledged(tmp_path / "relay.db", first)


async def test_after_a_failed_fsync_nothing_is_acknowledged_any_more(tmp_path):
    path = tmp_path / "relay.db"
    told = accepted_under(path, "fdatasync:error=EIO:when=30", 100)
    events, sound = await kept(path)
    assert 0 < len(told["acked"]) < 100
    assert len(told["acked"]) + told["refused"] == 100
    assert "must be started again" in told["broken"]
    assert set(told["acked"]) <= events
    assert sound == "ok"


@pytest.fixture
async def world():
    async with calm_world() as it:
        yield it


@pytest.fixture
async def under(tmp_path, world):
    """Relays on one ledger, under a fault of the kernel."""
    opened = []

    async def open_(*inject):
        it = Relays(tmp_path, world, settle="1s", under=(strace(), "-f", "-o", "/dev/null", *inject) if inject else ())
        opened.append(it)
        await it.open()
        await it.start()
        return it

    yield open_
    for it in opened:
        await it.close()


async def post(session, url, number):
    body = {"event": "call.completed", "call_id": f"c-{number}", "caller_number": "+13125550101"}
    async with session.post(url, json=body, headers={"X-Relay-Secret": SECRET}) as answer:
        return answer.status


async def test_a_service_whose_fsync_fails_answers_503_and_ends_for_its_supervisor(under, world, until):
    relays = await under("-e", "inject=fdatasync:error=EIO:when=60")
    acked = []
    async with aiohttp.ClientSession() as session:
        for number in range(500):
            try:
                status = await post(session, relays.url, number)
            except (aiohttp.ClientError, ValueError):
                break
            assert status in {202, 503}
            if status == 503:
                break
            acked.append(f"c-{number}")
    assert await relays.end(None) == 1
    assert any("must be started again" in line for line in relays.said)
    await relays.close()
    again = await under()
    await until(lambda: set(acked) <= set(world.crm.calls))
    assert acked
    assert await again.end(signal.SIGTERM) == 0


@contextlib.asynccontextmanager
async def slow_disk(pid):
    """From now on each fsync of a process takes two seconds."""
    tracer = await asyncio.create_subprocess_exec(
        *(strace(), "-f", "-p", str(pid), "-o", "/dev/null", "-e", "inject=fdatasync:delay_enter=2000000"),
        stderr=asyncio.subprocess.PIPE,
    )
    said = await tracer.stderr.readline()
    assert b"attached" in said, said
    yield
    tracer.terminate()
    await tracer.communicate()


async def test_a_slow_disk_makes_acknowledgements_wait_and_nothing_else(under):
    """The service answers that it lives before it has answered the webhook sent earlier."""
    relays = await under()
    async with slow_disk(relays.pid), aiohttp.ClientSession() as session:
        webhook = asyncio.ensure_future(post(session, relays.url, 1))
        async with session.get(relays.url.replace("/hooks/callscaler", "/healthz")) as answer:
            assert answer.status == 200
        assert not webhook.done()
        assert await webhook == 202
