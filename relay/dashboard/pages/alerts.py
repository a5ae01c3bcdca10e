"""What somebody should see to, and what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 200


async def read(asked: Asked) -> dict[str, Any]:
    """Open ones first; those that are over, page by page."""
    found = await asked.store.alerts(limit=PAGE, before=asked.before())
    return {
        "first": asked.before() is None,
        "older": f"?before={found[-1].id}" if len(found) == PAGE else None,
        "open": [alert for alert in found if alert.closed_at is None],
        "over": [alert for alert in found if alert.closed_at is not None],
    }
