"""A word to systemd on how the service does, over the socket it names (sd_notify, `man 3 sd_notify`).

Where nobody listens, nothing is said: a relay that was started by hand has no NOTIFY_SOCKET.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MICRO = 1_000_000
_STATUS = 10.0
"""Seconds after which a changed status is told."""


class Systemd:
    """The service manager that started us, if it did."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        usec, of = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        ours = not of or of == str(os.getpid())
        self.watchdog = int(usec) / _MICRO if usec.isascii() and usec.isdigit() and int(usec) and ours else None
        """Seconds within which a sign of life must come; None where nobody waits for one."""

    def ready(self, status: str) -> None:
        """The service does its work now, after its start or a reload."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read again."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reading the configuration")

    def stopping(self) -> None:
        """The service ends by itself."""
        self._tell("STOPPING=1", "STATUS=finishing what is under way")

    def status(self, status: str) -> None:
        """How it goes, in one line."""
        self._tell(f"STATUS={status}")

    async def watch(self, status: Callable[[], str | None]) -> None:
        """Give signs of life, twice as often as is asked, as long as `status` has something to say."""
        every = self.watchdog / 2 if self.watchdog is not None else _STATUS
        before: str | None = None
        while self._address:
            now = status()
            if now is not None and self.watchdog is not None:
                self._tell("WATCHDOG=1")
            if now is not None and now != before:
                before = now
                self.status(now)
            await asyncio.sleep(min(every, _STATUS))

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # An abstract address is written with @ in place of the leading NUL.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        words = "\n".join(line.replace("\n", " ") for line in lines)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as it:
            it.connect(address)
            it.sendall(words.encode())
