"""The ledger written by a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relay.errors import StoreBusy, StoreHeld, StoreUnusable
from relay.intake import merge
from relay.store import Decider, lasting
from relay.store.sqlite import SqliteStore, apart, file, writer
from relay.store.sqlite.apart import Apart
from tests.patience import PATIENCE
from tests.store.ledger import event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

ROOT = Path(__file__).parents[2]
ALONE = """
import sys
from pathlib import Path
from relay.store.sqlite.apart import Apart

apart = Apart(Path(sys.argv[1]))
apart.wait()
print(apart.process, flush=True)
sys.stdin.read()
"""

IGNORED = """
import asyncio, os, signal, sys
from pathlib import Path

from relay.errors import StoreBusy
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.apart import Apart

signal.signal(signal.SIGCHLD, signal.SIG_IGN)


async def main(how):
    apart = Apart(Path(sys.argv[1]))
    store = SqliteStore(Path(sys.argv[1]), apart=apart)
    if how == "kill":
        os.kill(apart.process, signal.SIGKILL)
        try:
            await store.mark("x")
        except StoreBusy as error:
            print(error)
    await store.close()


asyncio.run(main(sys.argv[2]))
"""


class Elsewhere:
    """Can be read in no process but the one that made it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return at_home, (os.getpid(),)


def at_home(process: int) -> Elsewhere:
    if process != os.getpid():
        raise ValueError("this is not where it was made")
    return Elsewhere()


def touch(connection: sqlite3.Connection, file: Path) -> None:
    file.touch()


def made_there(connection: sqlite3.Connection) -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path, apart=Apart(path))
    yield opened
    await opened.close()


def process_of(store: SqliteStore) -> int:
    assert isinstance(store._engine, Apart)
    return store._engine.process


def lives(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def the_process(connection: sqlite3.Connection) -> int:
    return os.getpid()


def tag(connection: sqlite3.Connection, name: str) -> str:
    connection.execute("insert into tags values (?, 'x', 1)", (name,))
    return name


def half(connection: sqlite3.Connection) -> None:
    tag(connection, "half")
    raise ZeroDivisionError("by nothing")


def tags(connection: sqlite3.Connection) -> list[str]:
    return [str(row[0]) for row in connection.execute("select person from tags order by person")]


def uncarried(connection: sqlite3.Connection) -> object:
    tag(connection, "uncarried")
    return lambda: None


class Stubborn(Exception):
    """An error that cannot be made again from what it says."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}")


def stubborn(connection: sqlite3.Connection) -> None:
    raise Stubborn("one", "other")


def several(connection: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    return [f"{tag(connection, name)} of {len(names)}" for name in names]


@lasting
@dataclass(frozen=True)
class Law:
    """What decisions hang on."""

    words: tuple[str, ...]


@dataclass(eq=False)
class Deciding(Decider):
    law: Law
    notes: list[str] = field(default_factory=list)

    def __call__(self, word: str) -> bool:
        self.notes = [f"{word} was looked up by {os.getpid()}"]
        return word in self.law.words


def decide(connection: sqlite3.Connection, decide: Deciding, word: str) -> tuple[bool, int]:
    return decide(word), id(decide.law)


async def test_another_process_writes_and_lets_go_of_the_file_at_the_end(path: Path):
    store = SqliteStore(path, apart=Apart(path))
    process = process_of(store)
    assert await store._engine.run(the_process) == process != os.getpid()
    assert path.with_name("relay.db.lock").read_text() == str(os.getpid())
    accepted = await asyncio.gather(*(store.accept(event(f"call-{n}"), b"{}", merge) for n in range(50)))
    assert (await store.totals())["events"] == len({one.event for one in accepted}) == 50
    await store.close()
    assert not lives(process)

    again = SqliteStore(path)
    assert (await again.totals())["events"] == 50
    await again.close()


async def test_what_waits_is_written_down_before_the_end(path: Path):
    store = SqliteStore(path, apart=Apart(path))
    work = [asyncio.ensure_future(store._engine.run(partial(tag, name=f"{n}"))) for n in range(40)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    assert [await one for one in work] == [f"{n}" for n in range(40)]
    with pytest.raises(StoreBusy, match="closing"):
        await store._engine.run(tags)


async def test_a_piece_that_fails_is_undone_alone_and_says_where_it_failed(store: SqliteStore):
    told = await asyncio.gather(
        *(store._engine.run(work) for work in (partial(tag, name="before"), half, partial(tag, name="behind"))),
        return_exceptions=True,
    )
    assert [told[0], told[2]] == ["before", "behind"]
    assert isinstance(told[1], ZeroDivisionError)
    assert "in half" in told[1].__notes__[0]
    assert await store._engine.run(tags) == ["before", "behind"]


async def test_an_error_that_cannot_be_made_again_is_told_in_words(store: SqliteStore):
    with pytest.raises(RuntimeError, match="Stubborn: one other"):
        await store._engine.run(stubborn)


async def test_what_cannot_be_carried_is_refused_and_harms_nothing_beside_it(store: SqliteStore):
    beside = asyncio.ensure_future(store._engine.run(partial(tag, name="beside")))
    with pytest.raises(Exception, match="pickle"):
        await store._engine.run(lambda _: None)
    assert await beside == "beside"


async def test_an_answer_that_cannot_be_carried_says_that_the_work_is_done(store: SqliteStore):
    beside = asyncio.ensure_future(store._engine.run(partial(tag, name="beside")))
    with pytest.raises(RuntimeError, match="it was done, and what came of it cannot be carried"):
        await store._engine.run(uncarried)
    assert await beside == "beside"
    assert await store._engine.run(tags) == ["beside", "uncarried"]


async def test_neighbours_are_done_in_one(store: SqliteStore):
    told = await asyncio.gather(*(store._engine.run_together(several, name) for name in "abc"))
    assert told == ["a of 3", "b of 3", "c of 3"]


async def test_what_a_decision_notes_comes_back_and_what_it_hangs_on_is_carried_once(store: SqliteStore):
    law = Law(("yes", "maybe") * 1000)
    first, second = Deciding(law), Deciding(law)
    came = [
        await store._engine.run(partial(decide, decide=one, word=word))
        for one, word in ((first, "yes"), (second, "no"))
    ]
    assert [answer for answer, _ in came] == [True, False]
    assert len({where for _, where in came}) == 1
    assert first.notes == [f"yes was looked up by {process_of(store)}"]
    assert second.notes == [f"no was looked up by {process_of(store)}"]


async def test_what_cannot_be_read_there_is_refused_and_what_it_hung_on_is_told_again(store: SqliteStore):
    law = Law(("yes", "maybe"))
    with pytest.raises(ValueError, match="not where it was made"):
        await store._engine.run(partial(decide, word=Elsewhere(), decide=Deciding(law)))
    assert (await store._engine.run(partial(decide, decide=Deciding(law), word="yes")))[0]


async def test_once_an_answer_cannot_be_read_nobody_gets_another_s(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "BATCH", 1)  # an answer each
    monkeypatch.setattr(apart, "CHUNK", 64)  # which are not all read at once
    store = SqliteStore(path, apart=Apart(path))
    works = (made_there, partial(tag, name="a"), partial(tag, name="b"), partial(touch, file=path.with_name("done")))
    work = [asyncio.ensure_future(store._engine.run(one)) for one in works]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    end = time.monotonic() + PATIENCE
    while not path.with_name("done").exists():  # the loop reads nothing before all are answered
        assert time.monotonic() < end
    told = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), PATIENCE)
    assert [type(one) for one in told] == [StoreBusy] * 4
    assert "stops and must be started again" in str(store.broken)
    await store.close()


@pytest.mark.parametrize(("how", "said"), [("kill", "the process that writes the ledger ended"), ("close", "")])
def test_a_relay_that_is_to_ignore_its_children_sees_the_end_of_this_one(path: Path, how: str, said: str):
    done = subprocess.run(
        [sys.executable, "-c", IGNORED, str(path), how],
        capture_output=True, text=True, check=True, cwd=ROOT, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stdout.startswith(said)
    assert bool(done.stdout) == bool(said)


async def test_while_it_answers_nobody_nothing_new_is_taken_in(store: SqliteStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file, "SILENT", 0.0)
    await store.accept(event("before"), b"{}", merge)
    assert store.strained is None
    os.kill(process_of(store), signal.SIGSTOP)
    waiting = asyncio.ensure_future(store.accept(event("first"), b"{}", merge))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "has not answered for 0 s" in str(store.strained)
    with pytest.raises(StoreBusy, match="has not answered"):
        await store.accept(event("second"), b"{}", merge)
    os.kill(process_of(store), signal.SIGCONT)
    assert (await waiting).duplicate is False
    assert store.strained is None


async def test_much_at_once_goes_both_ways(store: SqliteStore):
    body = os.urandom(5_000_000)
    await asyncio.gather(*(store.accept(event(f"call-{n}"), body, merge) for n in range(4)))
    rows = await asyncio.gather(*(store._engine.run(partial(body_of, n=n)) for n in range(4)))
    assert rows == [body] * 4


def body_of(connection: sqlite3.Connection, n: int) -> bytes:
    return bytes(connection.execute("select body from events where key = ?", (f"call-{n}",)).fetchone()[0])


async def test_once_the_process_is_gone_all_is_refused_and_the_reason_told(store: SqliteStore):
    process = process_of(store)
    os.kill(process, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(store._engine.run(tags)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    os.kill(process, signal.SIGKILL)
    told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert [type(one) for one in told] == [StoreBusy] * 3
    assert "was ended by SIGKILL; the relay stops" in str(told[0])
    assert store.broken == str(told[0])
    with pytest.raises(StoreBusy, match="SIGKILL"):
        await store._engine.run(tags)
    assert not lives(process)


async def test_a_signal_to_the_whole_group_is_for_the_relay_alone(store: SqliteStore):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process_of(store), number)
        assert await store._engine.run(the_process) == process_of(store)


async def test_the_process_ends_when_the_relay_is_killed(path: Path, until: Any):
    alone = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ALONE, str(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert alone.stdout is not None
    process = int(await asyncio.wait_for(alone.stdout.readline(), PATIENCE))
    os.kill(process, signal.SIGSTOP)  # it could not even see that nobody is there any more
    alone.kill()
    await alone.wait()
    await until(lambda: not lives(process))
    again = SqliteStore(path)
    await again.close()


def test_a_file_that_cannot_be_opened_is_told_as_always(path: Path):
    path.write_bytes(b"not a database" * 100)
    opening = Apart(path)
    with pytest.raises(StoreUnusable, match="no ledger, or it is damaged"):
        SqliteStore(path, apart=opening)
    assert not lives(opening.process)


async def test_a_held_ledger_names_its_holder(path: Path):
    holder = SqliteStore(path)
    with pytest.raises(StoreHeld, match=f"process {os.getpid()}") as refused:
        SqliteStore(path, apart=Apart(path))
    assert refused.value.process == str(os.getpid())
    await holder.close()


async def test_a_process_that_dies_while_opening_is_told(path: Path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("create table t (a)")
        somebody.execute("begin exclusive")  # so that it waits
        opening = Apart(path)
        os.kill(opening.process, signal.SIGKILL)
        with pytest.raises(StoreUnusable, match=r"process that was to write the ledger .* was ended by SIGKILL"):
            SqliteStore(path, apart=opening)


async def test_a_handful_is_handed_over_before_the_turn_of_the_loop_is_over(store: SqliteStore):
    asked = store._engine
    assert isinstance(asked, Apart)
    work = [asyncio.ensure_future(asked.run(tags)) for _ in range(Apart.handful + 3)]
    await asyncio.sleep(0)  # each of them has begun
    assert len(asked._waiting) == Apart.handful
    await asyncio.gather(*work)


async def test_a_store_says_what_it_could_not_carry(store: SqliteStore):
    assert store.unfit([Law(("yes",))]) is None
    assert "lambda" in str(store.unfit([lambda: None]))
    assert SqliteStore(None).unfit([lambda: None]) is None
