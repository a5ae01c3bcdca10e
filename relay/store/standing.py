"""The part of the ledger that remembers how connectors stand: breakers that are open, and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models import Standing


class Standings(Protocol):
    """Breakers and pauses; both only hold back, neither ends anything that is owed."""

    async def standings(self) -> Mapping[str, Standing]:
        """How connectors stand, by name; one that was never in trouble is not among them."""

    async def save_breaker(self, standing: Standing) -> None:
        """Keep the breaker of a connector as it stands now; a pause is left as it is."""

    async def take_probe(self, connector: str, *, now: float, until: float) -> bool:
        """Be the one that probes a connector whose breaker is open, where a probe is due; False if somebody else is.

        The next one is due at `until`, if nothing is heard of this one.
        """

    async def pause(self, connector: str, why: str, *, by: str, now: float) -> bool:
        """Send nothing to a connector until it is resumed; False if it is paused already, whose reason then stays."""

    async def resume(self, connector: str) -> bool:
        """Let a connector go on; False if it was not paused."""

    async def hasten(self, connector: str, *, now: float, limit: int) -> int:
        """End the back-off of what is owed to a connector, oldest first; answers how many there were.

        Each falls due when it first did, so that the oldest is taken first.
        """

    async def set_back(self, *, now: float) -> int:
        """The clock was set back: what was planned at moments that are to come yet is as if planned now.

        Answers how many there were. A text is only looked at again, as nobody knows how old it is.
        """
