"""Only what holds nothing is zeroed in a file of SQLite's, and all of that."""

from __future__ import annotations

import random
import sqlite3
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from relay.errors import StoreUnusable
from relay.store.sqlite.scrubbing import Scrubber, pages_of_log

if TYPE_CHECKING:
    from pathlib import Path


def filled(path: Path, *, page: int, seed: int) -> None:
    """A file in which rows of all sizes came and went; what went said `gone`."""
    dice = random.Random(seed)  # noqa: S311 - chance, no secret
    with closing(sqlite3.connect(path, isolation_level=None)) as it:
        it.executescript(
            f"pragma page_size = {page}; pragma auto_vacuum = incremental; pragma journal_mode = wal;"
            "pragma secure_delete = on; create table words (id integer primary key, name text, said text);"
            "create index by_name on words (name);"
            "create table keyed (a text, b text, primary key (a, b)) without rowid;"
        )
        it.execute("begin")
        for nth in range(3000):
            word = "gone" if nth % 3 else "here"
            said = word * dice.randrange(1, 40 if nth % 50 else 5000)
            it.execute("insert into words values (?, ?, ?)", (dice.getrandbits(40), f"{dice.random()} {word}", said))
            it.execute("insert into keyed values (?, ?)", (f"{dice.random()}", word * dice.randrange(1, 20)))
        it.execute("delete from words where said like 'gone%'")
        it.execute("delete from keyed where b like 'gone%'")
        it.execute("commit")
        it.execute("pragma wal_checkpoint(truncate)")


def dumped(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as it:
        assert it.execute("pragma integrity_check").fetchall() == [("ok",)]
        return list(it.iterdump())


@pytest.mark.parametrize("page", [512, 1024, 4096, 65536])
def test_everything_that_is_there_stays_and_nothing_else_is_left(tmp_path: Path, page: int):
    path = tmp_path / "file.db"
    filled(path, page=page, seed=page)
    before = dumped(path)
    scrubber = Scrubber(path)
    pages = scrubber.pages()
    assert sum(scrubber.sweep(first, 7) for first in range(1, pages + 1, 7)) > 0
    scrubber.flush()
    assert sum(scrubber.sweep(first, 100) for first in range(1, pages + 1, 100)) == 0
    scrubber.close()
    assert b"gone" not in path.read_bytes()
    assert dumped(path) == before


def test_the_page_of_locks_and_the_maps_themselves_are_left_alone(tmp_path: Path):
    path = tmp_path / "file.db"
    filled(path, page=1024, seed=1)
    lock = 2**30 // 1024 + 1  # with this size of page a map would fall on it, and moves one further
    with path.open("r+b") as file:
        file.truncate((lock + 9) * 1024)
        for page in (lock, lock + 1):
            file.seek((page - 1) * 1024)
            file.write(b"\x05" * 1024)
    scrubber = Scrubber(path)
    assert scrubber.sweep(lock, 2) == 0
    with pytest.raises(StoreUnusable, match="not what its map says"):
        scrubber.sweep(lock + 2, 1)
    scrubber.close()


@pytest.mark.parametrize("head", [b"\x01", struct.pack(">BHHH", 13, 0, 9999, 50), struct.pack(">BHHH", 13, 7, 0, 4096)])
def test_a_page_that_is_none_is_never_written(tmp_path: Path, head: bytes):
    path = tmp_path / "file.db"
    filled(path, page=4096, seed=2)
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(head.ljust(8, b"\0"))
    before = path.read_bytes()
    scrubber = Scrubber(path)
    with pytest.raises(StoreUnusable):
        scrubber.sweep(3, 1)
    scrubber.close()
    assert path.read_bytes() == before


def test_the_log_tells_which_pages_were_written(tmp_path: Path):
    path = tmp_path / "file.db"
    assert pages_of_log(path) == frozenset()
    with closing(sqlite3.connect(path, isolation_level=None)) as it:
        it.executescript("pragma auto_vacuum = incremental; pragma journal_mode = wal; create table a (b);")
        it.execute("pragma wal_checkpoint(truncate)")
        assert pages_of_log(path) == frozenset()
        it.execute("insert into a values (1)")
        assert pages_of_log(path) == {3}
