"""The ledger in PostgreSQL does what every ledger must."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.store.postgres import PostgresStore
from tests.store.contract import StoreContract
from tests.store.keeping import let_go
from tests.store.ledger import NOW, accept, claimed, event, nothing_owed, owe, owed, plan
from tests.store.sharing import ONE


class TestOnPostgres(StoreContract):
    @pytest.fixture
    async def store(self, postgres: str):
        opened = await PostgresStore.open(postgres)
        yield opened
        await opened.close()

    @pytest.fixture
    async def reopen(self, store: PostgresStore, postgres: str):
        opened = []

        async def again():
            await store.close()
            opened.append(await PostgresStore.open(postgres))
            return opened[-1]

        yield again
        for one in opened:
            await one.close()

    async def test_room_that_is_not_needed_is_given_back(self, store: PostgresStore):
        """As far as the relay is concerned: the server vacuums for itself."""
        await accept(store, *(event(f"call-{n}", notes="x" * 20_000) for n in range(50)))
        await plan(store, nothing_owed)
        full = await store.sizes()
        await let_go(store, "events")
        pruned = await store.sizes()

        assert full.file >= full.used > 0
        assert pruned.used == 0
        assert await store.shrink() == 0

    async def test_a_duty_belongs_to_one_relay_until_it_is_silent_for_too_long(self, store: PostgresStore):
        two = replace(ONE, id="two", started_at=NOW + 1)
        assert await store.report(ONE, ["clock"], now=NOW, lease=15) == {"clock"}
        assert await store.report(two, ["clock", "backfill"], now=NOW + 1, lease=15) == {"backfill"}
        assert await store.report(two, ["clock", "backfill"], now=NOW + 14, lease=15) == {"backfill"}
        assert await store.report(two, ["clock", "backfill"], now=NOW + 15, lease=15) == {"backfill", "clock"}
        assert await store.report(ONE, ["clock"], now=NOW + 16, lease=15) == set()
        await store.leave("two")
        assert await store.report(ONE, ["clock", "backfill"], now=NOW + 17, lease=15) == {"backfill", "clock"}
        assert [node.id for node in await store.nodes()] == ["one"]

    async def test_a_start_leaves_to_living_relays_what_they_hold(self, store: PostgresStore, postgres: str):
        await owe(store, owed("d1"))
        await store.report(replace(ONE, id=store.node), [], now=NOW, lease=15)
        await claimed(store)
        other = await PostgresStore.open(postgres)
        freed_beside = await other.free_leases(now=NOW + 1, settle=60, everything=True)
        freed_alone = await other.free_leases(now=NOW + 31, settle=60, everything=True)
        await other.close()

        assert (freed_beside, freed_alone) == (0, 1)
