"""The writer on a thread of its own: how a ledger is used by whoever has no process to spare for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from itertools import chain
from typing import TYPE_CHECKING

from relay.store.sqlite.asking import Asked, Asking
from relay.store.sqlite.opening import take_lock
from relay.store.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.store.seal import Keys
    from relay.store.sqlite.ballast import Ballast
    from relay.store.sqlite.pieces import Piece


class Engine(Asking):
    """Runs pieces of work on the file, in the order they came, several to a commit.

    Raises:
        StoreUnusable: the file cannot be opened.
    """

    def __init__(self, path: Path | None, keys: Keys | None = None, ballast: Ballast | None = None) -> None:
        super().__init__()
        self._queue: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._lock = None if path is None else take_lock(path)
        self._writer: Writer | None = None
        opened: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, args=(path, keys, ballast, opened), name="ledger", daemon=True
        )
        self._thread.start()
        failure = opened.get()
        if failure is not None:
            self._release()
            raise failure

    @property
    def broken(self) -> str | None:
        """As for all kinds."""
        return None if self._writer is None else self._writer.broken

    @property
    def strained(self) -> bool:
        """As for all kinds."""
        return self._writer is not None and self._writer.strained

    async def end(self) -> None:
        """As for all kinds."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Finish what waits, then close the file."""
        with self._gate:
            if not self._closing:
                self._closing = True
                self._take_on(list(chain.from_iterable(self._gathered.values())))
                self._gathered.clear()
                self._queue.put(None)
        self._thread.join()
        self._release()

    def _take_on(self, pieces: Sequence[Asked]) -> None:
        for piece in pieces:
            self._queue.put(piece)

    def _release(self) -> None:
        with self._gate:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _run(
        self,
        path: Path | None,
        keys: Keys | None,
        ballast: Ballast | None,
        opened: queue.SimpleQueue[BaseException | None],
    ) -> None:
        try:
            self._writer = writer = Writer(path, keys, ballast, self._take)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that is opening
            opened.put(error)
            return
        opened.put(None)
        try:
            while writer.waiting or self._await_work(writer):
                _answer(writer.write())
        finally:
            writer.close()

    def _await_work(self, writer: Writer) -> bool:
        """Wait for work, take what is there; False when the last of it is done."""
        first = self._queue.get()
        if first is not None:
            writer.waiting.append(first)
            writer.waiting.extend(self._take())
        return first is not None

    def _take(self) -> list[Piece]:
        """What waits now."""
        taken: list[Piece] = []
        with contextlib.suppress(queue.Empty):
            while True:
                piece = self._queue.get_nowait()
                if piece is None:
                    self._queue.put(None)  # found again once what is at hand is committed
                    break
                taken.append(piece)
        return taken


def _answer(batch: Sequence[Piece]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Asked]] = {}
    for piece in batch:
        if isinstance(piece, Asked):
            by_loop.setdefault(piece.loop, []).append(piece)
    for loop, pieces in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_answer_all, pieces)


def _answer_all(pieces: Sequence[Asked]) -> None:
    for piece in pieces:
        piece.answer()
