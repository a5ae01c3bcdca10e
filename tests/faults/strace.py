"""Faults that the kernel is made to give, by strace; and what a ledger still holds after them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.store.sqlite import SqliteStore
from tests.patience import HUNG

ROOT = Path(__file__).parents[2]
EVERY = 60
"""Every so many writes of a thread fail in one run, so that as many runs fail each write once."""


def strace() -> str:
    """Where it is; the test is skipped where it is not."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: the kernel cannot be made to fail")
    return found


def accepted_under(path: Path, inject: str, count: int) -> dict[str, Any]:
    """What became of so many events, sent while the kernel failed as `inject` says."""
    ran = subprocess.run(
        [
            *(strace(), "-f", "-o", "/dev/null", "-e", f"inject={inject}"),
            *(sys.executable, "-m", "tests.faults.accepting", str(path), str(count)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=HUNG,
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


async def kept(path: Path) -> tuple[set[str], str]:
    """The events that are in a ledger, and what SQLite says of its pages."""
    store = SqliteStore(path)
    events = {one.id for one in await store.events(limit=100_000)}
    sound = await store._write(lambda connection: connection.execute("pragma integrity_check").fetchone()[0])
    await store.close()
    return events, sound


async def no_write_that_fails_loses_what_was_acknowledged(path: Path, first: int) -> None:
    """Fail one write in sixty, from the `first` on, and see that every acknowledged event is there."""
    await kept(path)  # made before, as making it takes hundreds of writes
    told = accepted_under(path, f"pwrite64:error=ENOSPC:when={first}+{EVERY}", 120)
    events, sound = await kept(path)
    assert "unusable" in told or (told["acked"] and told["refused"])
    assert set(told["acked"]) <= events
    assert sound == "ok"
