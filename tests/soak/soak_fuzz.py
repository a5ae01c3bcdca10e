"""A million requests that are nearly right, at a relay in a process of its own: not one is answered by a 500."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.fuzzing import fuzz

SECRET = "false-secret-0001-0001-0001"
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000000"))
LANES = 4
SENDERS = 100_000


@pytest.fixture
def port(tmp_path):
    """Where a relay listens."""
    (tmp_path / "relay.yaml").write_text(
        'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
        'sources: {phone: {type: callscaler, proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}"}}}\n'
    )
    log = tmp_path / "log"
    with log.open("w") as out:
        relay = subprocess.Popen(
            [sys.executable, "-m", "relay", "-c", str(tmp_path / "relay.yaml"), "serve"],
            env={**os.environ, "RELAY_HOOK_SECRET": SECRET},
            stderr=out,
        )
    found = None
    while found is None:
        assert relay.poll() is None, log.read_text()
        found = re.search(r"listening on .*:(\d+)/hooks", log.read_text())
    yield int(found[1])
    relay.terminate()
    assert relay.wait(60) == 0
    assert "Traceback" not in log.read_text()


async def test_no_request_is_answered_by_a_mistake_of_ours(port):
    lanes = await asyncio.gather(
        *(fuzz(port, SECRET, REQUESTS // LANES, seed, alone=400, senders=SENDERS) for seed in range(LANES))
    )
    seen = sum(lanes, Counter())
    print(f"{REQUESTS} requests, answers: {dict(sorted(seen.items()))}")  # noqa: T201 - the soak's report
    assert 500 not in seen
    assert seen[429] < REQUESTS / 10, "most were refused unread"
    assert seen[202] + seen[200] > 0
