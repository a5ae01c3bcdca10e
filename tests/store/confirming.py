"""Events that the phone system has yet to confirm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.store.ledger import ANN, BOB, accept, event, facts, nothing_owed, plan

if TYPE_CHECKING:
    from relay.store import Store


class Confirming:
    async def test_an_event_waits_until_it_is_confirmed_and_is_then_planned_anew(self, store: Store):
        await accept(store, event("call-1"), event("call-2", caller=BOB, unconfirmed="waiting"))
        assert await plan(store, nothing_owed) == 2
        [waiting] = await store.unconfirmed(limit=9)
        assert waiting.key == "call-2"
        known = {name: value for name, value in waiting.call.items() if name != "unconfirmed"}
        await store.confirm(replace(waiting, call=known, caller=ANN, late=True))
        assert await store.unconfirmed(limit=9) == []
        assert await plan(store, nothing_owed) == 1
        told = await store.event("call-2")
        assert (told.caller, told.late, "unconfirmed" in told.call) == (ANN, True, False)
        assert (await store.balance()).wrong is None

    async def test_a_call_in_doubt_counts_for_nobody(self, store: Store):
        await accept(store, event("call-1", unconfirmed="waiting"))
        await plan(store, nothing_owed)
        assert (await facts(store, event("call-2"))).calls_24h == 1
