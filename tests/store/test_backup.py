"""A copy of a ledger in use: whole, sound, proved; and a ledger that is put back is known for one."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from relay.errors import StoreBusy, StoreUnusable
from relay.models import State
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.backup import back_up, verify
from relay.store.sqlite.generation import take_over
from relay.store.sqlite.patience import within
from tests.store.ledger import (
    NOW,
    accept,
    begin,
    by_name,
    claimed,
    event,
    judged,
    nobody_waits,
    owe,
    owed,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.models import Delivery
    from relay.store import Run

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n"


@pytest.fixture
async def store(tmp_path: Path):
    opened = SqliteStore(tmp_path / "relay.db")
    yield opened
    await opened.close()


def put_back(copy: Path, folder: Path) -> Path:
    folder.mkdir()
    return shutil.copy(copy, folder / "relay.db")


async def test_a_copy_of_a_ledger_in_use_holds_what_is_still_in_its_log(store: SqliteStore, tmp_path: Path):
    await owe(store, owed("d1"), owed("d2", step=1))
    copy = back_up(store.path, tmp_path / "copies", NOW)

    assert copy.file.name == "relay-20260302T160000.000Z.db"
    assert (copy.events, copy.deliveries, copy.wrong) == (1, 2, ())
    assert sorted(path.name for path in copy.file.parent.iterdir()) == [copy.file.name, f"{copy.file.name}.sha256"]
    assert {path.stat().st_mode & 0o777 for path in copy.file.parent.iterdir()} == {0o600}
    assert copy.sha256 == hashlib.sha256(copy.file.read_bytes()).hexdigest()
    assert verify(copy.file) == copy
    assert len(list(copy.file.parent.iterdir())) == 2


async def test_two_copies_of_one_moment_do_not_overwrite_each_other(store: SqliteStore, tmp_path: Path):
    first = back_up(store.path, tmp_path, NOW)
    with pytest.raises(FileExistsError):
        back_up(store.path, tmp_path, NOW)

    assert verify(first.file) == first


async def test_a_copy_that_changed_since_is_found_out(store: SqliteStore, tmp_path: Path):
    await owe(store, owed("d1"))
    copy = back_up(store.path, tmp_path / "copies", NOW).file
    with sqlite3.connect(copy) as connection:
        connection.execute("drop trigger count_gone")
        connection.execute("delete from events")
    connection.close()
    found = verify(copy).wrong

    assert found[0] == f"it is not what {copy.name}.sha256 says it was"
    assert found[1:] == ("1 events should be there, and 0 are",)


async def test_a_damaged_copy_is_found_out(store: SqliteStore, tmp_path: Path):
    await accept(store, *(event(f"call-{n}", notes="x" * 3000) for n in range(200)))
    copy = back_up(store.path, tmp_path / "copies", NOW).file
    with copy.open("r+b") as file:
        file.seek(copy.stat().st_size // 2)
        file.write(b"\xff" * 8192)

    assert len(verify(copy).wrong) > 1


async def test_a_copy_that_is_put_back_holds_its_texts(store: SqliteStore, tmp_path: Path):
    copy = back_up(store.path, tmp_path / "copies", NOW).file
    again = SqliteStore(put_back(copy, tmp_path / "elsewhere"))
    assert await again.restored()
    await again.close()
    later = SqliteStore(again.path)
    assert await later.restored()
    await later.texts_after_restore(nobody_waits, now=NOW)
    assert not await later.restored()
    await later.close()
    assert not await store.restored()


async def test_an_older_state_of_the_file_itself_is_known_for_one(tmp_path: Path):
    path = tmp_path / "relay.db"
    await SqliteStore(path).close()
    shutil.copy(path, tmp_path / "yesterday.db")
    await SqliteStore(path).close()
    shutil.copy(tmp_path / "yesterday.db", path)
    store = SqliteStore(path)

    assert await store.restored()
    await store.close()


async def test_a_crash_while_the_ledger_is_named_is_no_restore(tmp_path: Path):
    path = tmp_path / "relay.db"
    await SqliteStore(path).close()

    class Crash(sqlite3.Connection):
        statement = ""

        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            if sql == self.statement:
                raise OSError
            return super().execute(sql, *values)

    for statement in ("begin immediate", "commit"):
        connection = sqlite3.connect(path, factory=Crash, isolation_level=None)
        connection.row_factory, connection.statement = sqlite3.Row, statement
        with pytest.raises(OSError):  # noqa: PT011 - the crash itself
            take_over(connection, path)
        connection.close()
        store = SqliteStore(path)
        assert not await store.restored()
        await store.close()


async def test_texts_that_the_copy_owed_never_go_and_later_ones_do(store: SqliteStore, tmp_path: Path):
    await owe(store, text("t1"), owed("d1", step=1, run="run of t1", state=State.WAITING, due_at=None))
    copy = back_up(store.path, tmp_path / "copies", NOW).file
    again = SqliteStore(put_back(copy, tmp_path / "elsewhere"))
    await owe(again, text("t2"), now=NOW + 60)

    def follow(run: Run) -> Sequence[Delivery]:
        return [run.deliveries[1].moved(State.CANCELLED)] if len(run.deliveries) > 1 else ()

    assert await again.texts_after_restore(follow, now=NOW) == 1
    assert (await by_name(again, "t1")).state is State.SUPPRESSED
    assert "copy that was put back" in (await by_name(again, "t1")).reason
    assert (await by_name(again, "d1")).state is State.CANCELLED
    (one,) = await claimed(again, "callscaler", now=NOW + 60)
    assert (await begin(again, one, judged(State.SENDING))).id == "t2"
    await again.close()


async def test_a_file_that_could_not_shrink_is_written_anew_once(tmp_path: Path):
    path = tmp_path / "relay.db"
    store = SqliteStore(path)
    await accept(store, event())
    await store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma auto_vacuum = none")
    connection.execute("vacuum")
    assert connection.execute("pragma auto_vacuum").fetchone() == (0,)
    connection.close()
    store = SqliteStore(path)
    assert (await store.totals())["events"] == 1
    await store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("pragma auto_vacuum").fetchone() == (2,)
    connection.close()


async def test_a_reading_that_takes_too_long_is_broken_off_and_the_next_one_answered(store: SqliteStore):
    connection = sqlite3.connect(store.path)
    with pytest.raises(StoreBusy, match="took longer than 0 s"):
        within(0.0, connection, lambda asked: asked.execute(ENDLESS).fetchone())
    assert within(5.0, connection, lambda asked: asked.execute("select 1").fetchone()) == (1,)
    connection.close()


async def test_no_copy_is_left_where_there_is_no_ledger(tmp_path: Path):
    with pytest.raises(StoreUnusable, match="no ledger"):
        back_up(tmp_path / "relay.db", tmp_path / "copies", NOW)

    assert list((tmp_path / "copies").iterdir()) == []
