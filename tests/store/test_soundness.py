"""A ledger that is damaged is never served, never replaced and never deleted."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import pytest

from relay.errors import StoreUnusable
from relay.store.sqlite import SqliteStore, soundness
from tests.store.ledger import accept, event

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4096


@pytest.fixture
async def path(tmp_path: Path):
    it = tmp_path / "relay.db"
    store = SqliteStore(it)
    await accept(store, *(event(f"call-{number}", summary="x" * 2000) for number in range(50)))
    await store.close()
    return it


def corrupt(path: Path) -> None:
    """Overwrite a page in the middle of the events."""
    connection = sqlite3.connect(path)
    [root] = connection.execute("select rootpage from sqlite_master where name = 'events'").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("relay.db.damaged-*"))


def test_a_damaged_page_is_found_at_the_start_and_the_file_is_copied_aside_once(path: Path):
    corrupt(path)
    as_found = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreUnusable, match=r"is damaged .* was left as it is, and copied to .*damaged-.*backup"):
            SqliteStore(path)

    assert path.read_bytes() == as_found
    [copy] = aside(path)
    assert copy.read_bytes() == as_found
    assert copy.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_copied_aside_is_said(path: Path, monkeypatch: pytest.MonkeyPatch):
    corrupt(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundness.shutil, "copy2", full)
    with pytest.raises(StoreUnusable, match="could not be copied aside: No space left on device"):
        SqliteStore(path)


def test_after_a_fault_the_whole_file_is_looked_at_however_long_it_takes(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(soundness, "LOOK_SECONDS", 0.0)
    corrupt(path)
    soundness.prove(path)  # no time to find it
    soundness.suspect(path)
    with pytest.raises(StoreUnusable, match="is damaged"):
        soundness.prove(path)
    assert (path.parent / "relay.db.suspect").exists()


def test_a_look_that_is_ended_calls_nothing_damaged(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The pages that it did not reach are no lost ones; whenever it is ended."""
    for seconds in (1e-6, 1e-5, 1e-4, 1e-3):
        monkeypatch.setattr(soundness, "LOOK_SECONDS", seconds)
        soundness.prove(path)


async def test_a_file_that_was_suspected_and_is_sound_is_served_and_trusted_again(path: Path):
    soundness.suspect(path)
    store = SqliteStore(path)
    assert len(await store.events(limit=99)) == 50
    await store.close()
    assert not (path.parent / "relay.db.suspect").exists()


async def test_a_ledger_that_fails_while_it_is_served_is_suspected(path: Path):
    store = SqliteStore(path)

    def fail(connection: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    with pytest.raises(Exception, match="could not be written"):
        await store._write(fail)
    assert store.broken is not None
    assert (path.parent / "relay.db.suspect").exists()
    await store.close()


@pytest.mark.parametrize("content", [b"", b"not a database" * 500])
def test_nothing_is_said_of_what_is_no_database(tmp_path: Path, content: bytes):
    path = tmp_path / "relay.db"
    path.write_bytes(content)
    soundness.prove(path)
    soundness.prove(tmp_path / "nowhere.db")
    assert list(tmp_path.iterdir()) == [path]


def test_a_look_that_has_all_the_time_is_whole(path: Path):
    assert soundness._damage(path, math.inf) is None


def cut_copy(path: Path, copy: Path, left: int) -> Path:
    copy.write_bytes(path.read_bytes())
    copy.with_name(f"{copy.name}-wal").write_bytes(path.with_name(f"{path.name}-wal").read_bytes()[:left])
    return copy


@pytest.mark.parametrize("left", [0, 1, 24, 500, 5000])
async def test_a_log_that_was_cut_off_is_served_as_far_as_it_goes(path: Path, tmp_path: Path, left: int):
    """SQLite cannot know what was behind the cut; what it serves is sound and belongs to one moment."""
    store = SqliteStore(path)
    await accept(store, *(event(f"more-{number}") for number in range(20)))
    copy = cut_copy(path, tmp_path / "copy.db", left)
    await store.close()
    cut = SqliteStore(copy)
    events = await cut.events(limit=999)
    assert (await cut.totals())["events"] == len(events)
    await cut.close()
