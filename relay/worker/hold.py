"""How long a claim may be acted on, by a clock that nobody sets: who stood still too long must not send any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Hold:
    """A claim as its holder sees it: `seconds` from `since`, which was read before the claim was made."""

    seconds: float
    since: float
    ticks: Callable[[], float]

    def lasts(self) -> bool:
        """Whether a try that begins now ends before the claim does."""
        return self.ticks() - self.since <= self.seconds
