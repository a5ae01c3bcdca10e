"""The service never waits for its log: a reader may take nothing, be gone, or be a full disk."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from relay.cli.lines import Lines
from tests.cli.conftest import SECRET
from tests.pipes import full_pipe


@pytest.fixture
def full():
    """A pipe that takes nothing until somebody reads: (reading end, writing end)."""
    reads, writes = full_pipe()
    yield reads, writes
    os.close(reads)
    os.close(writes)


def read_until(pipe, end):
    said = b""
    while end not in said:
        said += os.read(pipe, 65536)
    return said


def test_what_nobody_takes_is_counted_and_holds_up_nobody(full):
    reads, writes = full
    lines = Lines(writes, kept=10)
    for number in range(100):
        lines.say(f"line {number}")
    said = read_until(reads, b"lines of the log were lost")
    lines.say("the end")
    said += read_until(reads, b"the end\n")
    assert b"line 0\n" in said
    assert b"line 50\n" not in said


def test_lines_come_whole_in_their_order_and_are_written_at_the_end():
    reads, writes = os.pipe()
    lines = Lines(writes)
    for number in range(100):
        lines.say(f"line {number} \ud800")
    lines.flush()
    said = read_until(reads, b"line 99 \\ud800\n")
    assert said == b"".join(b"line %d \\ud800\n" % number for number in range(100))
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("stderr", ["full pipe", "2>/dev/full", "2>&-"])
async def test_a_service_whose_log_cannot_be_written_takes_webhooks_and_ends_well(folder, until, full, stderr):
    command = f"exec {sys.executable} -m relay serve --listen 127.0.0.1:0 --admin 127.0.0.1:0"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "RELAY_CONFIG": str(folder / "relay.yaml"),
        "RELAY_HOOK_SECRET": SECRET,
    }
    if stderr != "full pipe":
        command += f" {stderr}"
    service = await asyncio.create_subprocess_shell(command, env=environment, cwd=folder, stderr=full[1])
    lock = folder / "relay.db.lock"

    def address():
        assert service.returncode is None
        told = lock.read_text().splitlines() if lock.exists() else []
        return told[2] if len(told) > 2 else None

    url = f"http://{await until(address, seconds=60.0)}/hooks/callscaler"
    async with aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session:
        for number in range(3):
            service.send_signal(signal.SIGHUP)
            body = {"event": "call.completed", "call_id": f"c{number}", "caller_number": "+13125550101"}
            async with session.post(url, json=body) as answer:
                assert answer.status == 202
    service.terminate()
    assert await service.wait() == 0
