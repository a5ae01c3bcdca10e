"""The services that the relay speaks to, as they stand, and what was given up on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import State
from relay.store.nodes import node_json, same_config

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

PAGE = 50


async def read(asked: Asked) -> dict[str, Any]:
    """All of them, with the latest dead letters; and the relays, where several may share the ledger."""
    store = asked.store
    nodes = [node_json(node, now=store.clock(), shared=True) for node in await store.nodes()] if store.shared else []
    dead = await asked.store.deliveries(limit=PAGE, state=str(State.DEAD), before=asked.before())
    return {
        "standings": await asked.store.standings(),
        "backlog": await asked.store.backlog(),
        "nodes": nodes,
        "same_config": same_config(nodes),
        "dead": dead,
        "all_dead": (await asked.store.states()).get("dead", 0),
        "first": asked.before() is None,
        "older": f"?before={dead[-1].seq}" if len(dead) == PAGE else None,
    }
