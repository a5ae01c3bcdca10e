"""The part of the ledger that remembers what people said of the modes of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import SaidMode


class Modes(Protocol):
    """`relay live`, `shadow` and `off`: kept beside the file, which stays as it is written."""

    async def say_mode(self, said: SaidMode) -> None:
        """Keep what was said of a rule, in place of what was said before."""

    async def said_modes(self) -> tuple[SaidMode, ...]:
        """Everything that was said, by name of the rule."""

    async def unsay_modes(self, rules: Sequence[str]) -> None:
        """Let go of what was said of these rules; the file's word holds again."""
