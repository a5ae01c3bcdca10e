"""Rules: what each did in seven days, how it is switched, and the file as it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import State

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

DAYS = 7
_WORDS = ("ran", "shadow", "held", "suppressed", "error", "skipped")
_LATEST = 200


async def read(asked: Asked) -> dict[str, Any]:
    """All of them."""
    ruled = await asked.store.ruled(since=asked.now - DAYS * 86400.0)
    shadow = await asked.store.deliveries(limit=_LATEST, state=str(State.SHADOW))
    return {
        "did": {
            rule.name: [(word, ruled.get(rule.name, {}).get(word, 0)) for word in _WORDS] for rule in asked.shown.rules
        },
        "shadow": {
            rule.name: [one for one in shadow if one.rule == rule.name][:5]
            for rule in asked.shown.rules
            if rule.mode == "shadow"
        },
        "failed": ruled.get("*", {}).get("error", 0),
    }
