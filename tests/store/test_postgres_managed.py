"""PostgreSQL as others run it: behind TLS and a pooler, with a role that may do no more than it must."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest

from relay.errors import StoreUnusable
from relay.models import State
from relay.store.copying import end_at
from relay.store.place import Place
from relay.store.postgres import PostgresStore
from tests.certificate import certificate_for
from tests.encrypting import PLACES, Encrypting
from tests.pooler import PROGRAM, Pooler
from tests.postgres import Server, make_database, serving
from tests.store.keeping import let_go
from tests.store.ledger import NOW, accept, begin, claimed, event, nothing_owed, owe, owed, plan, settle, text
from tests.store.sharing import ONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

CALLERS = 12
ROUNDS = 20
GRANTS = """
create role hand login;
grant usage on schema public to hand;
grant select, insert, update, delete on all tables in schema public to hand;
grant usage on all sequences in schema public to hand;
"""
"""What docs/postgres.md grants to a role that may not change tables."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as it:
        yield it


@pytest.fixture
def pooler(server: Server) -> Iterator[Pooler]:
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    it = Pooler(server)
    yield it
    it.stop()


async def test_behind_a_pooler_in_transaction_mode_many_at_once_get_their_own_answers(server: Server, pooler: Pooler):
    url = pooler.url(await make_database(server.url()))
    stores = [await PostgresStore.open(url) for _ in range(2)]
    await accept(stores[0], *(event(f"call-{n}") for n in range(CALLERS)))
    ids = [one.id for one in await stores[0].events(limit=CALLERS)]

    async def ask(place: int) -> None:
        store = stores[place % 2]
        for number in range(ROUNDS):
            assert (await store.event(ids[place])).id == ids[place]
            assert (await store.totals())["events"] >= CALLERS
            await store.set_mark(f"mark-{place}", float(number))
            assert await store.mark(f"mark-{place}") == float(number)

    await asyncio.gather(*(ask(place) for place in range(CALLERS)))
    assert await plan(stores[1], nothing_owed) == CALLERS
    await owe(stores[0], owed("d1"))
    assert len(await claimed(stores[1], now=NOW + 1)) == 1
    assert (await stores[1].balance()).wrong is None
    for store in stores:
        await store.close()


async def test_a_pooler_that_nobody_spoke_of_is_told_of(server: Server, pooler: Pooler):
    url = pooler.url(server.url()).removesuffix("?pooler=transaction")
    with pytest.raises(StoreUnusable, match="pooler=transaction"):
        await PostgresStore.open(url)


@pytest.fixture
async def encrypting(server: Server, tmp_path: Path) -> AsyncIterator[Encrypting]:
    it = Encrypting(server.port, tmp_path)
    await it.start()
    yield it
    await it.stop()


async def test_a_certificate_for_the_very_name_is_believed_and_any_other_is_refused(
    server: Server, encrypting: Encrypting, tmp_path: Path
):
    url = (await make_database(server.url())).replace(f":{server.port}/", f":{encrypting.port}/")
    trusting = f"{url}?sslmode=verify-full&sslrootcert="
    store = await PostgresStore.open(f"{trusting}{encrypting.certificate}")
    await accept(store, event("call-1"))
    await store.close()
    taken = encrypting.taken
    assert taken > 0

    elsewhere = trusting.replace(*PLACES)
    with pytest.raises(StoreUnusable, match=r"certificate is not believed: .*127\.0\.0\.2"):
        await PostgresStore.open(f"{elsewhere}{encrypting.certificate}")
    (tmp_path / "other.pem").write_bytes(certificate_for(PLACES[0])[1])
    with pytest.raises(StoreUnusable, match="certificate is not believed"):
        await PostgresStore.open(f"{trusting}{tmp_path / 'other.pem'}")
    with pytest.raises(StoreUnusable, match=r"sslrootcert=.*is not there"):
        await PostgresStore.open(f"{trusting}{tmp_path / 'nowhere.pem'}")
    assert encrypting.taken == taken


async def test_a_role_that_may_not_change_tables_serves_and_is_told_who_brings_them_up_to_date(server: Server):
    owner = await make_database(server.url())
    hand = owner.replace("relay@", "hand@")
    await (await PostgresStore.open(owner)).close()
    raw = await asyncpg.connect(owner)
    await raw.execute(GRANTS)

    store = await PostgresStore.open(hand)
    await accept(store, event("call-1"), event("call-2", caller="+13125550102"))
    assert await plan(store, nothing_owed) == 2
    await owe(store, owed("d1"), text("t1"), now=NOW)
    (one,) = await claimed(store)
    assert await settle(store, one, State.DELIVERED) == 1
    (told,) = await claimed(store, "callscaler")
    assert (await begin(store, told)).state is State.SENDING
    assert await store.report(replace(ONE, id=store.node), ["clock"], now=NOW, lease=15) == {"clock"}
    await store.opt_out("+13125550103", now=NOW, how="by hand")
    await let_go(store, "events", "attempts", "transcripts")
    await store.forget("+13125550102", now=NOW)
    await store.shrink()
    await store.leave(store.node)
    assert (await store.balance()).wrong is None
    await store.close()

    await raw.execute("delete from relay_migrations where name = 'nodes'")
    with pytest.raises(StoreUnusable, match="the role that owns its tables"):
        await PostgresStore.open(hand)
    await raw.execute("grant create on schema public to hand")  # as everybody has it in PostgreSQL 14
    await raw.close()
    with pytest.raises(StoreUnusable, match="the role that owns its tables"):
        await PostgresStore.open(hand)
    with pytest.raises(StoreUnusable, match="the role that owns its tables"):
        async with end_at(Place(address=hand), new=False):
            pass
