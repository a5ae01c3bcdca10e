"""Files beside the ledger, which belong to whom the ledger belongs to, whoever makes them.

Root may act on the ledger of a service that runs as another user, and must not lock that user out: SQLite sees to that
for its log, and this for ours.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_beside(ledger: Path, path: Path, flags: int) -> int:
    """The descriptor of a file beside the ledger, made if it is not there; nobody but its owner reads it.

    Raises:
        OSError: as `os.open`.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = (ledger if ledger.exists() else ledger.parent).stat()
        with contextlib.suppress(OSError):  # a root without its capabilities makes files for itself only
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
