"""The part of the ledger that can let go of a person."""

from __future__ import annotations

from typing import Protocol


class People(Protocol):
    """Erasure. A keyed digest of whoever opted out stays, so that they are never texted again."""

    async def forget(self, person: str, *, now: float) -> int:
        """Erase a person: numbers, names, words, texts, traces, in free pages and the log too; answers how many rows.

        What is owed for their calls is called off; what is on its way this moment may still arrive.
        """

    async def forget_again(self, *, now: float) -> int:
        """Erase anew whoever was erased before, from a ledger that was put back; answers how many rows."""
