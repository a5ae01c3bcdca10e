"""A hundred calls a second for half an hour: nothing lost, nobody texted twice, memory and open files stay as they are.

For the first third every relay is killed after 30 s; the last one then goes on to the end, and is measured.
`LASTING_MINUTES=5` for a shorter one.
"""

import asyncio
import json
import os
import signal
import statistics
import time

from tests.lasting import lasting

MINUTES = float(os.environ.get("LASTING_MINUTES", "30"))
RATE = 100.0
KILL = 30.0
GROWTH = 1.0
"""Megabytes a minute that it may grow by."""
WARM = 60.0
"""Seconds after which whatever is loaded once is loaded."""


async def test_memory_and_open_files_stay_as_they_are(tmp_path):
    async with lasting(tmp_path) as it:
        await it.start()
        begun, kills, seen = time.monotonic(), 0, []
        load = asyncio.create_task(it.load(MINUTES * 60, RATE))
        while time.monotonic() - begun < MINUTES * 20:
            await asyncio.sleep(KILL)
            await it.end(signal.SIGKILL)
            await it.start()
            kills += 1
        since = time.monotonic()
        while not load.done():
            await asyncio.sleep(1.0)
            if time.monotonic() - since > WARM:
                seen.append((time.monotonic() - since, *it.held()))
        await load
        await it.settled()
        at, megabytes, files = zip(*seen, strict=True)
        slope = statistics.linear_regression(at, megabytes).slope * 60
        figures = {
            "minutes": MINUTES, "kills": kills, "acked": len(it.acked), "lost": len(it.lost), "twice": len(it.twice),
            "texts": len(it.sandbox.texts()), "mb_a_minute": round(slope, 3),
            "mb": [round(megabytes[0]), round(max(megabytes))],
            "files": [min(files), max(files)],
        }  # fmt: skip
        print(json.dumps(figures))  # noqa: T201 - the figures are what a soak is for
        assert not it.lost
        assert not it.twice
        assert slope < GROWTH
        half = len(files) // 2
        assert max(files[half:]) <= max(files[:half]) + 8, "more and more files are open"
        assert await it.end(signal.SIGTERM) == 0
