"""Who was erased, in a file beside the ledger: a copy from before, put back, would bring them back.

A line is a digest under a key that only the ledger holds; it tells nobody who that was.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from relay.store.sqlite.beside import open_beside
from relay.store.sqlite.generation import fsync_folder

if TYPE_CHECKING:
    from pathlib import Path


def note(ledger: Path, digest: bytes) -> None:
    """Add one, on the disk before this returns.

    Raises:
        OSError: it cannot be written.
    """
    path = _beside(ledger)
    with os.fdopen(open_beside(ledger.resolve(), path, os.O_WRONLY | os.O_APPEND), "w") as file:
        file.write(digest.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    fsync_folder(path.parent)


def noted(ledger: Path) -> frozenset[bytes]:
    """All of them; a line that was cut off by a fall counts for nothing."""
    path = _beside(ledger)
    if not path.exists():
        return frozenset()
    lines = path.read_text().splitlines()
    return frozenset(bytes.fromhex(line) for line in lines if len(line) == 64 and set(line) <= set("0123456789abcdef"))  # noqa: PLR2004 - a SHA-256


def _beside(ledger: Path) -> Path:
    real = ledger.resolve()
    return real.with_name(real.name + ".erased")
