"""Rows out of a large JSON listing while it comes in, holding one row at a time instead of the whole body."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from relay.callscaler.answers import lost, page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from relay.callscaler.incoming import Incoming

_ROW_CAP = 2 * 1024 * 1024
"""Characters of one row, and of a body whose rows are not found at its beginning."""
_HEAD_CAP = 16 * 1024
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PLAIN = rf"(?:{_TEXT}|[-+.\w]+)"
_BEFORE = rf"\s*\{{\s*(?:{_TEXT}\s*:\s*{_PLAIN}\s*,\s*)*"


def _head(keys: Sequence[str]) -> re.Pattern[str]:
    """What may stand before the rows: objects that open, plain values, and one of `keys` (or `data`) with an array."""
    named = "|".join(re.escape(key) for key in keys)
    return re.compile(rf'(?:{_BEFORE}"data"\s*:)?(?:{_BEFORE}"(?:{named}|data)"\s*:)?\s*\[')


async def rows(incoming: Incoming, keys: Sequence[str]) -> AsyncIterator[Any]:
    """Each row as it becomes whole. A body of another shape is read whole, up to 2 MiB, like any other answer.

    Raises:
        Unavailable: the body is no listing, ends in the middle, or holds a row that is too large.
    """
    head, buffer, inside, decode = _head(keys), "", False, codecs.getincrementaldecoder("utf-8")().decode
    async for chunk in incoming.chunks():
        try:
            buffer += decode(chunk)
        except UnicodeDecodeError:
            raise lost(incoming.operation, "answered with something that is not UTF-8") from None
        if not inside and len(buffer) <= _HEAD_CAP + len(chunk) and (start := head.match(buffer)):
            inside, buffer = True, buffer[start.end() :]
        if inside:
            found, buffer, ended = _split(incoming, buffer)
            for row in found:
                yield row
            if ended:
                return
        if len(buffer) > _ROW_CAP:
            raise lost(incoming.operation, f"answered with a row of more than {_ROW_CAP // 1024} KiB")
    if inside:
        raise lost(incoming.operation, "the listing ended in the middle")
    for row in _whole(incoming, buffer, keys):
        yield row


def _split(incoming: Incoming, buffer: str) -> tuple[list[Any], str, bool]:
    """The whole rows at the beginning of `buffer`, what is left of it, and whether the array ended."""
    found: list[Any] = []
    at = 0
    while True:
        while buffer[at : at + 1] and buffer[at] in _SPACE + ",":
            at += 1
        if buffer[at : at + 1] == "]":
            return found, "", True
        if buffer[at : at + 1] not in {"", "{"}:
            raise lost(incoming.operation, "answered with a list of something else than objects")
        try:
            row, at = _DECODER.raw_decode(buffer, at)
        except json.JSONDecodeError:
            return found, buffer[at:], False
        except (ValueError, RecursionError):
            raise lost(incoming.operation, "answered with a row that cannot be read") from None
        found.append(row)


def _whole(incoming: Incoming, body: str, keys: Sequence[str]) -> tuple[Any, ...]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        what = "HTML" if body.lstrip()[:1] == "<" else "an empty body" if not body.strip() else "no JSON"
        raise lost(incoming.operation, f"answered with {what}; is the base URL right?") from None
    return page(incoming.operation, told, keys).rows
