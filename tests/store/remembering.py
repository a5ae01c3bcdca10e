"""What every ledger remembers for connectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import State
from relay.store import Memory, Settlement
from tests.store.ledger import NOW, claimed, nobody_waits, owe, owed

if TYPE_CHECKING:
    from relay.store import Store

DAY = 86400.0


async def delivered(store: Store, name: str, memory: Memory, *, fenced: bool = False) -> int:
    await owe(store, owed(name))
    (one,) = await claimed(store)
    done = one.delivery.moved(State.DELIVERED, settled_at=NOW)
    if fenced:
        done = replace(done, claims=done.claims - 1)
    return await store.settle([Settlement(done, remember=memory)], nobody_waits)


class Remembering:
    async def test_what_a_delivery_says_to_remember_is_known_under_its_key(self, store: Store):
        await delivered(store, "d1", Memory("team", "call-1", {"ts": "1.5", "said": "h\ud800"}, NOW))
        await delivered(store, "d2", Memory("team", "call-2", {"ts": "2.5"}, NOW))
        found = await store.memories("team", {"call-1", "call-2", "call-3"})

        assert found == {"call-1": {"ts": "1.5", "said": "h\ud800"}, "call-2": {"ts": "2.5"}}
        assert await store.memories("other", {"call-1"}) == {}

    async def test_the_latest_word_counts_and_old_ones_are_let_go(self, store: Store):
        await delivered(store, "d1", Memory("team", "old", {"n": 1}, NOW - 91 * DAY))
        await delivered(store, "d2", Memory("team", "call-1", {"n": 1}, NOW))
        await delivered(store, "d3", Memory("team", "call-1", {"n": 2}, NOW))

        assert await store.memories("team", {"old", "call-1"}) == {"call-1": {"n": 2}}

    async def test_a_settlement_whose_claim_is_over_changes_no_memory(self, store: Store):
        assert await delivered(store, "d1", Memory("team", "call-1", {"n": 1}, NOW), fenced=True) == 0
        assert await store.memories("team", {"call-1"}) == {}
