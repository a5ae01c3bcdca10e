"""Places at which a test may end or halt the process, as a power cut or an overloaded machine would.

`RELAY_FAILPOINT=text_begun:kill` kills it when that place is first reached, `text_begun:stop@7` halts it at the seventh
time; both only where `RELAY_UNDER_TEST=1`. Otherwise a place costs one look at a name.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK = ("webhook_read", "ledger_committing", "ledger_committed", "event_planning")
"""A webhook: read; written, not yet on the disk; on the disk, its sender not told yet; told, and not planned yet."""
TEXT = ("text_planned", "text_begun", "text_leaving", "text_answered", "text_settled")
"""A text: owed; marked as sending; before its first byte; its answer read; its fate on the disk.

The sixth edge, the phone system having taken it, lies in another process.
"""
_SPEC = re.compile(r"([a-z_]+):(kill|stop)(?:@([1-9]\d*))?")
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass
class _Armed:
    """The one place that strikes, and how."""

    name: str
    action: str
    left: int
    """Times that it is still passed before it strikes, and the one at which it does."""


_armed: _Armed | None = None
_belonging: int | None = None
"""The process that this one works for, which is struck with it: a power cut knows no difference."""


def arm(environment: Mapping[str, str]) -> None:
    """Do as the environment says; nothing strikes where it does not speak of a test.

    Raises:
        ValueError: the failpoint is misspelt: such a test would prove nothing.
    """
    global _armed  # noqa: PLW0603 - one process, one failpoint
    written = environment.get("RELAY_FAILPOINT", "")
    if not written or environment.get("RELAY_UNDER_TEST") != "1":
        _armed = None
        return
    read = _SPEC.fullmatch(written)
    if read is None or read[1] not in (*WEBHOOK, *TEXT):
        raise ValueError(f"RELAY_FAILPOINT={written} is none of {', '.join((*WEBHOOK, *TEXT))}, with :kill or :stop@N")
    _armed = _Armed(read[1], read[2], int(read[3] or 1))


def reach(name: str) -> None:
    """This place is reached."""
    if _armed is not None and name == _armed.name:
        _armed.left -= 1
        if _armed.left == 0:
            for process in (_belonging, os.getpid()):
                if process is not None:
                    os.kill(process, _SIGNALS[_armed.action])


def belong_to(process: int) -> None:
    """From here on this process is part of another one."""
    global _belonging  # noqa: PLW0603 - as above
    _belonging = process


arm(os.environ)
