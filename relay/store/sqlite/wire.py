"""Pieces of work and their answers between two processes: frames of bytes, each as long as its head says.

Both ends are this program, one forked from the other, so that pickle is safe here and names mean the same to both.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import struct
from collections import OrderedDict
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from relay.store.deciding import LASTING, Decider

if TYPE_CHECKING:
    from relay.store.sqlite.pieces import Piece

_HEAD = struct.Struct(">II")
"""Bytes of what follows, and how many pieces or answers that are."""
END = _HEAD.pack(0, 0)
"""A frame of nothing: there will be no other."""
_PROTOCOL = 5
KEPT = 8
"""Lasting values that the sender may still name; settings change seldom, and what hangs on old ones is soon done."""


class Sender:
    """Makes frames; what lasts is carried whole once, and by its number ever after."""

    def __init__(self) -> None:
        self._told: OrderedDict[int, tuple[Any, int]] = OrderedDict()
        """By its address: a lasting value that the other side has, and its number."""
        self._numbers = 0
        self._table = copyreg.dispatch_table | dict.fromkeys(LASTING, self._lasting)

    def frame(self, value: list[Any]) -> bytes:
        """A frame with these.

        Raises:
            Exception: whatever pickle says of what cannot be carried.
        """
        out = io.BytesIO()
        out.write(_HEAD.pack(0, 0))
        pickler = pickle.Pickler(out, _PROTOCOL)
        pickler.dispatch_table = self._table
        try:
            pickler.dump(value)
        except BaseException:
            self.forget()  # who knows how much of it will have been heard
            raise
        out.seek(0)
        out.write(_HEAD.pack(out.getbuffer().nbytes - _HEAD.size, len(value)))
        return out.getvalue()

    def forget(self) -> None:
        """The other side may not know what it was told: it is told again."""
        self._told.clear()

    def _lasting(self, value: Any) -> tuple[Any, ...]:
        told = self._told.get(id(value))
        if told is not None:
            return _recall, (told[1],)
        self._numbers += 1
        self._told[id(value)] = value, self._numbers
        if len(self._told) > KEPT:
            self._told.popitem(last=False)
        return _learn, (self._numbers, type(value), [getattr(value, each.name) for each in fields(value)])


_LEARNT: OrderedDict[int, Any] = OrderedDict()
"""Lasting values by the numbers that the other process gave them."""


def _learn(number: int, kind: type, values: list[Any]) -> Any:
    _LEARNT[number] = value = kind(*values)
    while len(_LEARNT) > 2 * KEPT:
        _LEARNT.popitem(last=False)
    return value


def _recall(number: int) -> Any:
    return _LEARNT[number]


def unfit(value: object) -> str | None:
    """Why a value cannot be carried, or not be read again; None where it can."""
    try:
        [(content, _)] = Frames().take(Sender().frame([value]))
        pickle.loads(content)  # noqa: S301 - what was just made
    except Exception as error:  # noqa: BLE001 - whatever pickle says
        return f"{type(error).__name__}: {error}"
    return None


class Frames:
    """Puts frames together again from the bytes that come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, came: bytes) -> list[tuple[bytes, int]]:
        """Every frame that is whole by now: what is in it, and how many pieces or answers that are."""
        self._bytes += came
        at, whole = 0, []
        while len(self._bytes) >= at + _HEAD.size:
            size, count = _HEAD.unpack_from(self._bytes, at)
            end = at + _HEAD.size + size
            if len(self._bytes) < end:
                break
            whole.append((bytes(self._bytes[at + _HEAD.size : end]), count))
            at = end
        del self._bytes[:at]
        return whole


def deciders(piece: Piece) -> list[Decider]:
    """The decisions that a piece of work asks for, in the same order on both sides."""
    if piece.together is not None:
        given = piece.item if isinstance(piece.item, tuple) else (piece.item,)
    else:
        given = (*getattr(piece.work, "args", ()), *getattr(piece.work, "keywords", {}).values())
    return [each for each in given if isinstance(each, Decider)]
