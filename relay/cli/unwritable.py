"""Why a file or a folder cannot be written, in plain words, and what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WHY = {
    errno.EACCES: "it belongs to another user; `chown` it to yours, or name another place",
    errno.EPERM: "it is protected against you; name another place",
    errno.EROFS: "that disk can only be read; name a place on another",
    errno.ENOSPC: "that disk is full; free some room, or name a place on another",
    errno.EDQUOT: "your share of that disk is full; free some room, or name a place on another",
    errno.EFBIG: "a file may not grow so large there; name a place on another disk",
    errno.EEXIST: "a file of that name is in the way; name a folder",
    errno.ENOTDIR: "a part of that path is a file; name a folder",
    errno.ENOENT: "there is no such place, and none can be made; name another",
    errno.ENAMETOOLONG: "the name is too long; name a shorter one",
    errno.EIO: "that disk does not work as it should; name a place on another, and look after this one",
}


def unwritable(place: Path, error: OSError) -> str:
    """What to say of a place that could not be written."""
    why = _WHY.get(error.errno or 0, f"{error.strerror or error}; name another place")
    return f"{place} cannot be written: {why}"
