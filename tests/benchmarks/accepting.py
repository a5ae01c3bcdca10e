"""Accepting: proved, read, recognised, on the disk, answered, while ten rules are loaded and at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.rig import bare, load, relay, run, sinking

if TYPE_CHECKING:
    from collections.abc import Iterator


def accepting(setting: Setting) -> Iterator[Figure]:
    """The relay and a bare handler in turn; raw SQLite with the durability of the ledger for comparison."""
    pairs = []
    for _ in range(setting.rounds):
        with bare() as server:
            beside = load(server.url, seconds=setting.seconds)
            beside["cpu"] = 10_000 * server.cpu / beside["sent"]
        with sinking() as sinks, relay(sinks=sinks.ports) as server:
            before = server.cpu
            many = load(server.url, seconds=setting.seconds)
            many["cpu"] = 10_000 * (server.cpu - before) / many["sent"]
        with sinking() as sinks, relay(sinks=sinks.ports) as server:
            pairs.append((many, load(server.url, connections=1, seconds=setting.seconds / 2), beside))
    commits = median(run("commit", 16, 1.0)["rate"] for _ in range(setting.rounds))
    rate = median(beside["rate"] for _, _, beside in pairs)
    ratio = median(many["rate"] / beside["rate"] for many, _, beside in pairs)
    yield Figure(
        "accepted at 64 connections, of a bare handler", ratio, "", 0.4, beside=f"bare aiohttp handler {rate:.0f}/s"
    )
    accepted = median(many["rate"] for many, _, _ in pairs)
    yield Figure("accepted at 64 connections", accepted, "/s", beside=f"raw SQLite, 16 to a commit {commits:.0f}/s")
    yield Figure("accepted at 64 connections, p50", median(many["p50"] for many, _, _ in pairs), "ms")
    yield Figure("accepted at 64 connections, p99", median(many["p99"] for many, _, _ in pairs), "ms", 50, at_most=True)
    cpu = median(beside["cpu"] for _, _, beside in pairs)
    used = median(many["cpu"] for many, _, _ in pairs)
    yield Figure("processor for 10,000 accepted", used, "s", beside=f"bare {cpu:.2f} s; planning and sending included")
    yield Figure("accepted at 1 connection", median(one["rate"] for _, one, _ in pairs), "/s")
    yield Figure("accepted at 1 connection, p50", median(one["p50"] for _, one, _ in pairs), "ms", 2, at_most=True)
