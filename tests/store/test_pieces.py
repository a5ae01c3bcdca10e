from __future__ import annotations

import sqlite3
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from relay.store.sqlite.connection import FileConnection
from relay.store.sqlite.pieces import Piece, neighbours, only, run_apart, run_straight

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


def pieces(*works: Callable[[FileConnection], Any]) -> list[Piece]:
    return [Piece(work) for work in works]


def shared(*names: str) -> list[Piece]:
    return [Piece(partial(only, keep_all, name), keep_all, name) for name in names]


def test_neighbours_are_those_that_can_be_done_together_and_no_more_than_that():
    alone, together = pieces(keep("a"), keep("b")), shared("c", "d", "e")
    waiting = deque([*alone, *together, *pieces(keep("f"))])
    groups = []
    while group := neighbours(waiting, 2):
        groups.append(len(group))
    assert groups == [1, 1, 2, 1, 1]


@pytest.mark.parametrize("batch", [pieces(keep("a")), shared("a"), shared("a", "b")])
def test_while_none_fails_there_is_no_savepoint(connection: FileConnection, batch: list[Piece]):
    said: list[str] = []
    connection.set_trace_callback(said.append)
    assert run_straight(connection, batch)

    assert [piece.result for piece in batch] == ["a", "b"][: len(batch)]
    assert [statement.split()[0] for statement in said] == ["insert"] * len(batch)


def test_of_several_of_which_one_fails_the_others_are_kept(connection: FileConnection):
    batch = [*pieces(keep("a"), fail), *shared("b", "a", "c")]
    assert [run_straight(connection, some) for some in (batch[:1], batch[1:2])] == [True, False]
    connection.execute("rollback")
    connection.execute("begin")
    run_apart(connection, batch)

    assert [type(piece.error) for piece in batch] == [
        type(None),
        ZeroDivisionError,
        type(None),
        sqlite3.IntegrityError,
        type(None),
    ]
    assert kept(connection) == ["a", "b", "c"]


def test_a_piece_that_failed_once_and_then_went_well_has_its_result_and_no_error(connection: FileConnection):
    tries: list[int] = []

    def at_last(connection: FileConnection) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError
        return "well"

    (piece,) = pieces(at_last)
    run_apart(connection, [piece])
    assert isinstance(piece.error, ZeroDivisionError)
    assert run_straight(connection, [piece])
    assert (piece.result, piece.error) == ("well", None)


@pytest.mark.parametrize("run", [run_straight, run_apart])
def test_a_fault_of_the_disk_is_nobodys_own(connection: FileConnection, run: Callable[..., bool]):
    def refused(connection: FileConnection) -> None:
        connection.execute("pragma query_only = on")
        keep("never")(connection)

    with pytest.raises(sqlite3.OperationalError):
        run(connection, pieces(refused))
