"""`relay` on a machine that may sleep: told so by SIGUSR1, its clock that nobody sets is later by a lease."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from relay.cli import relay as command
from relay.roster import LEASE

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> None:
    """Be the command."""
    right, slept = time.clock_gettime, [0.0]
    time.clock_gettime = lambda which: right(which) + sum(slept)
    signal.signal(signal.SIGUSR1, lambda *_: slept.append(LEASE))
    command(words, prog_name="relay")
