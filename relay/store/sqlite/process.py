"""The process that writes the ledger, forked from the relay: it takes pieces of work, and answers them in order.

It holds the file and its lock. It ends when the relay does, however that ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import socket
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from relay import failpoints
from relay.errors import RelayError
from relay.store.sqlite.opening import take_lock
from relay.store.sqlite.pieces import Piece, only
from relay.store.sqlite.wire import Frames, Sender, deciders
from relay.store.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.store.seal import Keys
    from relay.store.sqlite.ballast import Ballast

CHUNK = 2**18
"""Bytes read at a time."""
_DIE_WITH_PARENT, _SET_NAME = 1, 15
"""Of prctl(2)."""


def be_the_writer(relay: int, there: socket.socket, path: Path, keys: Keys | None, ballast: Ballast | None) -> NoReturn:
    """Be the process of the ledger from here on; `relay` is the process that this one was forked from."""
    code = 1
    try:
        _outlive_nobody(relay)
        failpoints.belong_to(relay)
        Desk(there).keep(path, keys, ballast, holder=relay)
        code = 0
    except BaseException:
        logging.getLogger(__name__).critical("the process that writes the ledger failed", exc_info=True)
    finally:
        for handler in logging.getLogger().handlers:
            handler.flush()
        os._exit(code)


def _outlive_nobody(relay: int) -> None:
    """End with the relay, and not before.

    A signal to the whole group (Ctrl-C, or systemd's) is for the relay to hear, which still writes while it stops.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ImportError, MemoryError, OSError, AttributeError):
        # Where the system does not let it (ctypes asks for memory that can be run), the end of the socket does.
        import ctypes  # noqa: PLC0415 - it may not be had

        prctl = ctypes.CDLL(None).prctl
        prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        prctl(_SET_NAME, b"relay-ledger")
    if os.getppid() != relay:
        os._exit(1)


class Desk:
    """Where pieces of work come in and answers go out."""

    def __init__(self, there: socket.socket) -> None:
        self._socket = there
        self._sender = Sender()
        self._frames = Frames()
        self._over = False
        """Whether nothing comes any more."""
        self._lost = False
        """Whether something that came could not be read, and with it perhaps what later pieces name."""

    def keep(self, path: Path, keys: Keys | None, ballast: Ballast | None, *, holder: int) -> None:
        """Write what comes, until nothing comes any more; `holder` is told to whoever else wants the ledger."""
        try:
            lock = take_lock(path, holder)
            writer = Writer(path, keys, ballast, self._late)
        except Exception as error:  # noqa: BLE001 - handed to the relay, which is opening
            self._socket.sendall(self._sender.frame([_carried(error)]))
            return
        self._socket.sendall(self._sender.frame([None]))
        try:
            while writer.waiting or self._await_work(writer):
                self._answer(writer.write(), writer)
        finally:
            writer.close()
            os.close(lock)

    def _await_work(self, writer: Writer) -> bool:
        """Wait for work, take what is there; False when the last of it is done."""
        while not writer.waiting and not self._over:
            writer.waiting.extend(self._take(self._socket.recv(CHUNK)))
        return bool(writer.waiting)

    def _late(self) -> list[Piece]:
        """What waits now."""
        if self._over:
            return []
        try:
            return self._take(self._socket.recv(CHUNK, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return []

    def _take(self, came: bytes) -> list[Piece]:
        self._over = not came
        pieces: list[Piece] = []
        for content, count in self._frames.take(came):
            if not count:
                self._over = True
                break
            try:
                pieces.extend(_piece(*asked) for asked in pickle.loads(content))  # noqa: S301 - from the relay
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                self._lost = True
                pieces.extend(Piece(partial(_fail, error)) for _ in range(count))
        return pieces

    def _answer(self, batch: Sequence[Piece], writer: Writer) -> None:
        answers = [(piece.result, piece.error, [each.notes for each in deciders(piece)]) for piece in batch]
        if any(piece.error is not None for piece in batch):
            answers = [(result, None if error is None else _carried(error), notes) for result, error, notes in answers]
        try:
            frame = self._sender.frame([writer.broken, writer.strained, self._lost, answers])
        except Exception:  # noqa: BLE001 - whoever asked is told
            alone = [_alone(*answer) for answer in answers]
            frame = self._sender.frame([writer.broken, writer.strained, self._lost, alone])
        self._lost = False
        self._socket.sendall(frame)


def _piece(work: Any, item: Any, together: bool) -> Piece:  # noqa: FBT001 - one of three that are carried together
    return Piece(partial(only, work, item), work, item) if together else Piece(work)


def _fail(error: Exception, connection: Any) -> NoReturn:  # noqa: ARG001 - a piece of work
    raise error


def _alone(result: Any, error: BaseException | None, notes: list[Any]) -> tuple[Any, BaseException | None, list[Any]]:
    """An answer as it can be carried."""
    try:
        pickle.loads(pickle.dumps((result, error, notes)))  # noqa: S301 - what was just made
    except Exception as failure:  # noqa: BLE001 - whoever asked is told
        said = RuntimeError(f"it was done, and what came of it cannot be carried: {failure}")
        return None, said, []
    return result, error, notes


def _carried(error: BaseException) -> BaseException:
    """An error as the relay can read it, with its way through this process where it is no word of the relay's own."""
    if not isinstance(error, RelayError):
        error.add_note("in the process of the ledger:\n" + "".join(traceback.format_exception(error)))
    try:
        carried: BaseException = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just made
    except Exception:  # noqa: BLE001 - such an error is told in words
        return RuntimeError(f"{type(error).__name__}: {error}")
    return carried
