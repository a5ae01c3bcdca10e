"""How long to wait before trying again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_JITTER = 0.2
_PATIENCE = 1 / 8
"""The least part of the doubled wait that is kept even when the service names a shorter one."""
_DOUBLINGS_MOST = 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """Tries that double their distance, from `first` up to `most` seconds, for `total` seconds in all."""

    total: float = 3 * 86400.0
    first: float = 5.0
    most: float = 6 * 3600.0

    def next(self, tries: int, age: float, dice: Callable[[], float], retry_after: float | None = None) -> float | None:
        """Seconds until the next try, or None when there is none left.

        `tries` counts those already made (1 after the first), `age` is the seconds since the first fell due, `dice`
        answers 0..1 and spreads each wait by a fifth to either side. `retry_after` seconds, which the service asked
        for, replace the doubling up to `most`, spread upwards only; yet one that goes on naming a second is asked
        less and less often.
        """
        roll = dice()
        doubled = min(self.first * 2.0 ** min(max(tries - 1, 0), _DOUBLINGS_MOST), self.most)
        wait = doubled * (1 + _JITTER * (2 * roll - 1))
        if retry_after is not None:
            wait = min(max(retry_after, doubled * _PATIENCE) * (1 + _JITTER * roll), self.most)
        return wait if age + wait <= self.total else None
