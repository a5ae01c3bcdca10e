"""What people did, newest first, and who did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 50


async def read(asked: Asked) -> dict[str, Any]:
    """One page of it."""
    acts = await asked.store.acts(limit=PAGE, before=asked.before())
    return {
        "acts": acts,
        "older": f"?before={acts[-1].seq}" if len(acts) == PAGE else None,
        "first": asked.before() is None,
    }
