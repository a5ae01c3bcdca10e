"""Runs pieces of work on the file, all that is at hand in one transaction (group commit); what fails is undone alone.

SQLite before 3.51.3 can lose writes when two connections checkpoint at the wrong moment, so nothing else ever writes to
the file (https://sqlite.org/releaselog/3_51_3.html), and a lock file keeps second processes away.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from relay import failpoints
from relay.errors import StoreBusy, StoreUnusable
from relay.store.sqlite import sweeping
from relay.store.sqlite.connection import FileConnection, code_of
from relay.store.sqlite.opening import connect
from relay.store.sqlite.pieces import Piece, neighbours, run_apart, run_straight
from relay.store.sqlite.soundness import suspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from relay.store.seal import Keys
    from relay.store.sqlite.ballast import Ballast

log = structlog.get_logger(__name__)

BATCH = 256
"""Pieces of work in one commit at most."""
SOON = 0.003
"""Seconds within which what comes late still shares a commit, or twice the time of a commit where that is more."""
_LOOK_AGAIN = 1.0
"""Seconds between two looks whether a full disk has room again."""
_FATAL = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB}


class Writer:
    """The one writing connection, and all that goes wrong with it; one thread uses it."""

    def __init__(
        self,
        path: Path | None,
        keys: Keys | None,
        ballast: Ballast | None,
        late: Callable[[], Iterable[Piece]],
    ) -> None:
        """`late` answers pieces that came while others were run, which are committed with them if that is soon.

        Raises:
            StoreUnusable: the file cannot be opened.
        """
        self.broken: str | None = None
        """Why the file can no longer be trusted; None while it can."""
        self.strained = False
        """Whether the disk was full lately: what is owed is still written down, and nothing new may come in."""
        self._path = path
        self._ballast = ballast
        self._late = late
        self._look_at = 0.0
        self._commit = 0.0
        """Seconds that the last commit took."""
        self.waiting: deque[Piece] = deque()
        """What is to be run, in this order."""
        self._connection = self._open(keys)

    def write(self) -> list[Piece]:
        """Run what waits, and what comes late, in one transaction; answers what now has a result or an error.

        Whatever has taken longer than that is `SOON` is committed first, and the rest left to the next transaction:
        nobody waits long for what comes behind him, and commits take no more than a third of the time.
        """
        done: list[Piece] = []
        self._transact(done)
        if self._connection.afterwards is not None:
            _do_afterwards(self._connection)
        return done

    def close(self) -> None:
        """Close the file, and give back the room that was kept."""
        self._connection.close()
        if self._ballast is not None:
            self._ballast.drop()

    def _open(self, keys: Keys | None) -> FileConnection:
        try:
            connection = connect(self._path, keys)
        except StoreUnusable:
            # A process that was killed on a full disk left its ballast behind.
            if self._ballast is None or not self._ballast.drop():
                raise
            connection = connect(self._path, keys)
        if self._ballast is not None:
            self._ballast.take()
        return connection

    def _transact(self, done: list[Piece]) -> None:
        if self.broken:
            self._give_up(done)
            _refuse(done, self.broken)
            return
        self._take_new_ballast()
        try:
            self._write(done)
        except Exception as error:  # noqa: BLE001 - every caller is told, and the thread lives on
            undone = _rolled_back(self._connection)
            if not done:  # it could not even begin
                self._give_up(done)
            if undone and code_of(error) == sqlite3.SQLITE_FULL and self._drop_ballast():
                self.waiting.extendleft(reversed(done))
                done.clear()
                self._transact(done)
                return
            if not undone or not isinstance(error, sqlite3.Error) or code_of(error) in _FATAL:
                # A failed fsync may have lost pages that a second fsync would call safe: stop acknowledging.
                self.broken = f"the ledger's file failed ({error}); the relay stops and must be started again"
                if self._path is not None:
                    suspect(self._path)
            _refuse(done, f"the ledger could not be written: {error}")

    def _write(self, done: list[Piece]) -> None:
        """One transaction; `done` holds what has been begun, however it ends."""
        connection = self._connection
        self._begin()
        until = time.monotonic() + max(SOON, 2 * self._commit)
        while pieces := neighbours(self.waiting, BATCH - len(done)):
            done += pieces
            if not run_straight(connection, pieces):
                connection.execute("rollback")
                connection.afterwards = None
                self._begin()
                run_apart(connection, done)
                break
            if time.monotonic() >= until:
                break
            self.waiting.extend(self._late())
        connection.write_sums()
        failpoints.reach("ledger_committing")
        began = time.monotonic()
        connection.execute("commit")
        self._commit = time.monotonic() - began
        failpoints.reach("ledger_committed")

    def _give_up(self, done: list[Piece]) -> None:
        done += self.waiting
        self.waiting.clear()

    def _begin(self) -> None:
        self._connection.execute("begin immediate")
        self._connection.sums.clear()  # of a transaction that was undone

    def _drop_ballast(self) -> bool:
        """Give the room that was kept to what is owed; False where there is none to give."""
        if self._ballast is None or not self._ballast.held:
            return False
        self._ballast.drop()
        self.strained, self._look_at = True, time.monotonic() + _LOOK_AGAIN
        log.critical("the disk is full: nothing new is taken in until there is room; what is owed is still delivered")
        return True

    def _take_new_ballast(self) -> None:
        """Look whether the disk has room again, once a second while it had none."""
        if not self.strained or self._ballast is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_AGAIN
        if self._ballast.take():
            self.strained = False
            log.info("the disk has room again")


def _do_afterwards(connection: FileConnection) -> None:
    act, connection.afterwards = connection.afterwards, None
    try:
        if act is not None:
            act(connection)
    except (sqlite3.Error, OSError, StoreUnusable) as error:
        sweeping.tell(error)


def _rolled_back(connection: FileConnection) -> bool:
    """Whether nothing of the transaction is left; SQLite itself has ended it after some faults."""
    try:
        if connection.in_transaction:
            connection.execute("rollback")
    except sqlite3.Error:
        return False
    return True


def _refuse(batch: list[Piece], why: str) -> None:
    for piece in batch:
        piece.error = StoreBusy(why)
