"""Who takes what is due as soon as it is planned: claimed in the transaction that plans it, as far as was offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from relay.store import Planned, Want


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be taken of each connector's work if it were planned now."""

    wants: Mapping[str, Want]


class Hands:
    """Nobody's: all that is planned is left to claims."""

    async def room(self) -> None:
        """Wait for a moment, where what was taken last has not left yet."""

    def offer(self) -> Offer:
        """What would be taken now; to be asked before the moment at which is planned."""
        return Offer({})

    def take(self, offer: Offer, planned: Planned) -> None:
        """Take what was claimed under this offer."""

    def take_late(self, planning: asyncio.Future[Planned]) -> None:
        """The same, where whoever plans is gone meanwhile."""
