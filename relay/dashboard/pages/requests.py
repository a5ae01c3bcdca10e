"""Requests that made no event: refused ones, and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 50
KINDS = {"refused": "Refused", "test": "Tests"}


async def read(asked: Asked) -> dict[str, Any]:
    """One page of one kind."""
    kind = asked.query.get("kind", "refused")
    kind = kind if kind in KINDS else "refused"
    found = await asked.store.requests(limit=PAGE, kind=kind, before=asked.before())
    return {
        "kinds": KINDS,
        "kind": kind,
        "requests": found,
        "first": asked.before() is None,
        "newest": "?" + urlencode({"kind": kind}),
        "older": "?" + urlencode({"kind": kind, "before": found[-1].seq}) if len(found) == PAGE else None,
    }
