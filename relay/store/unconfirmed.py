"""The part of the ledger that knows which events the phone system has yet to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.models import Event


class Unconfirmed(Protocol):
    """Events of sources with `confirm: true`: held until the API knows their calls."""

    async def unconfirmed(self, *, limit: int) -> list[Event]:
        """Events that wait to be confirmed, oldest first."""

    async def confirm(self, event: Event) -> None:
        """Write what was found out about a call into its event, and have it planned anew."""
