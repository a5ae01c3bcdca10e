from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relay.errors import StoreBusy
from relay.intake import merge
from relay.models import Plan, Verdict
from relay.store.sqlite import SqliteStore, opening, writer
from relay.store.sqlite.writer import BATCH
from tests.patience import PATIENCE
from tests.store.ledger import accept, event, nothing_owed, plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.models import Event, Known

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.fixture
async def store(tmp_path: Path):
    opened = SqliteStore(tmp_path / "relay.db")
    yield opened
    await opened.close()


async def in_the_thread(store: SqliteStore, work: Callable[[sqlite3.Connection], Any]) -> Any:
    return await store._engine.run(work)


async def held_up(store: SqliteStore) -> tuple[asyncio.Task[Any], threading.Event]:
    """The ledger's thread at a standstill until the event is set, so that work gathers behind it."""
    begun, go = threading.Event(), threading.Event()

    def stand_still(connection: sqlite3.Connection) -> None:
        begun.set()
        go.wait(PATIENCE)

    blocker = asyncio.ensure_future(in_the_thread(store, stand_still))
    await asyncio.sleep(0)
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    return blocker, go


async def queued(store: SqliteStore, count: int) -> None:
    await until(lambda: store._engine._queue.qsize() >= count)


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


def modes_in(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


async def test_many_accepts_share_few_commits(store: SqliteStore):
    statements: list[str] = []
    await in_the_thread(store, lambda connection: connection.set_trace_callback(statements.append))
    blocker, go = await held_up(store)
    work = [asyncio.ensure_future(store.accept(event(f"call-{n}"), b"{}", merge)) for n in range(2 * BATCH)]
    await queued(store, 2 * BATCH)
    statements.clear()
    go.set()
    await asyncio.gather(blocker, *work)

    assert [said.casefold() for said in statements].count("commit") == 1 + 2
    assert (await store.totals())["events"] == 2 * BATCH


async def test_what_one_turn_of_the_loop_asks_for_is_handed_over_at_its_end(store: SqliteStore):
    blocker, go = await held_up(store)
    work = [asyncio.ensure_future(store.accept(event(f"call-{n}"), b"{}", merge)) for n in range(3)]
    await asyncio.sleep(0)  # each of them has begun
    assert store._engine._queue.qsize() == 0
    await asyncio.sleep(0)
    assert store._engine._queue.qsize() == len(work)
    go.set()
    await asyncio.gather(blocker, *work)


@pytest.mark.parametrize(("soon", "commits"), [(PATIENCE, 1), (0.0, 2)])
async def test_what_comes_while_others_are_at_work_shares_their_commit_unless_they_take_long(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, soon: float, commits: int
):
    """A lone webhook would else wait for a commit before its own, and everybody for whoever comes behind him."""
    monkeypatch.setattr(writer, "SOON", soon)
    statements: list[str] = []
    await in_the_thread(store, lambda connection: connection.set_trace_callback(statements.append))
    statements.clear()
    blocker, go = await held_up(store)
    late = [asyncio.ensure_future(store.accept(event(f"call-{n}"), b"{}", merge)) for n in range(3)]
    await queued(store, len(late))
    go.set()
    await asyncio.gather(blocker, *late)

    assert [said.casefold() for said in statements].count("commit") == commits
    assert (await store.totals())["events"] == 3


async def test_what_came_later_and_fails_undoes_nothing_of_those_whose_commit_it_shared(store: SqliteStore):
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("insert into tags values ('half', 'x', 1)")
        raise ZeroDivisionError

    begun, go = threading.Event(), threading.Event()

    def first(connection: sqlite3.Connection) -> str:
        connection.execute("insert into tags values ('first', 'x', 1)")
        begun.set()
        go.wait(PATIENCE)
        return "kept"

    early = asyncio.ensure_future(in_the_thread(store, first))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    late = asyncio.ensure_future(in_the_thread(store, half))
    await queued(store, 1)
    go.set()
    answers = await asyncio.gather(early, late, return_exceptions=True)

    assert (answers[0], type(answers[1])) == ("kept", ZeroDivisionError)
    assert await in_the_thread(store, lambda c: [row[0] for row in c.execute("select person from tags")]) == ["first"]


async def test_one_piece_of_work_that_fails_rolls_back_alone(store: SqliteStore):
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("insert into tags values ('half', 'x', 1)")
        raise ZeroDivisionError

    def no_such_table(connection: sqlite3.Connection) -> None:
        connection.execute("insert into tags values ('also half', 'x', 1)")
        connection.execute("select * from nowhere")

    def stop(connection: sqlite3.Connection) -> None:
        connection.execute("insert into tags values ('half too', 'x', 1)")
        raise StopIteration

    blocker, go = await held_up(store)
    work = [
        asyncio.ensure_future(one)
        for one in (
            store.accept(event("call-1"), b"{}", merge),
            in_the_thread(store, half),
            in_the_thread(store, no_such_table),
            in_the_thread(store, stop),
            store.accept(event("call-2"), b"{}", merge),
        )
    ]
    await queued(store, len(work))
    go.set()
    await blocker
    answers = await asyncio.gather(*work, return_exceptions=True)

    assert [type(answer).__name__ for answer in answers] == [
        "Accepted",
        "ZeroDivisionError",
        "OperationalError",
        "RuntimeError",
        "Accepted",
    ]
    assert (await store.totals())["events"] == 2
    assert await in_the_thread(store, lambda c: c.execute("select count(*) from tags").fetchone()[0]) == 0
    assert store.broken is None


async def test_a_full_disk_refuses_keeps_what_was_acknowledged_and_recovers(store: SqliteStore):
    pages = await in_the_thread(store, lambda c: c.execute("pragma page_count").fetchone()[0])
    await in_the_thread(store, lambda c: c.execute(f"pragma max_page_count = {pages + 20}"))
    acknowledged, refused = [], []
    for number in range(40):
        try:
            acknowledged.append((await store.accept(event(f"call-{number}"), b"x" * 5000, merge)).event)
        except StoreBusy as error:
            refused.append(str(error))
    await in_the_thread(store, lambda c: c.execute("pragma max_page_count = 100000"))
    again = await store.accept(event("call-39"), b"x" * 5000, merge)

    assert acknowledged
    assert len(refused) > 10
    assert all("full" in said for said in refused)
    assert not again.duplicate
    assert [one.id for one in reversed(await store.events(limit=99))] == [*acknowledged, again.event]
    assert await in_the_thread(store, lambda c: c.execute("pragma integrity_check").fetchone()[0]) == "ok"
    assert store.broken is None


async def test_a_disk_that_fails_is_never_trusted_again(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    await accept(store, event("kept"))
    blocker, go = await held_up(store)
    work = [asyncio.ensure_future(store.accept(event(f"call-{n}"), b"x" * 900, merge)) for n in range(BATCH)]
    work.append(asyncio.ensure_future(in_the_thread(store, lambda _: "in the next transaction")))
    await queued(store, BATCH + 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "relay.db-wal").stat().st_size, before[1]))
    try:
        go.set()
        answers = await asyncio.gather(blocker, *work, return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(StoreBusy, match="must be started again"):
        await store.accept(event("after"), b"{}", merge)

    assert {type(answer) for answer in answers[1:]} == {StoreBusy}
    assert "I/O" in (store.broken or "")
    assert [one.key for one in await store.events(limit=9)] == ["kept"]
    await store.close()
    later = SqliteStore(tmp_path / "relay.db")
    assert [one.key for one in await later.events(limit=9)] == ["kept"]
    await later.close()


async def test_a_damaged_file_is_never_trusted_again(store: SqliteStore):
    def damaged(connection: sqlite3.Connection) -> None:
        connection.execute("pragma writable_schema = on")
        connection.execute("update sqlite_master set rootpage = 9999 where name = 'tags'")
        connection.execute("pragma schema_version = 4711")
        connection.execute("insert into tags values ('x', 'y', 1)")

    with pytest.raises(StoreBusy):
        await in_the_thread(store, damaged)

    assert "malformed" in (store.broken or "")


async def test_a_fault_of_the_ledger_is_never_taken_for_a_fault_of_a_rule(store: SqliteStore):
    def decide(event: Event, known: Known) -> Plan:
        known._connection.set_progress_handler(lambda: 1, 1)
        try:
            known.caller()
        except sqlite3.Error as error:
            return Plan((Verdict("Log", "error", str(error)),))
        finally:
            known._connection.set_progress_handler(None, 1)
        raise AssertionError("reading did not fail")

    arrived = event()
    await accept(store, arrived)
    with pytest.raises(StoreBusy):
        await plan(store, decide)

    assert await store.verdicts(arrived.id) is None
    assert await plan(store, nothing_owed) == 1


async def test_closing_finishes_what_waits_and_takes_nothing_new(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    blocker, go = await held_up(store)
    work = [asyncio.ensure_future(store.accept(event(f"call-{n}"), b"{}", merge)) for n in range(BATCH + 50)]
    await queued(store, BATCH + 50)
    closing = [asyncio.ensure_future(store.close()) for _ in range(2)]
    await until(lambda: store._engine._closing)
    with pytest.raises(StoreBusy, match="closing"):
        await store.accept(event("too late"), b"{}", merge)
    go.set()
    await asyncio.gather(blocker, *work, *closing)
    with pytest.raises(StoreBusy, match="closed"):
        await store.events(limit=1)

    assert set(modes_in(tmp_path)) == {"relay.db", "relay.db.lock", "relay.db.generation"}
    later = SqliteStore(tmp_path / "relay.db")
    assert (await later.totals())["events"] == BATCH + 50
    await later.close()


async def test_two_who_close_at_once_leave_an_emptied_log_behind(tmp_path: Path):
    store = SqliteStore(tmp_path / "relay.db")
    go = threading.Event()
    reading = asyncio.ensure_future(store._read(lambda _: go.wait()))
    closing = [asyncio.ensure_future(store.close()) for _ in range(2)]
    await asyncio.wait(closing, timeout=0.1)
    go.set()
    await asyncio.gather(reading, *closing)

    assert set(modes_in(tmp_path)) == {"relay.db", "relay.db.lock", "relay.db.generation"}


async def test_a_caller_that_goes_away_does_not_undo_its_event(store: SqliteStore):
    blocker, go = await held_up(store)
    work = asyncio.ensure_future(store.accept(event(), b"{}", merge))
    await queued(store, 1)
    work.cancel()
    go.set()
    await blocker
    await in_the_thread(store, lambda _: None)

    assert (await store.totals())["events"] == 1


async def test_every_commit_reaches_the_disk_before_it_is_answered(store: SqliteStore):
    def pragma(name: str) -> Any:
        return in_the_thread(store, lambda connection: connection.execute(f"pragma {name}").fetchone()[0])

    said = {name: await pragma(name) for name in ("synchronous", "journal_mode", "foreign_keys", "trusted_schema")}
    assert said == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "trusted_schema": 0}


async def test_the_ledger_is_for_its_owners_eyes_only(tmp_path: Path):
    before = os.umask(0o022)
    try:
        (tmp_path / "relay.db").touch(0o644)
        store = SqliteStore(tmp_path / "relay.db")
        await accept(store, event())
        modes = modes_in(tmp_path)
        await store.close()
    finally:
        os.umask(before)

    names = ("relay.db", "relay.db-wal", "relay.db-shm", "relay.db.lock", "relay.db.generation")
    assert modes == dict.fromkeys(names, 0o600)


def acknowledged_until_killed(path: Path, dice: random.Random) -> list[str]:
    """What a process acknowledged that was killed again and again while it accepted events."""
    acknowledged: list[str] = []
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests/store/victim.py"), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as victim:
        for life in range(KILLS):
            victim.stdin.write(f"{life}\n")
            child = int(victim.stdout.readline())
            acknowledged += [victim.stdout.readline().strip() for _ in range(dice.randint(1, 60))]
            os.kill(child, signal.SIGKILL)
            while (line := victim.stdout.readline().strip()) != "gone":
                acknowledged.append(line)
        victim.stdin.close()
    return acknowledged


async def test_kill_9_in_the_middle_loses_no_acknowledged_event(tmp_path: Path):
    path = tmp_path / "relay.db"
    dice = random.Random(7)  # noqa: S311 - the same kills in every run
    acknowledged = await asyncio.to_thread(acknowledged_until_killed, path, dice)
    store = SqliteStore(path)
    kept = {one.id for one in await store.events(limit=1_000_000)}
    sound = await in_the_thread(store, lambda c: c.execute("pragma integrity_check").fetchone()[0])
    await store.close()

    assert len(acknowledged) > KILLS
    assert set(acknowledged) <= kept
    assert sound == "ok"


async def test_somebody_else_who_writes_is_waited_for_and_then_refused_without_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    store = SqliteStore(tmp_path / "relay.db")
    other = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreBusy, match="locked"):
        await store.accept(event("call-1"), b"{}", merge)
    other.execute("rollback")
    other.close()

    assert store.broken is None
    assert not (await store.accept(event("call-1"), b"{}", merge)).duplicate
    await store.close()
