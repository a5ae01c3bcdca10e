"""The writer in a process of its own: while it waits for Python, the loop does not.

Two threads of one process take turns at running Python. The loop, which speaks with the world, and the writer, which
judges rules and keeps the ledger, have a core each this way. When the writer's process ends by itself, the relay must.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import sys
import time
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import StoreBusy, StoreUnusable
from relay.store.sqlite.asking import Asking
from relay.store.sqlite.process import CHUNK, be_the_writer
from relay.store.sqlite.wire import END, Frames, Sender, deciders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from relay.store.seal import Keys
    from relay.store.sqlite.asking import Asked
    from relay.store.sqlite.ballast import Ballast


log = structlog.get_logger(__name__)


def can_be_apart() -> bool:
    """Whether two processes do more here than one: there are two cores, and a fork is what it is on Linux."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


class Apart(Asking):
    """Has pieces of work run by a process of its own, in the order they came, several to a commit.

    To be made while this process has one thread, and used from one loop.
    """

    handful = 16

    def __init__(self, path: Path, keys: Keys | None = None, ballast: Ballast | None = None) -> None:
        super().__init__()
        self.path = path
        self._broken: str | None = None
        self._strained = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender = Sender()
        self._frames = Frames()
        self._waiting: deque[Asked] = deque()
        """What was handed over and is not answered yet, in that order."""
        self._heard_at = 0.0
        """When it last answered, or was asked while it had nothing to do; on the monotonic clock."""
        self._gone = False
        self._unsent = bytearray()
        self._ended: asyncio.Future[None] | None = None
        relay = os.getpid()
        self._socket, there = socket.socketpair()
        self.process = os.fork()
        if not self.process:
            self._socket.close()
            be_the_writer(relay, there, path, keys, ballast)
        there.close()

    def wait(self) -> None:
        """Wait until the file is open.

        Raises:
            StoreUnusable: it cannot be opened.
        """
        while came := self._socket.recv(CHUNK):
            for content, _ in self._frames.take(came):
                [failure] = pickle.loads(content)  # noqa: S301 - our own process
                if failure is not None:
                    self._reap()
                    raise failure
                self._socket.setblocking(False)  # noqa: FBT003 - the socket's own
                return
        raise StoreUnusable(f"the process that was to write the ledger {self.path} {self._reap()}")

    @property
    def broken(self) -> str | None:
        """As for all kinds."""
        return self._broken

    @property
    def strained(self) -> bool:
        """As for all kinds."""
        return self._strained

    async def end(self) -> None:
        """As for all kinds."""
        loop = self._attached()
        if self._ended is None:
            with self._gate:
                self._closing = True
                self._take_on(list(chain.from_iterable(self._gathered.values())))
                self._gathered.clear()
            self._ended = loop.create_future()
            if self._gone:
                self._ended.set_result(None)
            else:
                self._send(END)
        await asyncio.shield(self._ended)

    def abandon(self) -> None:
        """Let the process end that nobody has asked for anything yet."""
        self._reap()

    @property
    def silent(self) -> float:
        """Seconds for which somebody has been waiting, and nobody was answered."""
        return time.monotonic() - self._heard_at if self._waiting else 0.0

    def _take_on(self, pieces: Sequence[Asked]) -> None:
        self._attached()
        if not pieces:
            return
        if self._broken:
            self._refuse(pieces)
            return
        try:
            frame = self._sender.frame([_carried(piece) for piece in pieces])
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            if len(pieces) > 1:
                for piece in pieces:  # what cannot be carried harms nothing beside it
                    self._take_on([piece])
                return
            pieces[0].error = error
            pieces[0].answer()
            return
        if not self._waiting:
            self._heard_at = time.monotonic()
        self._waiting.extend(pieces)
        self._send(frame)

    def _attached(self) -> asyncio.AbstractEventLoop:
        """The loop, which reads what comes."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._read)
        return self._loop

    def _send(self, content: bytes) -> None:
        if not self._unsent:
            content = content[self._sent(content) :]
            if content:
                self._attached().add_writer(self._socket, self._send_on)
        self._unsent += content

    def _send_on(self) -> None:
        del self._unsent[: self._sent(self._unsent)]
        if not self._unsent:
            self._attached().remove_writer(self._socket)

    def _sent(self, content: bytes | bytearray) -> int:
        """How much of it could be sent now; all of it where nobody is there any more, which is seen by reading."""
        try:
            return self._socket.send(content)
        except BlockingIOError:
            return 0
        except OSError:
            return len(content)

    def _read(self) -> None:
        try:
            came = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        try:
            for content, _ in self._frames.take(came):
                self._hear(content)
        except Exception:
            # Nobody knows any more which answer belongs to whom.
            log.exception("what the process that writes the ledger answered cannot be read")
            os.kill(self.process, signal.SIGKILL)
            came = b""
        if not came:
            self._lost()

    def _hear(self, content: bytes) -> None:
        self._broken, self._strained, lost, answers = pickle.loads(content)  # noqa: S301 - our own process
        self._heard_at = time.monotonic()
        if lost:
            self._sender.forget()
        for result, error, notes in answers:
            piece = self._waiting.popleft()
            piece.result, piece.error = result, error
            if error is None:
                for decider, noted in zip(deciders(piece), notes, strict=True):
                    decider.notes = noted
            piece.answer()

    def _lost(self) -> None:
        """The process has ended, as it should or not."""
        loop = self._attached()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        how = self._reap()
        self._gone = True
        if self._ended is None or self._waiting:
            self._broken = f"the process that writes the ledger {how}; the relay stops and must be started again"
        waiting, self._waiting = self._waiting, deque()
        self._refuse(waiting)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _reap(self) -> str:
        """Let the process rest; answers how it ended."""
        self._socket.close()
        try:
            _, status = os.waitpid(self.process, 0)
        except ChildProcessError:  # whoever started the relay has it ignore its children
            return "ended"
        if os.WIFSIGNALED(status):
            return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
        return f"ended with {os.waitstatus_to_exitcode(status)}"

    def _refuse(self, pieces: Iterable[Asked]) -> None:
        for piece in pieces:
            piece.error = StoreBusy(self._broken or "the ledger is closing")
            piece.answer()


def _carried(piece: Asked) -> tuple[Any, Any, bool]:
    """What of a piece the other process needs."""
    return (piece.work, None, False) if piece.together is None else (piece.together, piece.item, True)
