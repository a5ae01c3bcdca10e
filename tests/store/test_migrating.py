"""A schema is brought up to date in one piece, and never without a copy of what was."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlite_utils

from relay.errors import StoreUnusable
from relay.store.sqlite import SqliteStore, migrating
from relay.store.sqlite.backup import verify
from relay.store.sqlite.schema import LATEST, migrations
from tests.store.ledger import accept, event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path):
    """A ledger as the first version made it."""
    it = tmp_path / "relay.db"
    with closing(sqlite3.connect(it, isolation_level=None)) as connection:
        names = [migration.name for migration in migrations._migrations]
        migrations.apply(sqlite_utils.Database(connection), stop_before=names[1])
        connection.execute("insert into tags (person, tag, at) values ('+13125550101', 'vip', 1)")
    return it


async def opened(path: Path) -> None:
    store = SqliteStore(path)
    await store.close()


def tags(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("select tag from tags")]


def steps(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("select name from _sqlite_migrations")}


def copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob("relay.db.before-*"))


async def test_an_older_ledger_is_copied_and_then_brought_up_to_date(path: Path):
    store = SqliteStore(path)
    await accept(store, event())
    await store.close()

    [copy] = copies(path)
    assert steps(path) == LATEST
    assert steps(copy) == {"first"}
    assert tags(copy) == tags(path) == ["vip"]
    assert copy.stat().st_mode & 0o777 == 0o600
    again = SqliteStore(path)
    await again.close()
    assert copies(path) == [copy]


async def test_a_new_ledger_leaves_no_copy(tmp_path: Path):
    await opened(tmp_path / "new.db")
    assert not copies(tmp_path / "relay.db")


async def test_a_change_that_fails_half_way_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(_: object) -> None:
        raise sqlite3.OperationalError("no more room")

    monkeypatch.setattr(migrations._migrations[-1], "fn", fails)
    with pytest.raises(StoreUnusable, match="no more room"):
        SqliteStore(path)

    assert steps(path) == {"first"}
    assert tags(path) == ["vip"]
    monkeypatch.undo()
    await opened(path)
    assert steps(path) == LATEST


def test_without_room_for_a_copy_nothing_is_changed(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrating, "_ROOM", 1e12)
    with pytest.raises(StoreUnusable, match="Make room, and start again"):
        SqliteStore(path)
    assert steps(path) == {"first"}


async def test_a_copy_goes_after_a_month(path: Path):
    await opened(path)
    [copy] = copies(path)
    month_ago = time.time() - migrating.KEPT
    os.utime(copy, (month_ago + 60, month_ago + 60))
    await opened(path)
    assert copies(path) == [copy]
    os.utime(copy, (month_ago - 60, month_ago - 60))
    await opened(path)
    assert not copies(path)


async def test_the_copy_put_back_is_known_as_one(path: Path):
    await opened(path)
    [copy] = copies(path)
    copy.replace(path)
    store = SqliteStore(path)
    assert await store.restored()
    await store.close()
    assert not verify(path).wrong


def before(path: Path, name: str) -> sqlite3.Connection:
    """A ledger as it was before this change of it."""
    connection = sqlite3.connect(path, isolation_level=None)
    migrations.apply(sqlite_utils.Database(connection), stop_before=name)
    return connection


async def test_verdicts_are_kept_where_their_table_changes(tmp_path: Path):
    path = tmp_path / "relay.db"
    with closing(before(path, "verdict_rows")) as connection:
        connection.execute("insert into verdicts values ('evt_1', 5, 'c', '[[\"A\", \"ran\", \"\", null, []]]')")
    store = SqliteStore(path)
    [verdict] = await store.verdicts("evt_1") or ()
    await store.close()
    assert (verdict.rule, verdict.word) == ("A", "ran")


async def test_long_verdicts_share_their_pages(tmp_path: Path):
    path = tmp_path / "relay.db"
    await opened(path)
    with closing(sqlite3.connect(path)) as connection:
        empty = connection.execute("pragma page_count").fetchone()[0]
        rows = ((f"evt_{n}", 5.0, "c", "v" * 1250) for n in range(100))
        with connection:
            connection.executemany("insert into verdicts (event, at, config, verdicts) values (?, ?, ?, ?)", rows)
        assert connection.execute("pragma page_count").fetchone()[0] - empty < 50
