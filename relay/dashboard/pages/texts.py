"""Texts that went out, or did not, and the switch for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.access.places import place_after
from relay.dashboard.page import older

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 50


async def read(asked: Asked) -> dict[str, Any]:
    """One page of them."""
    before = asked.place()
    texts = await asked.store.texts_page(limit=PAGE, before=before)
    return {
        "texts": texts,
        "today": await asked.store.texts_since(asked.now - asked.shown.texts_window),
        "off": await asked.store.texts_are_off(),
        "restored": await asked.store.restored(),
        "older": older(place_after(texts, PAGE)),
        "first": before is None,
    }
