"""A primary that dies, or that is one no more: its standby is promoted, and the relays find it by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from relay.errors import StoreBusy, StoreUnusable
from relay.intake import merge
from relay.store.postgres import PostgresStore
from tests.postgres import Server, commits_wait_for_a_standby, database_of, make_database, serving
from tests.store.ledger import accept, event

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDERS = 4
EACH = 20
"""Events acknowledged before the primary dies, and as many after it."""


@pytest.fixture
def primary() -> Iterator[Server]:
    with serving() as it:
        yield it


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    with serving(follows=primary) as it:
        yield it


@pytest.fixture
async def both(primary: Server, standby: Server, until: Any) -> str:
    """The address of an empty database that names both; what is committed on the primary is on the standby, too."""
    await commits_wait_for_a_standby(primary, until)
    url = await make_database(primary.url())

    async def shown() -> bool:  # what is committed is on the standby's disk, and may be seen there a moment later
        try:
            seen = await asyncpg.connect(database_of(standby.url(), url.rpartition("/")[2]))
        except asyncpg.InvalidCatalogNameError:
            return False
        await seen.close()
        return True

    await until(shown)
    return url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/")


async def test_a_failover_loses_nothing_that_was_acknowledged_and_is_found_by_itself(
    both: str, primary: Server, standby: Server, until: Any
):
    store = await PostgresStore.open(both)
    acked: dict[str, str] = {}
    over = asyncio.Event()

    async def send(place: int) -> None:
        number = 0
        while not over.is_set():
            try:
                taken = await store.accept(event(f"call-{place}-{number}"), b"{}", merge)
            except StoreBusy:
                continue
            acked[f"call-{place}-{number}"] = taken.event
            number += 1

    senders = [asyncio.create_task(send(place)) for place in range(SENDERS)]
    await until(lambda: len(acked) >= EACH)
    await asyncio.to_thread(primary.stop, "immediate")
    with pytest.raises(StoreBusy):
        await accept(store, event("while there is no primary"))
    before = len(acked)
    await asyncio.to_thread(standby.promote)
    await until(lambda: len(acked) >= before + EACH)
    over.set()
    await asyncio.gather(*senders)

    raw = await asyncpg.connect(database_of(standby.url(), both.rpartition("/")[2]))
    kept = {row["key"]: row["id"] for row in await raw.fetch("select key, id from events")}
    await raw.close()
    assert acked.items() <= kept.items()
    assert (await store.balance()).wrong is None
    await store.close()


async def test_a_primary_that_takes_nothing_any_more_is_left_for_the_one_that_does(
    both: str, primary: Server, standby: Server, until: Any
):
    store = await PostgresStore.open(both)
    await accept(store, event("call-1"))
    raw = await asyncpg.connect(primary.url())
    await raw.execute("alter system set default_transaction_read_only = on")
    await raw.execute("select pg_reload_conf()")
    await raw.close()

    async def accepts() -> bool:
        try:
            await accept(store, event("call-2"))
        except StoreBusy:
            return False
        return True

    async def refuses() -> bool:
        return not await accepts()

    await until(refuses)
    with pytest.raises(StoreBusy):  # now that no connection is left, and none to be had
        await accept(store, event("call-3"))
    await asyncio.to_thread(standby.promote)
    await until(accepts)
    await store.close()
    alone = await PostgresStore.open(database_of(standby.url(), both.rpartition("/")[2]), read_only=True)
    assert {one.key for one in await alone.events(limit=9)} >= {"call-1", "call-2"}
    await alone.close()


async def test_a_relay_does_not_start_on_a_standby_and_reading_may(both: str, standby: Server, until: Any):
    await (await PostgresStore.open(both)).close()
    only = database_of(standby.url(), both.rpartition("/")[2])
    with pytest.raises(StoreUnusable, match="a standby"):
        await PostgresStore.open(only)

    async def follows() -> PostgresStore | None:
        try:
            return await PostgresStore.open(only, read_only=True)
        except StoreUnusable:  # what was committed is on its disk, and not all of it to be read yet
            return None

    reading = await until(follows)
    assert await reading.events(limit=1) == []
    await reading.close()
