"""A ledger moves from a file into a database and back, whole, or says why not."""

from __future__ import annotations

import base64
import secrets
import sys
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from relay.errors import StoreUnusable
from relay.intake import merge
from relay.models import State
from relay.store.copying import copy, end_at
from relay.store.nodes import Node
from relay.store.place import Place, open_ledger
from relay.store.sealing import read_keys
from tests.store.ledger import ANN, NOW, accept, begin, claimed, event, owe, owed, settle, text

if TYPE_CHECKING:
    from pathlib import Path

    from relay.store import Store


async def live(store: Store) -> None:
    """A few events, of which something is owed, something done, and a text left."""
    await accept(store, *(event(f"call-{n}", transcription="words " * n) for n in range(1200)))
    await owe(store, owed("done"), owed("waits", step=1, state=State.WAITING), owed("due", step=2))
    await owe(store, text("t1"), now=NOW + 1)
    for one in await claimed(store, slots=1):
        await settle(store, one, State.DELIVERED)
    for one in await claimed(store, "callscaler", slots=1):
        await begin(store, one)
        await settle(store, one, State.DELIVERED)
    await store.opt_out("+13125550177", now=NOW, how="asked")
    await store.set_mark("backfill_mark", NOW)
    await store.save_rule("v1", "Log every call", "{}", NOW)


async def told_of(store: Store) -> tuple[object, ...]:
    return (
        await store.events(limit=5000),
        await store.deliveries(limit=100),
        await store.attempts("done"),
        await store.texts(limit=10),
        await store.opt_outs(limit=10),
        await store.mark("backfill_mark"),
        await store.totals(),
        await store.balance(),
    )


async def move(source: Place, target: Place) -> None:
    async with end_at(source, new=False) as there, end_at(target, new=True) as here:
        await copy(there, here, lambda *_: None)


async def test_there_and_back_everything_is_as_it_was_and_goes_on(tmp_path: Path, postgres: str):
    first, database, second = Place(tmp_path / "a.db"), Place(address=postgres), Place(tmp_path / "b.db")
    store = await open_ledger(first)
    await live(store)
    before = await told_of(store)
    await store.close()
    await move(first, database)
    await move(database, second)

    for place in (database, second):
        moved = await open_ledger(place)
        assert await told_of(moved) == before
        assert (await moved.balance()).wrong is None
        again = await moved.accept(event("call-7"), b"{}", merge)
        assert again.duplicate
        assert not (await moved.accept(event("call-new"), b"{}", merge)).duplicate
        assert (await moved.events(limit=1))[0].key == "call-new"
        await moved.close()


async def test_the_ledger_that_was_left_sends_no_text_any_more(tmp_path: Path, postgres: str):
    left, taken = Place(tmp_path / "a.db"), Place(address=postgres)
    await (await open_ledger(left)).close()
    await move(left, taken)

    for place, restored in ((left, True), (taken, False)):
        store = await open_ledger(place)
        assert await store.restored() is restored
        await store.close()


async def test_a_copy_that_was_broken_off_goes_on_where_it_stopped(tmp_path: Path, postgres: str):
    source, target = Place(tmp_path / "a.db"), Place(address=postgres)
    store = await open_ledger(source)
    await live(store)
    before = await told_of(store)
    await store.close()

    def pull_the_plug(table: str, done: int, total: int) -> None:
        if table == "events" and done == 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with end_at(source, new=False) as there, end_at(target, new=True) as here:
            await copy(there, here, pull_the_plug)
    began_at = []
    async with end_at(source, new=False) as there, end_at(target, new=True) as here:
        await copy(there, here, lambda table, done, _: began_at.append((table, done)))
    moved = await open_ledger(target)

    assert ("events", 500) in began_at
    assert ("events", 0) not in began_at
    assert await told_of(moved) == before
    await moved.close()


async def test_a_sealed_ledger_stays_sealed_under_its_key(tmp_path: Path, postgres: str):
    keys = read_keys({"RELAY_ENCRYPTION_KEY": base64.b64encode(secrets.token_bytes(32)).decode()})
    source, target = Place(tmp_path / "a.db"), Place(address=postgres)
    store = await open_ledger(source, keys=keys)
    await accept(store, event("call-1", transcription="a secret"))
    await store.close()
    await move(source, target)

    with pytest.raises(StoreUnusable, match="sealed"):
        await open_ledger(target)
    moved = await open_ledger(target, keys=keys)
    (kept,) = await moved.events(limit=2)
    assert (kept.caller, kept.call["transcription"]) == (ANN, "a secret")
    await moved.close()


async def test_nothing_is_copied_over_another_ledger_or_from_under_a_relay(tmp_path: Path, postgres: str):
    source, target = Place(tmp_path / "a.db"), Place(address=postgres)
    store = await open_ledger(source)
    with pytest.raises(StoreUnusable, match="already serves"):
        await move(source, target)
    await store.close()
    other = await open_ledger(target)
    await accept(other, event("somebody else's"))
    with pytest.raises(StoreUnusable, match="another ledger"):
        await move(source, target)
    node = Node(other.node, "a.example", 7, "0.1.0", "c1", "worker", NOW)
    await other.report(node, [], now=other.clock(), lease=20)
    with pytest.raises(StoreUnusable, match="at work"):
        await move(source, target)
    await other.close()
    with pytest.raises(StoreUnusable, match="no ledger at"):
        await move(Place(tmp_path / "none.db"), target)


async def test_a_side_that_changes_meanwhile_is_found_out(tmp_path: Path, postgres: str):
    source, target = Place(tmp_path / "a.db"), Place(address=postgres)
    store = await open_ledger(source)
    await accept(store, event("call-1"))
    await store.close()
    meddler = await asyncpg.connect(postgres)
    tables: list[str] = []

    async with end_at(source, new=False) as there, end_at(target, new=True) as here:
        run = there.run

        async def meanwhile(work: Any) -> Any:
            if "verdicts" in tables:  # the events are copied by then
                await meddler.execute("update events set repeats = 9")
            return await run(work)

        there.run = meanwhile
        with pytest.raises(StoreUnusable, match="not the same on both sides"):
            await copy(there, here, lambda table, *_: tables.append(table))
    await meddler.close()


async def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source, target = Place(tmp_path / "a.db"), Place(address="postgresql://relay@db.example/relay")
    await (await open_ledger(source)).close()
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for name in [name for name in sys.modules if name.startswith("relay.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(StoreUnusable, match="pip install"):
        await open_ledger(target)
    with pytest.raises(StoreUnusable, match="pip install"):
        await move(source, target)
