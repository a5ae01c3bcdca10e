"""What every ledger knows of the relays on it, and of what one does for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.store.nodes import Node
from tests.store.ledger import NOW

if TYPE_CHECKING:
    from relay.store import Store

ONE = Node("one", "a.example", 101, "0.1.0", "c1", "intake, worker", NOW)


class Sharing:
    async def test_a_relay_is_listed_with_what_it_last_said_and_holds(self, store: Store):
        await store.report(ONE, ["clock"], now=NOW, lease=15)
        held = await store.report(replace(ONE, config="c2", lag=3.5), ["clock", "backfill"], now=NOW + 5, lease=15)
        (listed,) = await store.nodes()

        assert held == {"clock", "backfill"}
        assert listed == replace(ONE, config="c2", lag=3.5, seen_at=NOW + 5, holds=("backfill", "clock"))

    async def test_who_says_goodbye_is_listed_no_more(self, store: Store):
        await store.report(ONE, ["clock"], now=NOW, lease=15)
        await store.leave("one")

        assert await store.nodes() == []

    async def test_a_duty_that_is_dropped_is_free_at_once_and_only_its_own_holder_can_drop_it(self, store: Store):
        mine = replace(ONE, id=store.node)
        await store.report(mine, ["backfill", "clock"], now=NOW, lease=15)
        await store.drop_duty("clock")
        assert (await store.nodes())[0].holds == ("backfill",)
        await store.drop_duty("backfill")
        await store.report(ONE, ["clock"], now=NOW, lease=15)
        await store.drop_duty("clock")
        assert [node.holds for node in await store.nodes() if node.id == "one"] == [("clock",)]
