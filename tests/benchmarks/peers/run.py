"""The relay with one rule that forwards everything, and the peers, one after the other, on the same load and sink."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.peers.ways import hookspool, huey, n8n, node_red, prepare
from tests.benchmarks.rig import relay, sinking
from tests.benchmarks.whole_way import through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.benchmarks.rig import Server, Sinks


MOST = 64
HOOKSPOOL = "hookspool, fsync"
FEWER = {HOOKSPOOL: 12}
"""Connections, where not 64: hookspool's intake has 16 threads, each of which stays with its connection."""


def peers(setting: Setting) -> Iterator[Figure]:
    """Accepted and delivered a second, and processor for 10,000 deliveries; only where `--peers` names a folder."""
    folder = setting.peers
    if folder is None:
        return
    prepare(folder)
    ways: dict[str, Callable[[Sinks], AbstractContextManager[Server]]] = {
        "relay": lambda sinks: relay("forward.yaml", sinks=sinks.ports),
        "huey, fsync": lambda sinks: huey(folder, sinks, fsync=True),
        "huey, default (loses on power cut)": lambda sinks: huey(folder, sinks, fsync=False),
        HOOKSPOOL: lambda sinks: hookspool(folder, sinks),
        "node-red (in memory)": lambda sinks: node_red(folder, sinks),
        "n8n (its quickest settings; no proof, no retry)": lambda sinks: n8n(folder, sinks),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(setting.rounds):
        for name, way in ways.items():
            connections = FEWER.get(name, MOST)
            try:
                with sinking() as sinks, way(sinks) as server:
                    round_ = through(server, sinks, setting.seconds, each=1, warm=0.5, connections=connections)
                    found[name].append(round_)
            except OSError as error:
                sys.stderr.write(f"  {name} does not run here: {error}\n")
    told = {name: {key: median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items() if runs}
    for name, one in told.items():
        yield Figure(f"accepted, {name}", one["accepted"], "/s")
        yield Figure(f"delivered, {name}", one["rate"], "/s", beside=f"{one['cpu']:.2f} s of processor for 10,000")
    durable = [one["accepted"] for name, one in told.items() if "fsync" in name]
    others = [one for name, one in told.items() if name != "relay"]
    if durable:
        ratio = told["relay"]["accepted"] / max(durable)
        yield Figure("accepted, of the best that is durable before it answers", ratio, "", 3)
    if others:
        yield Figure("delivered, of the best of all", told["relay"]["rate"] / max(one["rate"] for one in others), "", 2)
        least = min(one["cpu"] for one in others)
        yield Figure("processor for a delivery, of the least of all", told["relay"]["cpu"] / least, "", 1, at_most=True)
