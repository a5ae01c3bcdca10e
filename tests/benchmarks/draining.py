"""A backlog: accepted while nothing was sent, then planned and delivered."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting
from tests.benchmarks.rig import load, relay, sinking
from tests.benchmarks.whole_way import BACKLOG, SINKS

if TYPE_CHECKING:
    from collections.abc import Iterator


def draining(setting: Setting) -> Iterator[Figure]:
    """50,000 events, 100,000 deliveries."""
    with tempfile.TemporaryDirectory() as folder, sinking() as sinks:
        store = Path(folder) / "relay.db"
        with relay(store=store, more=("--no-worker",)) as server:
            load(server.url, seconds=300, most=BACKLOG)
        began = time.time()
        with relay(store=store, sinks=sinks.ports) as server:
            told = sinks.wait_for(SINKS * BACKLOG)
            if told["count"] < SINKS * BACKLOG:
                raise SystemExit(f"only {told['count']} deliveries arrived")
            yield Figure("a backlog of 50,000 events drained", told["last"] - began, "s", 25, at_most=True)
            yield Figure("memory at its most, while draining", server.memory("VmHWM"), "MB", 200, at_most=True)
            yield Figure("processor for 10,000 events drained", 10_000 * server.cpu / BACKLOG, "s")
