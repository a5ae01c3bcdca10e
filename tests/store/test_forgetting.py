"""After `forget` the files of a ledger hold nothing of the person, and a backup that is put back is erased anew."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import struct
from functools import partial
from typing import TYPE_CHECKING

import pytest

from relay.errors import StoreBusy
from relay.store.sealing import SETTING, read_keys
from relay.store.sql import people
from relay.store.sqlite import SqliteStore, opening, sweeping
from relay.store.sqlite.backup import back_up
from tests.store.forgetting import ann_called
from tests.store.ledger import ANN, BOB, NOW, accept, event, nothing_owed, plan

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("5550101", "Ann Example", "ann said so")
KEYS = read_keys({SETTING: "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="})


def found(folder: Path) -> list[str]:
    """Which of the words stand in a file of the ledger."""
    files = [file for file in folder.iterdir() if file.is_file()]
    return [f"{file.name}: {word}" for file in files for word in WORDS if word.encode() in file.read_bytes()]


async def ann_called_often(store: SqliteStore) -> None:
    """Pages that are filled, freed and filled anew."""
    await ann_called(store)
    for nth in range(200):
        await accept(store, event(f"more-{nth}", caller_name="Ann Example", transcription="ann said so" * 50))
    await plan(store, nothing_owed, limit=1000)
    await store.prune("transcripts", before=NOW + 1)


@pytest.mark.parametrize("keys", [None, KEYS], ids=["plain", "sealed"])
async def test_the_files_hold_nothing_of_a_person_who_was_forgotten(tmp_path: Path, keys):
    store = SqliteStore(tmp_path / "relay.db", keys=keys)
    await ann_called_often(store)
    assert (found(tmp_path) != []) is (keys is None)
    await store.forget(ANN, now=NOW + 1)
    assert found(tmp_path) == []
    await store.close()
    assert found(tmp_path) == []


async def with_words_left_on_pages(folder: Path) -> SqliteStore:
    """A ledger in which Ann and Bob called, with Ann's words where two pages hold nothing, as SQLite leaves them."""
    store = SqliteStore(folder / "relay.db")
    await ann_called(store)
    await accept(store, event("bob-1", caller=BOB))
    await store.close()
    with sqlite3.connect(folder / "relay.db") as it, (folder / "relay.db").open("r+b") as file:
        for (page,) in it.execute("select rootpage from sqlite_master where name in ('calls', 'tags')").fetchall():
            file.seek((page - 1) * 4096)
            kind, _, cells, content = struct.unpack(">BHHH", file.read(7))
            assert kind == 10, "a page whose rows stand on it, of a table without rowid"
            file.seek((page - 1) * 4096 + (8 + 2 * cells + content) // 2)
            file.write(b"ann said so")
    it.close()
    return SqliteStore(folder / "relay.db")


async def test_a_person_is_gone_from_every_page_though_others_write_on_them_meanwhile(tmp_path: Path):
    store = await with_words_left_on_pages(tmp_path)
    rewritten = 0

    async def among_others(work):
        nonlocal rewritten
        rewritten += await store._write(lambda it: it.execute("update calls set seconds = seconds + 1").rowcount)
        return await store._write(work)

    await store._write(partial(people.forget, person=ANN, now=NOW + 1))
    assert found(tmp_path) != []
    await sweeping.sweep(tmp_path / "relay.db", among_others)
    assert rewritten > 0
    assert found(tmp_path) == []
    await store._write(lambda it: it.execute("update calls set seconds = seconds + 1"))
    assert found(tmp_path) == []
    await store.close()
    assert found(tmp_path) == []


async def test_others_are_written_down_while_a_person_is_forgotten(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await ann_called_often(store)
    called = (accept(store, event(f"bob-{nth}", caller=BOB, caller_name="Bob" * nth)) for nth in range(99))
    await asyncio.gather(store.forget(ANN, now=NOW + 1), *called, store.forget(ANN, now=NOW + 1))
    assert len(await store.events(limit=999, person=BOB)) == 99
    assert found(tmp_path) == []
    await store.close()


async def test_a_sweep_that_a_fall_cut_short_is_made_at_the_next_start(tmp_path: Path, monkeypatch):
    store = await with_words_left_on_pages(tmp_path)

    async def fall(*_):
        raise StoreBusy("the ledger is closing")

    monkeypatch.setattr(sweeping, "sweep", fall)
    with pytest.raises(StoreBusy):
        await store.forget(ANN, now=NOW + 1)
    await store.close()
    assert found(tmp_path) != []
    await SqliteStore(tmp_path / "relay.db").close()
    assert found(tmp_path) == []
    assert not (tmp_path / "relay.db.unswept").exists()


async def test_a_ledger_that_was_plain_holds_nothing_plain_once_it_is_sealed(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await ann_called(store)
    for nth in range(200):
        said = "ann said so " * (nth % 90)
        await accept(store, event(f"more-{nth}", caller_name="Ann Example", transcription=said))
    await store.close()
    assert found(tmp_path) != []
    store = SqliteStore(tmp_path / "relay.db", keys=KEYS)
    assert found(tmp_path) == []
    await store.close()


async def test_a_file_without_a_map_of_its_pages_is_written_anew_instead(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(opening, "_learn_to_shrink", lambda *_: None)
    store = SqliteStore(tmp_path / "relay.db")
    await ann_called_often(store)
    await store._write(lambda connection: connection.execute("pragma auto_vacuum = incremental"))
    await store.forget(ANN, now=NOW + 1)
    assert found(tmp_path) == []
    await store.close()


def put_back(copy: Path, ledger: Path) -> None:
    """As people do it: the ledger and what belongs to it away, the copy in its place."""
    for suffix in ("", "-wal", "-shm", ".generation"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
    shutil.copy(copy, ledger)


async def test_a_backup_from_before_is_erased_anew_when_it_is_put_back(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await ann_called(store)
    await accept(store, event("call-2", caller=BOB))
    copy = back_up(tmp_path / "relay.db", tmp_path / "copies", NOW)
    await store.forget(ANN, now=NOW + 1)
    await store.close()
    put_back(copy.file, tmp_path / "relay.db")
    store = SqliteStore(tmp_path / "relay.db")
    assert await store.restored()
    assert (await store.event("call-1")).caller == ANN
    assert await store.forget_again(now=NOW + 2) > 5
    assert (await store.event("call-1")).caller is None
    assert (await store.event("call-2")).caller == BOB
    assert found(tmp_path) == []
    await store.close()


async def test_what_is_kept_of_an_erasure_tells_nobody_who_it_was(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await ann_called(store)
    await store.forget(ANN, now=NOW)
    kept = tmp_path / "relay.db.erased"
    assert "5550101" not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_text(kept.read_text() + "cut off")
    assert len(store._erasures()) == 1
    await store.close()
