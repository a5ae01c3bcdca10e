"""The yardstick of delivering: a bare aiohttp client that posts one body again and again; prints posts a second."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import aiohttp
import uvloop

from tests.benchmarks.load import Bodies


async def main(url: str, under_way: int, seconds: float) -> None:
    """Post until the time is over."""
    body, until, posted = Bodies().next(time.time()), time.perf_counter() + seconds, 0

    async def post(session: aiohttp.ClientSession) -> None:
        nonlocal posted
        while time.perf_counter() < until:
            async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
                await answer.read()
            posted += 1

    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(post(session) for _ in range(under_way)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "rate": posted / (time.perf_counter() - began),
        "cpu_per_10k": 10_000 * (used.ru_utime + used.ru_stime) / posted,
    }
    print(json.dumps(told))  # noqa: T201 - this is what the process is for


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
