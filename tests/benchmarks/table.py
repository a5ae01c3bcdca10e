"""Every benchmark, in the order of the table. A new one is a file with a function, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.accepting import accepting
from tests.benchmarks.cluster import cluster
from tests.benchmarks.delivering import delivering
from tests.benchmarks.draining import draining
from tests.benchmarks.growth import growth
from tests.benchmarks.hanging import hanging
from tests.benchmarks.judging import judging
from tests.benchmarks.pages import pages
from tests.benchmarks.peers.run import peers
from tests.benchmarks.planning_numbers import planning_numbers
from tests.benchmarks.starting import starting
from tests.benchmarks.whole_way import whole_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.benchmarks.figure import Figure, Setting

BENCHES: Mapping[str, Callable[[Setting], Iterable[Figure]]] = {
    "starting": starting,
    "accepting": accepting,
    "judging": judging,
    "whole way": whole_way,
    "draining": draining,
    "growth": growth,
    "peers": peers,
    "hanging": hanging,
    "delivering": delivering,
    "pages": pages,
    "cluster": cluster,
    "planning numbers": planning_numbers,
}
