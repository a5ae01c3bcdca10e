"""The part of the ledger that remembers alerts, so that a restart neither forgets one nor tells it twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models import Alert


class Alarms(Protocol):
    """Alerts; whoever sees trouble opens one, whoever sees that it is over closes it."""

    async def open_alert(self, cause: str, what: str, remedy: str, *, now: float) -> bool:
        """Say that something is wrong; False if that cause is open already, whose words are then refreshed.

        One that closed so lately that nobody was told of its end goes on as if it had never closed.
        """

    async def close_alert(self, cause: str, *, now: float) -> bool:
        """Say that it is over; False if it was not open."""

    async def alert_told(self, alert: int, *, now: float) -> None:
        """Remember that somebody was told how this alert stands."""

    async def owed_since(self) -> Mapping[str, float]:
        """Connector → when the oldest of what it is owed fell due; looked for among the oldest of all.

        What was tried already has been due since before its first try; what was held, since it no longer is.
        """

    async def alerts(
        self, *, open_only: bool = False, limit: int = 100, before: int | None = None
    ) -> tuple[Alert, ...]:
        """Alerts, newest first; `before` is the id of an earlier page's last."""
