"""One sink hangs for the whole run: what that costs those who wait for the other (reliability, P7 and D7)."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.rig import relay, sinking
from tests.benchmarks.whole_way import through

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 100
LONGER = 3
"""Times the length of other runs: the hanging sink must be given up on, and probed, within it."""


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes every connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        port: int = listener.getsockname()[1]
        yield port


def hanging(setting: Setting) -> Iterator[Figure]:
    """The p99 of one sink while the other hangs, against both being well."""
    well, beside = [], []
    seconds = LONGER * setting.seconds
    for _ in range(setting.rounds):
        with sinking() as sinks:
            with relay("hanging.yaml", sinks=sinks.ports) as server:
                well.append(through(server, sinks, seconds, rate=RATE)["p99"])
            with silent() as port, relay("hanging.yaml", sinks=(sinks.ports[0], port)) as server:
                beside.append(through(server, sinks, seconds, each=1, rate=RATE)["p99"])
    pairs = [hung / fine for hung, fine in zip(beside, well, strict=True)]
    yield Figure(
        "p99 of a sink beside one that hangs, against none", median(pairs), "times", 1.2, at_most=True,
        beside=f"{median(beside):.1f} ms against {median(well):.1f} ms at {RATE}/s",
    )  # fmt: skip
