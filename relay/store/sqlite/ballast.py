"""Room on the disk that is kept for hard times: deleting needs room too, and so does writing down what was sent.

When the disk is full the file is dropped, and nothing new is taken in until there is room to make it again.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST = 16 * 2**20
LEAST = 256 * 2**10
"""Bytes; less would not help."""
_SHARE = 8
"""It takes an eighth at most of what is free at first, and later only what leaves as much again."""


class Ballast:
    """A file beside the ledger that holds nothing but its place."""

    def __init__(self, ledger: Path, most: int = MOST) -> None:
        self._file = ledger.with_name(ledger.name + ".ballast")
        self._most = most
        self._size = 0
        self.held = False

    def take(self) -> bool:
        """Hold the room; False where the disk has too little to spare."""
        self.drop()
        free = shutil.disk_usage(self._file.parent).free
        if not self._size:
            self._size = min(self._most, free // _SHARE)
        if not LEAST <= self._size <= free // 2:
            return False
        try:
            _reserve(self._file, self._size)
        except OSError:
            self.drop()
            return False
        self.held = True
        return True

    def drop(self) -> bool:
        """Give the room back; False where there was none."""
        self.held = False
        try:
            self._file.unlink()
        except OSError:
            return False
        return True


def _reserve(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
