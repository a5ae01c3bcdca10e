from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.errors import StoreUnusable
from relay.store.sqlite import SqliteStore, opening
from tests.patience import PATIENCE
from tests.store.ledger import ANN, NOW, accept, event

ROOT = Path(__file__).parents[2]
OPEN = """
import sys, pathlib
from relay.errors import StoreUnusable
from relay.store.sqlite import SqliteStore
try:
    SqliteStore(pathlib.Path(sys.argv[1]))
except StoreUnusable as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path):
    return tmp_path / "relay.db"


async def made(path: Path) -> None:
    store = SqliteStore(path)
    await accept(store, event())
    await store.close()


def on_disk(path: Path) -> tuple[bytes, bytes]:
    return path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_a_second_process_is_refused_and_told_which_one_holds_the_ledger(path: Path):
    store = SqliteStore(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    for name in (path, link):
        said = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", OPEN, str(name)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            timeout=PATIENCE,
        )
        assert f"another relay (process {os.getpid()}) already serves the ledger" in said.stdout
    await store.close()
    SqliteStore(path)._engine.close()


def test_a_lock_that_outlives_the_process_it_names_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch):
    """A relay that was killed leaves its ledger's own process behind for a moment."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    held = opening.take_lock(path, gone.pid)
    monkeypatch.setattr(time, "sleep", lambda _: os.close(held))
    os.close(opening.take_lock(path))


async def test_a_ledger_of_a_newer_version_is_refused_by_writers_and_readers(path: Path):
    await made(path)
    change(path, "insert into _sqlite_migrations (migration_set, name, applied_at) values ('relay', 'zz_later', 'x')")

    for read_only in (False, True):
        with pytest.raises(StoreUnusable, match="newer version"):
            SqliteStore(path, read_only=read_only)


def test_a_reader_refuses_a_file_without_the_tables_of_this_version(path: Path):
    path.touch()

    with pytest.raises(StoreUnusable, match="relay serve"):
        SqliteStore(path, read_only=True)


def test_a_reader_of_nothing_is_told_that_there_is_nothing(path: Path):
    with pytest.raises(StoreUnusable, match="no ledger at"):
        SqliteStore(path, read_only=True)
    assert not path.exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, *, read_only: bool):
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(StoreUnusable, match="no ledger, or it is damaged"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == b"not a database" * 100


def test_a_database_of_something_else_is_refused_and_left_alone(path: Path):
    change(path, "create table recipes (name text)")

    with pytest.raises(StoreUnusable, match="something else"):
        SqliteStore(path)
    change(path, "insert into recipes values ('still mine')")


def test_a_folder_that_is_not_there_is_named(path: Path):
    with pytest.raises(StoreUnusable, match="Check that its folder exists"):
        SqliteStore(path.parent / "nowhere" / "relay.db")


def test_a_refused_opening_lets_go_of_the_lock(path: Path):
    path.write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnusable, match="damaged"):
            SqliteStore(path)


async def test_a_reader_works_beside_the_writer_and_writes_nothing(path: Path):
    store = SqliteStore(path)
    await accept(store, event("call-1"))
    reader = SqliteStore(path, read_only=True)
    before = [one.key for one in await reader.events(limit=9)]
    await accept(store, event("call-2"))
    after = [one.key for one in await reader.events(limit=9)]
    with pytest.raises(RuntimeError, match="reading only"):
        await accept(reader, event("call-3"))
    before_leaving = on_disk(path)
    await reader.close()

    assert (before, after) == (["call-1"], ["call-2", "call-1"])
    assert on_disk(path) == before_leaving
    await store.close()


async def test_a_reader_finds_what_a_killed_process_left_in_the_log(path: Path, tmp_path: Path):
    store = SqliteStore(path)
    await accept(store, event("call-1"))
    left = tmp_path / "left.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{left}{suffix}")
    await store.close()
    as_left = on_disk(left)
    reader = SqliteStore(left, read_only=True)
    found = [one.key for one in await reader.events(limit=9)]
    await reader.close()

    assert found == ["call-1"]
    assert on_disk(left) == as_left


async def test_what_root_does_to_the_ledger_of_another_user_locks_that_user_out_of_nothing(path: Path):
    """As a person does under systemd, where the service has a user of its own and commands are typed as root."""
    if os.getuid() != 0:
        pytest.skip("only root can make a file of somebody else")
    await made(path)
    nobody = 65534
    for file in (path.parent, *path.parent.iterdir()):
        os.chown(file, nobody, nobody)
    (path.parent / "relay.db.lock").unlink()

    store = SqliteStore(path)
    await store.forget(ANN, now=NOW)
    owners = {file.name: (file.stat().st_uid, file.stat().st_gid) for file in path.parent.iterdir()}
    await store.close()
    assert {"relay.db.lock", "relay.db.generation", "relay.db.erased", "relay.db-wal"} <= owners.keys()
    assert {name: owner for name, owner in owners.items() if owner != (nobody, nobody)} == {}
