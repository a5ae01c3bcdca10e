"""The part of the ledger by which relays that share it know of each other, and do once what must be done once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALIVE = 30.0
"""Seconds after its last word that a relay counts as gone."""
ALONE = 60.0
"""Seconds between two words of a relay that has its file to itself."""


@dataclass(frozen=True, slots=True)
class Node:
    """One relay, as it last said of itself; moments are Unix seconds."""

    id: str
    host: str
    pid: int
    version: str
    """Of the program."""
    config: str
    """The short name of the configuration that it runs."""
    roles: str
    """intake, worker, or both; shell for a command that does by itself what relays have one do for all."""
    started_at: float
    seen_at: float = 0.0
    lag: float | None = None
    """Seconds that the oldest due delivery has waited, as this relay sees it; None while nothing is due."""
    holds: tuple[str, ...] = ()
    """What it does for all of them."""


def node_json(node: Node, *, now: float, shared: bool) -> dict[str, Any]:
    """What is said of a relay: all it said of itself, `silent` (seconds since), and whether it still `lives`."""
    silent = now - node.seen_at
    lives = silent < (ALIVE if shared else ALONE + ALIVE)
    return {**asdict(node), "silent": round(max(0.0, silent), 1), "lives": lives}


def same_config(told: Sequence[dict[str, Any]]) -> bool:
    """Whether all relays that live run the same configuration."""
    return len({node["config"] for node in told if node["lives"]}) <= 1


class Nodes(Protocol):
    """Relays and duties."""

    node: str
    """The name of whoever opened this ledger, new each time."""
    shared: bool
    """Whether other relays may be at work on it."""

    @property
    def clock(self) -> Callable[[], float]:
        """The time that every relay on it goes by, Unix seconds."""

    async def report(self, node: Node, wants: Sequence[str], *, now: float, lease: float) -> frozenset[str]:
        """Say that a relay lives, and take or keep duties that nobody else holds, for `lease` seconds.

        Answers those that it holds now. One that stops reporting loses them when its lease is over.
        """

    def on_call(self, call: Callable[[], None]) -> None:
        """Have `call` called when another relay wants help; a hint that may fail to come."""

    def call_others(self, duty: str = "") -> None:
        """Wake a relay that plans and sends, as this one does not, or does not get through; a hint, as above.

        Where a `duty` is named, the relay that does it for all is among those that are woken.
        """

    async def drop_duty(self, name: str) -> None:
        """Have done with a duty of one's own: it is free at once."""

    async def leave(self, node: str) -> None:
        """Say goodbye: its duties are free at once."""

    async def nodes(self) -> list[Node]:
        """Every relay that was seen in the last day, the longest at work first."""
