"""Texts that went out, or did not, and the switch for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 50


async def read(asked: Asked) -> dict[str, Any]:
    """One page of them."""
    before = asked.place()
    texts = await asked.store.texts_page(limit=PAGE, before=before)
    last = texts[-1] if len(texts) == PAGE else None
    return {
        "texts": texts,
        "today": await asked.store.texts_since(asked.now - asked.shown.texts_window),
        "off": await asked.store.texts_are_off(),
        "restored": await asked.store.restored(),
        "older": None if last is None else "?" + urlencode({"before": f"{last['at']!r}~{last['id']}"}),
        "first": before is None,
    }
