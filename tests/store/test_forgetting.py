"""After `forget` the files of a ledger hold nothing of the person, and a backup that is put back is erased anew."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from relay.store.sealing import SETTING, read_keys
from relay.store.sqlite import SqliteStore
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


@pytest.mark.parametrize("keys", [None, KEYS], ids=["plain", "sealed"])
async def test_the_files_hold_nothing_of_a_person_who_was_forgotten(tmp_path: Path, keys):
    store = SqliteStore(tmp_path / "relay.db", keys=keys)
    await ann_called(store)
    for nth in range(200):  # pages that are filled, freed and filled anew
        await accept(store, event(f"more-{nth}", caller_name="Ann Example", transcription="ann said so" * 50))
    await plan(store, nothing_owed, limit=1000)
    await store.prune("transcripts", before=NOW + 1)
    assert (found(tmp_path) != []) is (keys is None)
    await store.forget(ANN, now=NOW + 1)
    assert found(tmp_path) == []
    await store.close()
    assert found(tmp_path) == []


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
