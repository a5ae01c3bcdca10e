"""A ledger whose work, decisions and answers are carried as to its own process and back, without the process."""

from __future__ import annotations

import pickle
from typing import Any

from relay.store.sqlite import SqliteStore
from relay.store.sqlite.pieces import Piece
from relay.store.sqlite.wire import Frames, Sender, deciders, unfit


def carried(value: Any) -> Any:
    """The same as the other process has it."""
    [(content, _)] = Frames().take(Sender().frame([value]))
    return pickle.loads(content)[0]  # noqa: S301 - what was just made


class CarriedStore(SqliteStore):
    """What cannot be carried fails here, and what changes on its way is seen by whoever tests what is decided."""

    def unfit(self, decisions: object) -> str | None:
        return unfit(decisions)

    async def _write(self, work: Any) -> Any:
        other = carried(work)
        result = await super()._write(other)
        _hear(Piece(work), Piece(other))
        return carried(result)

    async def _write_together(self, work: Any, item: Any) -> Any:
        other = carried(item)
        result = await super()._write_together(carried(work), other)
        _hear(Piece(work, work, item), Piece(work, work, other))
        return carried(result)


def _hear(here: Piece, there: Piece) -> None:
    for mine, theirs in zip(deciders(here), deciders(there), strict=True):
        mine.notes = carried(theirs.notes)
