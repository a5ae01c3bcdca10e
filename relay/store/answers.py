"""The part of the ledger that knows what was asked before, so that an act that is asked twice is done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Asked:
    """An act that somebody asked for under a key of their own."""

    what: str
    """Fingerprint of what was asked."""
    answer: str | None
    """As JSON; None while it is being done, or if the relay fell before it could say."""
    at: float


class Answers(Protocol):
    """Acts by the key of whoever asked, for a day."""

    async def begin_act(self, key: str, what: str, *, now: float) -> Asked | None:
        """Note that an act begins; what is known of this key, if it was asked within a day."""

    async def end_act(self, key: str, answer: str | None) -> None:
        """Keep what came of it; with None, forget that it was asked, as nothing was done."""
