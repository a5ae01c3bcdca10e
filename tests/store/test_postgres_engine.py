"""What is PostgreSQL's own: addresses, spelling, schema, clocks, and connections that break."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from relay.errors import StoreBusy, StoreUnusable
from relay.intake import merge
from relay.models import State
from relay.store.drawing import Drawing, changes, draw, names_of_all
from relay.store.postgres import PostgresStore
from relay.store.postgres.address import read_address
from relay.store.postgres.clock import ServerClock
from relay.store.postgres.connection import is_lost
from relay.store.postgres.dialect import at_once, spelled
from relay.store.postgres.engine import end_stuck
from relay.store.postgres.looking import Looks, Seen
from tests.crash.proxy import Proxy
from tests.postgres import drop_database, make_database
from tests.store.ledger import (
    NOW,
    accept,
    claimed,
    event,
    nobody_waits,
    owe,
    owed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.store.postgres.connection import ServerConnection


@pytest.fixture
async def bare(postgres_server: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    url = await make_database(postgres_server)
    yield url
    await drop_database(url)


async def test_a_connection_is_lost_once_it_ended_or_its_pool_has_it_back(bare: str):
    """A pool takes back what broke, and what it lent refuses even the question."""
    async with asyncpg.create_pool(bare, min_size=1, max_size=1) as pool:
        lent = await pool.acquire()
        assert not is_lost(lent)
        await pool.release(lent)
        assert is_lost(lent)
        other = await pool.acquire()
        other.terminate()
        assert is_lost(other)


@pytest.mark.parametrize(
    ("url", "dsn", "place"),
    [
        ("postgresql://u:false@db:5433/relay", "postgresql://u:false@db:5433/relay", "db:5433/relay"),
        ("postgres://u@db/relay?sslmode=verify-full", "postgresql://u@db/relay?sslmode=verify-full", "db/relay"),
        ("postgresql:///relay?host=/run/pg", "postgresql:///relay?host=/run/pg", "/run/pg/relay"),
        (
            "postgresql://u@db/relay?connect_timeout=3&gssencmode=disable&keepalives=1",
            "postgresql://u@db/relay",
            "db/relay",
        ),
    ],
)
def test_every_form_of_libpq_is_read_and_no_password_is_told(url: str, dsn: str, place: str):
    address = read_address(url)
    assert (address.dsn, address.place, address.listen) == (dsn, place, dsn)
    assert "false" not in repr(address)


def test_behind_a_pooler_wake_ups_come_by_the_direct_way_or_not_at_all():
    pooled = "postgresql://u@pool:6432/relay?pooler=transaction"
    assert (read_address(pooled).pooled, read_address(pooled).listen) == (True, None)
    assert read_address(f"{pooled}&listen=db:5432").listen == "postgresql://u@db:5432/relay"
    assert read_address("postgresql://u@db/relay?notify=off").notify is False
    assert read_address("postgresql://u@db/relay?connections=20").connections == 20


@pytest.mark.parametrize("words", ["pooler=maybe", "connections=1", "connections=x", "channel_binding=require"])
def test_what_cannot_be_kept_is_refused(words: str):
    with pytest.raises(StoreUnusable):
        read_address(f"postgresql://u@db/relay?{words}")


@pytest.mark.parametrize(
    ("ours", "theirs", "finds"),
    [
        ("select * from a where b = ? and c = ?", "select * from a where b = $1 and c = $2", True),
        ("update a set b = ?1 where c = ?2 and d > ?1", "update a set b = $1 where c = $2 and d > $1", False),
        ("update a set b = :x where c = :y or d = :x", "update a set b = $1 where c = $2 or d = $1", False),
        ("select '?' || b::text from a indexed by i where c = ?", "select '?' || b::text from a where c = $1", True),
        ("delete from a where b in (select c from d)", "delete from a where b in (select c from d)", False),
        ("update a set b = ? returning *", "update a set b = $1 returning *", True),
    ],
)  # fmt: skip
def test_a_statement_is_spelled_for_the_server(ours: str, theirs: str, finds: bool):
    assert (spelled(ours).text, spelled(ours).finds) == (theirs, finds)


def test_the_same_update_of_many_rows_is_one_statement():
    sql = "update texts set state = ?, at = ?, shadow = 0 where id = ? and run = ?"
    assert at_once(sql) == (
        "update texts as it set state = said.v1, at = said.v2, shadow = 0 from unnest($1::text[], $2::float8[], "
        "$3::text[], $4::text[]) as said (v1, v2, v3, v4) where it.id = said.v3 and it.run = said.v4 returning 1"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "update texts set at = at + ? where id = ?",
        "update texts set state = ? where id = ? or run = ?",
        "update texts set state = coalesce(state, ?) where id = ?",
        "delete from texts where id = ?",
        "insert into meta (name, value) values (?, ?)",
    ],
)
def test_any_other_statement_of_many_rows_is_said_for_each(sql: str):
    assert at_once(sql) is None


class Asked:
    """A server whose answers come as late as is said, and a clock that nobody sets."""

    def __init__(self, *took: float) -> None:
        self.ticked = 0.0
        self._took = iter(took)
        self._now = 5000.0

    def ticks(self) -> float:
        return self.ticked

    def execute(self, _: str) -> Asked:
        self.ticked += next(self._took)
        return self

    def fetchone(self) -> dict[str, float]:
        return {"now": self._now + self.ticked}


def test_the_clock_counts_on_by_a_clock_that_nobody_sets():
    server = Asked(0.5)
    clock = ServerClock(server.ticks)
    clock.ask(server)
    assert clock() == 5000.5 + 0.25
    server.ticked += 5.0
    assert clock() == 5005.5 + 0.25


def test_an_answer_during_which_the_relay_was_frozen_is_not_believed():
    server = Asked(60.0, 0.5, 60.0, 60.0, 60.0)
    clock = ServerClock(server.ticks)
    clock.ask(server)
    assert clock() == 5060.5 + 0.25
    clock.ask(server)
    assert clock() == 5240.5 + 0.25


def test_where_every_answer_is_slow_the_quickest_is_better_than_none():
    server = Asked(30.0, 20.0, 40.0)
    clock = ServerClock(server.ticks)
    clock.ask(server)
    assert clock() == 5090.0 + 10.0


def test_the_difference_between_two_drawings_is_what_the_newer_has_more():
    names = names_of_all()
    older, newer = draw(names[:1]), draw(names)
    told = list(changes(older, newer))

    assert any(statement.startswith('create table "alerts"') for statement in told)
    assert 'alter table "events" add column if not exists "pruned" bigint not null default 0' in told
    assert not any(statement.startswith('create table "events"') for statement in told)
    assert list(changes(newer, newer)) == []
    assert draw(()) == Drawing()


async def test_relays_that_start_together_on_an_empty_database_all_start(bare: str):
    stores = await asyncio.gather(*(PostgresStore.open(bare) for _ in range(4)))
    await accept(stores[0], event("call-1"))
    assert [await store.totals() for store in stores] == [await stores[0].totals()] * 4
    for store in stores:
        await store.close()


async def test_an_older_ledger_is_brought_up_to_date_and_keeps_what_is_in_it(bare: str):
    await (await PostgresStore.open(bare)).close()
    raw = await asyncpg.connect(bare)
    await raw.execute(
        "drop table nodes, duties; drop index events_received; delete from relay_migrations where name = 'nodes'"
    )
    await raw.close()
    with pytest.raises(StoreUnusable, match="not a ledger of this version yet"):
        await PostgresStore.open(bare, read_only=True)
    await (await PostgresStore.open(bare)).close()
    raw = await asyncpg.connect(bare)
    assert await raw.fetchval("select to_regclass('nodes') is not null and to_regclass('events_received') is not null")
    await raw.execute("insert into relay_migrations values ('from_tomorrow', 0)")
    await raw.close()
    with pytest.raises(StoreUnusable, match="newer version"):
        await PostgresStore.open(bare)


async def test_a_database_of_something_else_is_left_alone(bare: str):
    raw = await asyncpg.connect(bare)
    await raw.execute("create table events (id int)")
    with pytest.raises(StoreUnusable, match="events of something else"):
        await PostgresStore.open(bare)
    await raw.execute("create schema relay")
    await (await PostgresStore.open(f"{bare}?search_path=relay")).close()
    await raw.close()


async def test_a_server_that_answers_before_it_is_safe_is_refused(bare: str):
    with pytest.raises(StoreUnusable, match="synchronous_commit is off"):
        await PostgresStore.open(f"{bare}?synchronous_commit=off")


@pytest.mark.parametrize("words", ["", "?notify=off", "?pooler=transaction"])
async def test_a_ledger_is_usable_without_notify_and_behind_a_pooler(postgres: str, words: str):
    store = await PostgresStore.open(f"{postgres}{words}")
    await owe(store, owed("d1"))
    assert len(await claimed(store)) == 1
    await store.close()


async def test_who_cannot_be_reached_is_told_without_the_password():
    with pytest.raises(StoreUnusable, match="cannot be opened") as told:
        await PostgresStore.open("postgresql://relay:very-false@127.0.0.1:1/relay")
    assert "very-false" not in str(told.value)


async def test_a_commit_whose_answer_is_lost_is_busy_and_its_repeat_a_duplicate(postgres: str):
    port = int(postgres.rpartition(":")[2].partition("/")[0])
    proxy = Proxy(port)
    await proxy.start()
    store = await PostgresStore.open(postgres.replace(f":{port}/", f":{proxy.port}/"))
    first = event("call-1")
    proxy.cut_after_commits(1)
    with pytest.raises(StoreBusy, match="may or may not"):
        await store.accept(first, b"{}", merge)
    again = await store.accept(replace(first, id="another"), b"{}", merge)
    await store.close()
    await proxy.stop()

    assert proxy.broken == 1
    assert (again.event, again.duplicate) == (first.id, True)


_GOODBYE = b"SFATAL\x00VFATAL\x00C57P01\x00Mterminating connection\x00\x00"


@pytest.mark.parametrize("way", ["run", "read"])
async def test_a_server_that_says_goodbye_between_two_statements_costs_another_try(postgres: str, way: str):
    store = await PostgresStore.open(postgres)
    tries: list[int] = []

    def work(connection: ServerConnection) -> int:
        tries.append(connection.execute("select pg_backend_pid() as pid").fetchone()["pid"])
        if len(tries) == 1:  # what a server sends to a session that was idle in a transaction for too long
            said = b"E" + (len(_GOODBYE) + 4).to_bytes(4, "big") + _GOODBYE
            connection._raw._con._protocol.data_received(said)
        return connection.execute("select 1 as one").fetchone()["one"]

    assert await getattr(store._engine, way)(work) == 1
    assert len(set(tries)) == 2
    await store.close()


async def test_a_transaction_that_stands_still_within_a_statement_is_ended(postgres: str, until: Any):
    store = await PostgresStore.open(postgres)
    stuck = await asyncpg.connect(postgres)
    await stuck.execute("begin; select pg_advisory_xact_lock(7)")
    await stuck._get_statement("select 1", None)  # prepared, and not run: as active as a frozen relay leaves it

    async def ended() -> bool:
        await store._engine.read(partial(end_stuck, after=0))
        return stuck.is_closed()

    await until(ended)
    await store.close()


async def test_connections_that_break_are_replaced(postgres: str):
    port = int(postgres.rpartition(":")[2].partition("/")[0])
    proxy = Proxy(port)
    await proxy.start()
    store = await PostgresStore.open(postgres.replace(f":{port}/", f":{proxy.port}/"))
    for n in range(3):
        await accept(store, event(f"call-{n}"))
        proxy.cut_all()
        assert len(await store.events(limit=9)) == n + 1
    await store.close()
    await proxy.stop()


async def test_reading_only_changes_nothing(postgres: str):
    store = await PostgresStore.open(postgres, read_only=True)
    with pytest.raises(RuntimeError):
        await store.set_mark("a", 1.0)
    with pytest.raises(RuntimeError):
        await store.settle([], nobody_waits)
    await store.close()


async def test_one_look_answers_all_that_is_asked_at_once(two: tuple[PostgresStore, PostgresStore]):
    await owe(two[0], owed("due"), replace(owed("waiting", state=State.WAITING), due_at=NOW + 5))
    asked: list[Any] = []

    async def read(work: Any) -> Any:
        asked.append(work)
        return await two[0]._read(work)

    looks = Looks(read)
    found = await asyncio.gather(looks.ask(NOW), looks.ask(NOW, ["team"]), looks.ask(NOW, ["other"]))
    assert found == [Seen(ripe=False, due=True, unknown=False)] * 3
    assert len(asked) == 1
    assert await looks.ask(NOW + 5) == Seen(ripe=True, due=False, unknown=False)
