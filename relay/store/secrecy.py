"""The part of the ledger that keeps what it holds from readers of its file."""

from __future__ import annotations

from typing import Protocol


class Secrecy(Protocol):
    """Sealing under RELAY_ENCRYPTION_KEY."""

    @property
    def sealed(self) -> bool:
        """Whether words are sealed: then nothing but numbers and ids can be searched for."""

    async def reseal(self) -> int:
        """Seal every word anew with the newest key; answers how many rows. The older keys then open nothing."""
