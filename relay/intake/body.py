"""JSON from strangers, read strictly: what two readers could read differently is refused.

A quick reader reads first; what it will not read, or may have read too kindly, is read again by the strict one.
"""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import from_json

from relay.errors import BadBody

DEEPEST = 32
MOST_NODES = 2000
_BIGGEST = 2**63


def read_json(body: bytes) -> Any:
    """The body as JSON.

    Raises:
        BadBody: it is not UTF-8, not JSON, too deep or too wide, or holds duplicate keys, NaN, or numbers out of range.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        return _read_slowly(body)
    # An escaped colon would count among those found, and not among those sent.
    if isinstance(value, dict) and b"\\u003" not in body and _colons(value) == body.count(b":"):
        return value
    _measure(value)
    return _read_slowly(body)


def is_printable(body: bytes) -> bool:
    """Whether JSON that was read holds nothing but printable text, so that none of it has to be looked at again.

    JSON has no other controls than these unescaped; most bodies hold none of the bytes that they begin with.
    """
    if b"\\" in body or b"\x7f" in body:
        return False
    return (b"\xc2" not in body and b"\xe2" not in body) or body.decode().isprintable()


def _colons(value: dict[str, Any]) -> int:  # noqa: C901 - one walk over everything, as this is on every webhook's way
    """How many colons the JSON of a value holds, were none escaped: fewer than were sent where a key came twice.

    -1 where that cannot be told: the value is deep or wide, or holds a number out of range.
    """
    colons, nodes = 0, 0
    level: list[Any] = [value]
    for _ in range(DEEPEST - 1):
        inner: list[Any] = []
        for part in level:
            items = part
            if type(part) is dict:
                items = part.values()
                colons += len(part) + "".join(part).count(":")
            nodes += len(part)
            if nodes > MOST_NODES:
                return -1
            for item in items:
                kind = type(item)
                if kind is str:
                    if ":" in item:
                        colons += item.count(":")
                elif kind is dict or kind is list:
                    inner.append(item)
                elif (kind is int or kind is float) and not -_BIGGEST < item < _BIGGEST:
                    return -1
        if not inner:
            return colons
        level = inner
    return -1


def _read_slowly(body: bytes) -> Any:
    """The same by the standard library, asked about everything that it would let pass: tells what is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadBody("the body is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise BadBody("the body begins with a byte order mark")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except RecursionError:
        raise BadBody(f"the body is nested deeper than {DEEPEST} levels") from None
    except json.JSONDecodeError as error:
        raise BadBody(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    _measure(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadBody("the body names a key twice")
    return found


def _constant(word: str) -> Any:
    raise BadBody(f"the body holds {word}, which is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) >= _BIGGEST:  # noqa: PLR2004 - more digits than 64 bits have
        raise BadBody("the body holds a whole number beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadBody("the body holds a number out of range")
    return number


def _measure(value: Any) -> None:
    """Refuse what is too deep or too wide to be a call, before more of it is looked at than it may hold."""
    level, nodes = [value], 0
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for part in level:
            items = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
            nodes += len(items)
            if nodes > MOST_NODES:
                raise BadBody(f"the body holds more than {MOST_NODES} values")
            inner += items
        if not inner:
            return
        level = inner
    raise BadBody(f"the body is nested deeper than {DEEPEST} levels")
