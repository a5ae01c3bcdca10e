"""One processor and little memory: it works within them, or ends at its start; it never goes astray."""

import signal

import pytest

from tests.lasting import lasting

MEGABYTE = 1 << 20


async def test_one_processor_and_256_mb_are_enough(tmp_path):
    async with lasting(tmp_path, 256 * MEGABYTE) as it:
        await it.start()
        await it.load(seconds=2.0, rate=100.0)
        await it.settled()
        held, _ = it.held()
        assert (len(it.acked), it.lost, it.twice) == (200, set(), [])
        assert held < 256
        assert await it.end(signal.SIGTERM) == 0


async def test_too_little_memory_ends_the_start_with_words_on_memory(tmp_path):
    async with lasting(tmp_path, 24 * MEGABYTE) as it:
        with pytest.raises(AssertionError, match=r"Memory|memory|allocate|thread"):
            await it.start()
        assert it.process.returncode not in {None, 0}
