"""One figure of a benchmark: what was measured, beside what, and what it should be."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """How long and how often."""

    rounds: int = 3
    seconds: float = 4.0
    peers: Path | None = None
    """Where the peers are installed; None leaves them out."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    unit: str
    target: float | None = None
    """What it should be at least (or at most); None where it only informs."""
    at_most: bool = False
    """Whether less is better."""
    beside: str = ""
    """The yardstick of the same run, in words."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self) -> str:
        """As the table shows it."""
        wanted = "" if self.target is None else f"{'at most' if self.at_most else 'at least'} {self.target:g}"
        said = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"{self.name:<58} {self.value:>10.4g} {self.unit:<9} {wanted:<15} {said:<7} {self.beside}".rstrip()


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(list(values))
