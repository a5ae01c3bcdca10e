"""Zeros where pages of the ledger's file hold nothing: `secure_delete` misses copies of what once moved on a page.

SQLite zeroes what it deletes and whole pages that it frees, but when it spreads rows over neighbouring pages, the room
between a page's list of cells and its cells keeps what stood there. VACUUM would write the whole file twice while
everybody waits; here only that room is written, in place, where SQLite never reads.
Source: https://sqlite.org/fileformat2.html (1.6 b-tree pages, 1.8 pointer map pages).
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from relay.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = 100
"""Bytes of page 1 before its own b-tree."""
_FIXED = {2: 12, 5: 12, 10: 8, 13: 8}
"""Bytes before the list of cells, by the kind of a b-tree page."""
_ROOT, _NODE = 1, 5
"""What the map of pages calls b-tree pages."""
_LOCK_BYTE = 2**30
_FRAME, _LOG_HEADER = 24, 32


class Scrubber:
    """A ledger's file, opened beside SQLite's own connections.

    It must stay open for as long as they do: closing any descriptor of a file drops the locks of the whole process.
    """

    def __init__(self, path: Path) -> None:
        """The file must tell its b-tree pages, as it does with `auto_vacuum`.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def pages(self) -> int:
        """How many there are."""
        return os.fstat(self._file).st_size // self._layout()[0]

    def sweep(self, first: int, count: int) -> int:
        """Zero what holds nothing in so many pages from this one; answers in how many something was found.

        Only while nobody writes into the file itself.

        Raises:
            OSError: it cannot be read or written.
            StoreUnusable: a page is not what the map of pages says.
        """
        size, usable = self._layout()
        block = os.pread(self._file, size * count, (first - 1) * size)
        found = 0
        for nth in range(len(block) // size):
            if self._is_tree(first + nth, size, usable):
                found += self._clear(first + nth, memoryview(block)[nth * size : (nth + 1) * size], usable)
        return found

    def flush(self) -> None:
        """Have it on the disk."""
        os.fsync(self._file)

    def _layout(self) -> tuple[int, int]:
        """Bytes of a page, and how many of them SQLite uses."""
        head = os.pread(self._file, _HEADER, 0)
        size = int.from_bytes(head[16:18], "big")
        size = 65536 if size == 1 else size
        if not int.from_bytes(head[52:56], "big"):
            raise StoreUnusable(
                "the ledger's file has no map of its pages; it gets one at a start with room on the disk"
            )
        return size, size - head[20]

    def _is_tree(self, number: int, size: int, usable: int) -> bool:
        lock, described = _LOCK_BYTE // size + 1, usable // 5
        where = (number - 2) // (described + 1) * (described + 1) + 2
        where += where == lock
        if number == 1:
            return True
        if number in {where, lock}:
            return False
        kind = os.pread(self._file, 1, (where - 1) * size + 5 * (number - where - 1))
        return kind[0] in {_ROOT, _NODE}

    def _clear(self, number: int, page: memoryview, usable: int) -> bool:
        found = False
        for begin, end in _empty(page, _HEADER if number == 1 else 0, usable):
            if bytes(page[begin:end]).strip(b"\0"):
                os.pwrite(self._file, bytes(end - begin), (number - 1) * len(page) + begin)
                found = True
        return found


def pages_of_log(path: Path) -> frozenset[int]:
    """The numbers of all pages that stand in the log beside the file, some perhaps of an earlier round."""
    real = path.resolve()
    log = real.with_name(real.name + "-wal")
    if not log.exists():
        return frozenset()
    with log.open("rb") as file:
        head = file.read(_LOG_HEADER)
        size = int.from_bytes(head[8:12], "big")
        found = set()
        while len(frame := file.read(_FRAME)) == _FRAME:
            found.add(int.from_bytes(frame[:4], "big"))
            file.seek(size, os.SEEK_CUR)
    return frozenset(found - {0})


def _empty(page: memoryview, start: int, usable: int) -> list[tuple[int, int]]:
    """Where a b-tree page holds nothing: between the list of cells and the cells, and within blocks that were freed.

    Raises:
        StoreUnusable: it is no b-tree page.
    """
    kind, freed, cells, content = struct.unpack_from(">BHHH", page, start)
    content = content or 65536
    listed = start + _FIXED.get(kind, usable) + 2 * cells
    if not listed <= content <= usable:
        raise StoreUnusable("a page of the ledger's file is not what its map says")
    empty = [(listed, content)]
    while freed:
        if not content <= freed <= usable - 4:
            raise StoreUnusable("a page of the ledger's file is not what its map says")
        after, length = struct.unpack_from(">HH", page, freed)
        if length < 4 or freed + length > usable or (after and after <= freed):  # noqa: PLR2004 - a freed block's header
            raise StoreUnusable("a page of the ledger's file is not what its map says")
        empty.append((freed + 4, freed + length))
        freed = after
    return empty
