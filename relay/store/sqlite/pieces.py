"""Pieces of work that share a transaction: all at once while none fails, which is nearly always; else each alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from relay.store.sqlite.connection import FileConnection

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


@dataclass(slots=True)
class Piece:
    """A piece of work, who waits for it, and what came of it. It may be run more than once."""

    work: Callable[[FileConnection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    together: Callable[[FileConnection, Sequence[Any]], Sequence[Any]] | None = None
    """Does the same for several neighbours at once, given the item of each."""
    item: Any = None
    result: Any = None
    error: BaseException | None = None

    def went_well(self, result: Any) -> None:
        """Keep what is to be answered once it is committed."""
        self.result, self.error = result, None

    def answer(self) -> None:
        """Let the caller resume; runs on the caller's loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def run_straight(connection: FileConnection, batch: Sequence[Piece]) -> bool:
    """Run all without a savepoint; False once one failed: then all of it is to be undone, and `run_apart` tells which.

    A savepoint costs two statements, and each statement gives Python's lock away three times.

    Raises:
        sqlite3.Error: a fault of the disk.
    """
    try:
        for together, pieces in _neighbours(batch):
            if together is not None and len(pieces) > 1:
                _share(pieces, together(connection, [piece.item for piece in pieces]))
                continue
            for piece in pieces:
                piece.went_well(piece.work(connection))
    except BaseException as error:
        if connection.ends_all(error):
            raise
        return False
    return True


def run_apart(connection: FileConnection, batch: Sequence[Piece]) -> bool:
    """Run each under a savepoint; what fails is undone alone, and is its own caller's. Always True.

    Raises:
        sqlite3.Error: a fault of the disk.
    """
    for together, pieces in _neighbours(batch):
        if together is None or len(pieces) == 1 or not _shared(connection, pieces, together):
            for piece in pieces:
                _attempt(connection, piece)
    return True


def only(work: Callable[[FileConnection, Sequence[I]], Sequence[T]], item: I, connection: FileConnection) -> T:
    """Work for several, done for one."""
    [result] = work(connection, [item])
    return result


def _neighbours(
    batch: Sequence[Piece],
) -> list[tuple[Callable[[FileConnection, Sequence[Any]], Sequence[Any]] | None, list[Piece]]]:
    return [(together, list(pieces)) for together, pieces in itertools.groupby(batch, lambda piece: piece.together)]


def _shared(
    connection: FileConnection,
    pieces: Sequence[Piece],
    together: Callable[[FileConnection, Sequence[Any]], Sequence[Any]],
) -> bool:
    """Whether neighbours could be done in one."""
    try:
        with connection.apart():
            results = together(connection, [piece.item for piece in pieces])
    except Exception as error:
        if connection.ends_all(error):
            raise
        return False
    _share(pieces, results)
    return True


def _share(pieces: Sequence[Piece], results: Sequence[Any]) -> None:
    for piece, result in zip(pieces, results, strict=True):
        piece.went_well(result)


def _attempt(connection: FileConnection, piece: Piece) -> None:
    """One piece of work under a savepoint. A fault of the disk ends the whole batch; any other ends only this piece."""
    try:
        with connection.apart():
            piece.went_well(piece.work(connection))
    except BaseException as error:
        if connection.ends_all(error):
            raise
        # A future cannot carry StopIteration.
        piece.error = RuntimeError("a search found nothing") if isinstance(error, StopIteration) else error
