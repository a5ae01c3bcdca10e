"""The ledger's own process is killed, alone: the relay ends too, and whoever starts it again finds everything."""

import asyncio
import os
import signal

import pytest

from relay.store.sqlite.apart import can_be_apart
from tests.lasting import lasting
from tests.patience import PATIENCE


async def test_a_relay_ends_with_its_ledger_and_loses_nothing(tmp_path, until):
    if not can_be_apart():
        pytest.skip("one processor: the ledger has no process of its own here")
    async with lasting(tmp_path, one_core=False) as it:
        await it.start()
        calls = asyncio.create_task(it.load(seconds=3.0, rate=50.0))
        await until(lambda: len(it.acked) > 20)
        os.kill(it.ledger, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            assert await it.process.wait() == 1
        assert "the process that writes the ledger was ended by SIGKILL" in (tmp_path / "log").read_text()
        await it.start()
        await calls
        await it.settled()
        assert (len(it.acked), it.lost, it.twice) == (150, set(), [])
        assert await it.end(signal.SIGTERM) == 0
