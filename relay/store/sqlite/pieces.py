"""Pieces of work that share a transaction: all at once while none fails, which is nearly always; else each alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from relay.store.sqlite.connection import FileConnection

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


@dataclass(slots=True)
class Piece:
    """A piece of work, and what came of it. It may be run more than once."""

    work: Callable[[FileConnection], Any]
    together: Callable[[FileConnection, Sequence[Any]], Sequence[Any]] | None = None
    """Does the same for several neighbours at once, given the item of each."""
    item: Any = None
    result: Any = None
    error: BaseException | None = None

    def went_well(self, result: Any) -> None:
        """Keep what is to be answered once it is committed."""
        self.result, self.error = result, None


def neighbours(waiting: deque[Piece], most: int) -> list[Piece]:
    """Take the first that waits, and those behind it that can be done together with it."""
    taken: list[Piece] = []
    while waiting and len(taken) < most and (not taken or waiting[0].together is taken[0].together is not None):
        taken.append(waiting.popleft())
    return taken


def run_straight(connection: FileConnection, pieces: Sequence[Piece]) -> bool:
    """Run neighbours without a savepoint; False where one failed: all so far is to be undone then.

    A savepoint costs two statements, and each statement gives Python's lock away three times.

    Raises:
        sqlite3.Error: a fault of the disk.
    """
    together = pieces[0].together
    try:
        if together is not None and len(pieces) > 1:
            _share(pieces, together(connection, [piece.item for piece in pieces]))
        else:
            for piece in pieces:
                piece.went_well(piece.work(connection))
    except BaseException as error:
        if connection.ends_all(error):
            raise
        return False
    return True


def run_apart(connection: FileConnection, batch: Iterable[Piece]) -> None:
    """Run each under a savepoint; what fails is undone alone, and is its own caller's.

    Raises:
        sqlite3.Error: a fault of the disk.
    """
    waiting = deque(batch)
    while pieces := neighbours(waiting, len(waiting)):
        together = pieces[0].together
        if together is None or len(pieces) == 1 or not _shared(connection, pieces, together):
            for piece in pieces:
                _attempt(connection, piece)


def only(work: Callable[[FileConnection, Sequence[I]], Sequence[T]], item: I, connection: FileConnection) -> T:
    """Work for several, done for one."""
    [result] = work(connection, [item])
    return result


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
