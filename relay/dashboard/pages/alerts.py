"""What somebody should see to, and what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.dashboard.page import Asked


async def read(asked: Asked) -> dict[str, Any]:
    """Open ones first."""
    found = await asked.store.alerts(limit=200)
    return {
        "open": [alert for alert in found if alert.closed_at is None],
        "over": [alert for alert in found if alert.closed_at is not None],
    }
