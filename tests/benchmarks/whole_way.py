"""The whole way: accepted, ten rules judged, delivered to two sinks, settled in the ledger."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.rig import load, relay, run, sinking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.rig import Server, Sinks

SINKS = 2
BACKLOG = 50_000


def through(
    server: Server, sinks: Sinks, seconds: float, each: int = SINKS, warm: float = 0.0, **options: object
) -> dict[str, float]:
    """One round of load, until everything is delivered; `warm` seconds of it before, that do not count."""
    if warm:
        warming = {name: value for name, value in options.items() if name == "connections"}
        sinks.wait_for(each * load(server.url, seconds=warm, **warming)["sent"])
    sinks.figures("reset")
    before, began = server.cpu, time.time()
    sent = load(server.url, seconds=seconds, **options)
    told = sinks.wait_for(each * sent["sent"])
    if told["count"] < each * sent["sent"]:
        raise SystemExit(f"of {sent['sent']} events only {told['count']} deliveries arrived")
    return {
        "accepted": sent["rate"],
        "rate": sent["sent"] / (told["last"] - began),
        "p50": told["p50"],
        "p99": told["p99"],
        "cpu": 10_000 * (server.cpu - before) / sent["sent"],
        "memory": server.memory("VmHWM"),
    }


def whole_way(setting: Setting) -> Iterator[Figure]:
    """As fast as it goes, and at 500 a second."""
    fast, steady, clients = [], [], []
    for _ in range(setting.rounds):
        with sinking() as sinks:
            clients.append(run("client", f"http://127.0.0.1:{sinks.ports[0]}/", 32, 2.0))
            with relay(sinks=sinks.ports) as server:
                fast.append(through(server, sinks, setting.seconds))
            with relay(sinks=sinks.ports) as server:
                steady.append(through(server, sinks, setting.seconds, rate=500))
    posts = median(told["rate"] for told in clients)
    cpu = median(told["cpu_per_10k"] for told in clients)
    yield Figure(
        "events the whole way, two sinks", median(told["rate"] for told in fast), "/s", 1500,
        beside=f"bare aiohttp client {posts:.0f} posts/s",
    )  # fmt: skip
    yield Figure(
        "processor for 10,000 events the whole way", median(told["cpu"] for told in fast), "s",
        beside=f"bare client {SINKS * cpu:.2f} s for 20,000 posts",
    )  # fmt: skip
    yield Figure("memory at its most, under load", max(told["memory"] for told in fast), "MB", 200, at_most=True)
    yield Figure("end to end at 500 a second, p50", median(told["p50"] for told in steady), "ms")
    yield Figure("end to end at 500 a second, p99", median(told["p99"] for told in steady), "ms", 100, at_most=True)
    yield Figure("processor for 10,000 events at 500 a second", median(told["cpu"] for told in steady), "s")
