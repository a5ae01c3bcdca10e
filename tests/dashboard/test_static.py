"""What lies beside the style and the script is not served: links, packed twins, whatever comes after the start."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.dashboard.conftest import SECRET
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
CONFIG = 'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\nrules: []\n'


@pytest.fixture
async def copied(tmp_path):
    """A relay that runs from a copy of its package; answers the folder of its static files, and its address."""
    for name in ("relay", "connectors", "config"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    static = tmp_path / "relay" / "dashboard" / "static"
    (static / "style.css.gz").symlink_to("/etc/passwd")
    (tmp_path / "relay.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "relay", "-c", "relay.yaml", "serve"]
    paths = os.pathsep.join([str(tmp_path), *(path for path in sys.path if path and Path(path) != ROOT)])
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        env={**os.environ, "RELAY_HOOK_SECRET": SECRET, "PYTHONPATH": paths},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        async for line in process.stdout:
            if b"admin on " in line:
                break
    yield static, line.decode().split("admin on ")[1].strip()
    process.terminate()
    await process.communicate()


async def test_links_and_packed_twins_are_not_served(copied):
    static, address = copied
    style = (static / "style.css").read_bytes()
    (static / "later.css").symlink_to("/etc/passwd")
    (static / "style.css").unlink()
    (static / "style.css").symlink_to("/etc/passwd")
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def ask(name):
            async with session.get(f"{address}/static/{name}", headers={"Accept-Encoding": "gzip"}) as answer:
                return answer.status, answer.headers.get("Content-Encoding"), await answer.read()

        assert await ask("style.css") == (200, None, style)
        for name in ("style.css.gz", "later.css", "later.css/", "."):
            status, _, body = await ask(name)
            assert status == 404
            assert b"root:" not in body
