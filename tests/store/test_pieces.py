from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from relay.store.sqlite.connection import FileConnection
from relay.store.sqlite.pieces import Piece, only, run_apart, run_straight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[FileConnection]:
    opened = sqlite3.connect(tmp_path / "one.db", factory=FileConnection, isolation_level=None)
    opened.execute("create table kept (name text primary key)")
    opened.execute("begin")
    yield opened
    opened.close()


def keep(name: str) -> Callable[[FileConnection], str]:
    def work(connection: FileConnection) -> str:
        connection.execute("insert into kept values (?)", (name,))
        return name

    return work


def keep_all(connection: FileConnection, names: Sequence[str]) -> list[str]:
    return [keep(name)(connection) for name in names]


def fail(connection: FileConnection) -> None:
    keep("half")(connection)
    raise ZeroDivisionError


def kept(connection: FileConnection) -> list[str]:
    return [name for (name,) in connection.execute("select name from kept order by name")]


async def pieces(*works: Callable[[FileConnection], Any]) -> list[Piece]:
    loop = asyncio.get_running_loop()
    return [Piece(work, loop.create_future(), loop) for work in works]


async def shared(*names: str) -> list[Piece]:
    loop = asyncio.get_running_loop()
    return [Piece(lambda c, n=name: only(keep_all, n, c), loop.create_future(), loop, keep_all, name) for name in names]


async def test_while_none_fails_there_is_no_savepoint(connection: FileConnection):
    said: list[str] = []
    connection.set_trace_callback(said.append)
    batch = [*await pieces(keep("a")), *await shared("b", "c")]
    assert run_straight(connection, batch)

    assert [piece.result for piece in batch] == ["a", "b", "c"]
    assert [statement.split()[0] for statement in said] == ["insert"] * 3


async def test_of_several_of_which_one_fails_the_others_are_kept(connection: FileConnection):
    batch = [*await pieces(keep("a"), fail), *await shared("b", "a", "c")]
    assert not run_straight(connection, batch)
    connection.execute("rollback")
    connection.execute("begin")
    assert run_apart(connection, batch)

    assert [type(piece.error) for piece in batch] == [
        type(None),
        ZeroDivisionError,
        type(None),
        sqlite3.IntegrityError,
        type(None),
    ]
    assert kept(connection) == ["a", "b", "c"]


async def test_a_piece_that_failed_once_and_then_went_well_is_answered_with_its_result(connection: FileConnection):
    tries: list[int] = []

    def at_last(connection: FileConnection) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError
        return "well"

    (piece,) = await pieces(at_last)
    run_apart(connection, [piece])
    assert isinstance(piece.error, ZeroDivisionError)
    assert run_straight(connection, [piece])
    piece.answer()
    assert await piece.future == "well"


@pytest.mark.parametrize("run", [run_straight, run_apart])
async def test_a_fault_of_the_disk_is_nobodys_own(connection: FileConnection, run: Callable[..., bool]):
    def refused(connection: FileConnection) -> None:
        connection.execute("pragma query_only = on")
        keep("never")(connection)

    with pytest.raises(sqlite3.OperationalError):
        run(connection, await pieces(refused))
