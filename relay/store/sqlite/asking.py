"""What callers on a loop ask of the one who writes: gathered in a turn of the loop, handed over at its end."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from relay.errors import StoreBusy
from relay.store.sqlite.pieces import Piece, only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.store.sqlite.connection import FileConnection

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


@dataclass(slots=True, kw_only=True)
class Asked(Piece):
    """A piece of work and who waits for it."""

    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def answer(self) -> None:
        """Let the caller resume; runs on the caller's loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Asking(ABC):
    """Takes in pieces of work, in the order they come; who runs them is the affair of each kind."""

    handful: int = 2**31
    """Pieces that are handed over before the turn of the loop is over."""

    def __init__(self) -> None:
        self._gathered: dict[asyncio.AbstractEventLoop, list[Asked]] = {}
        """What was asked for in this turn of a loop."""
        self._closing = False
        self._gate = threading.Lock()
        """Nothing is taken in any more once it is closing."""

    @property
    @abstractmethod
    def broken(self) -> str | None:
        """Why the file can no longer be trusted; None while it can."""

    @property
    @abstractmethod
    def strained(self) -> bool:
        """Whether the disk was full lately: what is owed is still written down, and nothing new may come in."""

    @abstractmethod
    async def end(self) -> None:
        """Finish what waits, then close the file."""

    @abstractmethod
    def _take_on(self, pieces: Sequence[Asked]) -> None:
        """Run these in the next transaction; called with the gate held."""

    async def run(self, work: Callable[[FileConnection], T]) -> T:
        """Run one piece of work in the next transaction; resumes after its commit.

        Raises:
            StoreBusy: nothing was written: the disk is full, the file locked, or the ledger closing.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Asked(work, future=future, loop=loop))
        return await future

    async def run_together(self, work: Callable[[FileConnection, Sequence[I]], Sequence[T]], item: I) -> T:
        """The same for work that is cheaper for several items at once: neighbours in the queue are done in one.

        Where that fails, each is done alone, so that one bad item fails no other.

        Raises:
            StoreBusy: as `run`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Asked(partial(only, work, item), work, item, future=future, loop=loop))
        return await future

    def _put(self, piece: Asked) -> None:
        """Hand it over at the end of this turn of the loop, with all else that the turn asks for.

        A caller that goes away does not undo what is on its way to the disk.
        """
        with self._gate:
            if self.broken or self._closing:
                raise StoreBusy(self.broken or "the ledger is closing")
            gathered = self._gathered.setdefault(piece.loop, [])
            gathered.append(piece)
        if len(gathered) == 1:
            piece.loop.call_soon(self._hand_over, piece.loop)
        elif len(gathered) == self.handful:
            self._hand_over(piece.loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._gate:
            if pieces := self._gathered.pop(loop, None):
                self._take_on(pieces)
