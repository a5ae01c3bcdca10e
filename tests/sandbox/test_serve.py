"""The sandbox as its own process."""

import asyncio
import importlib.util
import signal
import sys

import aiohttp
import pytest

from tests import forked
from tests.patience import HUNG, PATIENCE
from tests.sized import sized


async def started(db, key=""):
    process = await asyncio.create_subprocess_exec(
        *(*forked.relay(), "sandbox", "--port", "0", "--db", str(db), *(["--key", key] if key else [])),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
    return process, *lines


async def numbers(url, key):
    """The address is printed before it listens: ask until somebody is there."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/api/v1/numbers", headers={"Authorization": f"Bearer {key}"}) as answer:
                    return answer.status, await answer.json()
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0)


@pytest.mark.parametrize("key", ["", "cs_key_00000000000000000000000000000000"])
async def test_it_prints_its_address_and_a_key_that_works_and_ends_when_asked(tmp_path, key):
    process, url, shown = await started(tmp_path / "sandbox.db", key)
    assert shown == (key or shown)
    assert shown.startswith("cs_key_")
    status, body = await numbers(url, shown)
    assert (status, body["data"]["total"]) == (200, 6)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
async def test_requests_drawn_from_its_description_break_nothing(tmp_path):
    process, url, key = await started(tmp_path / "sandbox.db")
    await numbers(url, key)
    try:
        check = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
            *(f"{url}/openapi.json", "-H", f"Authorization: Bearer {key}", "--seed", "1"),
            *("--phases", "fuzzing", "--max-examples", str(sized(2, 20)), "--no-color"),
            *("-c", "not_a_server_error,response_schema_conformance,content_type_conformance,negative_data_rejection"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(HUNG):
            told, _ = await check.communicate()
    finally:
        process.terminate()
        await process.communicate()
    assert check.returncode == 0, told.decode()
