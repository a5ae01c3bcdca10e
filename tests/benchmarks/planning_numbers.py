"""Planning: how long a plan over all numbers takes with a long past in the ledger, and how much memory it needs."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from relay.models import Owned
from relay.moving.looking import look
from relay.numbers import Brakes, plan, read_groups
from relay.numbers.planning import Ground
from relay.rules import HISTORY, About
from relay.store.sqlite import SqliteStore
from tests.benchmarks.figure import Figure, Setting, median
from tests.rules.shop import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS, CALLS = 5_000, 1_000_000
NOW = 1_772_467_200.0
DAY = 86400.0
GROUPS = [
    {"name": "Parked", "if": {"number.calls_30d": "0"}},
    {"name": "Busy", "if": {"number.calls_7d": {"at_least": "60"}}, "leave_below": {"number.calls_7d": "40"}},
    {"name": "Main", "default": "true"},
]


def _number(n: int) -> str:
    return f"+1312{5_550_000 + n:07d}"


async def _fill(path: Path) -> None:
    """Numbers of which every tenth is silent, and a million calls over sixty days to the others."""
    store = SqliteStore(path)
    await store.save_numbers([Owned(_number(n), str(n), group="Main", status="active") for n in range(NUMBERS)])
    await store.set_mark(HISTORY, NOW - 100 * DAY)
    await store.close()
    rings = [n for n in range(NUMBERS) if n % 10]
    connection = sqlite3.connect(path)
    connection.executemany(
        "insert into calls (source, key, caller, number, began_at, direction, outcome, answered) "
        "values ('callscaler', ?, '+13125550101', ?, ?, 'inbound', 'answered', 1)",
        (
            (f"c{call}", _number(rings[call * 7919 % len(rings)]), NOW - 60 * DAY * call / CALLS)
            for call in range(CALLS)
        ),
    )
    connection.commit()
    connection.close()


async def _plan(path: Path) -> tuple[float, int, int]:
    """Seconds, moves, and the kilobytes by which the process grew."""
    store = SqliteStore(path)
    told: list[object] = []
    ground = read_groups(GROUPS, lambda *what: told.append(what), {}, {})
    _measure_from_here()
    before, began = _kilobytes("VmRSS"), time.perf_counter()
    view = await look(store, None, About("Bench", HOURS), NOW)
    planned = plan(view.standings, Ground(ground, (), Brakes(), view.about), NOW)
    took = time.perf_counter() - began
    await store.close()
    return took, len(planned.moves), _kilobytes("VmHWM") - before


def _measure_from_here() -> None:
    """The peak of this process begins anew (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _kilobytes(of: str) -> int:
    """Memory of this process, at this moment or at its peak (proc(5))."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(of))


def planning_numbers(setting: Setting) -> Iterator[Figure]:
    """5,000 numbers, a million calls; each plan in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relay.db"
        asyncio.run(_fill(path))
        command = [sys.executable, "-m", "tests.benchmarks.planning_numbers", str(path)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])
            for _ in range(setting.rounds)
        ]
    said = f"{runs[0]['moves']} moves"
    yield Figure(
        "a plan over 5,000 numbers, 1 M calls", median(r["s"] for r in runs), "s", 5, at_most=True, beside=said
    )
    yield Figure("memory that it takes", median(r["kb"] / 1024 for r in runs), "MB", 50, at_most=True)


if __name__ == "__main__":
    seconds, moves, grown = asyncio.run(_plan(Path(sys.argv[1])))
    sys.stdout.write(json.dumps({"s": seconds, "moves": moves, "kb": grown}))
