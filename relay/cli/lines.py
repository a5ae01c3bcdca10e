"""Lines to stderr that nobody waits for: whoever reads them may be slow, gone, or a disk that is full."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading

STDERR = 2
KEPT = 2000
"""Lines that wait for a slow reader; what comes beyond them is counted and lost."""
LAST = 1.0
"""Seconds within which, at the end, the reader may take what still waits."""


class Lines(logging.Handler):
    """Writes each record as a line, from a thread of its own, so that the service never waits for its log."""

    def __init__(self, descriptor: int = STDERR, *, kept: int = KEPT) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: queue.Queue[str] = queue.Queue(kept)
        self._lost = 0
        self._begun = threading.Lock()
        self._thread: threading.Thread | None = None
        self._written = threading.Condition()
        self._under_way = 0
        """Lines that were taken in, and are neither written nor given up on."""
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        """The thread is the other process's, as is what waits for it."""
        self._waiting = queue.Queue(self._waiting.maxsize)
        self._begun, self._written = threading.Lock(), threading.Condition()
        self._thread, self._lost, self._under_way = None, 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record in."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - logging's own rule: a record that cannot be said harms nobody
            self.handleError(record)
            return
        self.say(line)

    def say(self, line: str) -> None:
        """Take a line in, at once; it is lost where too many wait already."""
        with self._begun:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="log lines", daemon=True)
                self._thread.start()
        with self._written:
            self._under_way += 1
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._lost += 1
            self._done()

    def flush(self) -> None:
        """Wait a moment for what still waits; called at the end of the process."""
        with self._written:
            self._written.wait_for(lambda: not self._under_way, LAST)

    def _write(self) -> None:
        while True:
            line = self._waiting.get()
            lost, self._lost = self._lost, 0
            try:
                if lost:
                    self._put(f"{lost} lines of the log were lost: nobody took them")
                self._put(line)
            except OSError:
                self._lost += lost + 1
            self._done()

    def _done(self) -> None:
        with self._written:
            self._under_way -= 1
            self._written.notify_all()

    def _put(self, line: str) -> None:
        left = f"{line}\n".encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(self._descriptor, left) :]


def open_standard_streams() -> None:
    """See to it that 0, 1 and 2 are open: else the ledger or a socket would be what is written to as stderr."""
    for descriptor in range(STDERR + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = os.fdopen(STDERR, "w", closefd=False)
