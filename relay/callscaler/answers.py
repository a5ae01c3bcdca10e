"""Reading what the API answers, in every shape that was documented or seen, into plain values or one tree of errors.

The shapes are those of the collected API facts, section 2: `{"data": …}` or the bare body; errors as a string, as an
object with code and message, as a string beside a message, as HTML, or with no body at all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from relay.callscaler.operations import Deed
from relay.errors import (
    DeliveryFailed,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unclear,
    Unfunded,
)
from relay.http import GRACE, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.callscaler.operations import Operation

_LONGEST_WORD = 300
_SECRET = re.compile(r"(cs_key_)\w+")
_NEW_KEY = (
    "create a key in CallScaler under Settings, API Keys (it begins with cs_key_), and give it as CALLSCALER_API_KEY"
)

_NOT_NOW = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
_MEANS: Mapping[int, tuple[type[Rejected], str]] = {
    401: (Unauthorized, f"the key is wrong or was revoked; {_NEW_KEY}"),
    402: (Unfunded, "the balance is too low; top it up in CallScaler"),
    403: (Forbidden, "the key may not do this; use one made by an admin or owner"),
    404: (NotFound, "there is no such thing in this account; list them to see the ids"),
    410: (NotFound, "it is gone for good"),
}


def lost(operation: Operation, reason: str) -> DeliveryFailed:
    """The error for an answer that cannot be read: reading may be asked again, anything else may have happened."""
    kind = Unavailable if operation.deed is Deed.READ else Unclear
    return kind(f"{operation.address}: {reason}")


def read_json(operation: Operation, answer: Answer) -> Any:
    """The body of a 2xx as JSON; None where an operation that changes something answers without one.

    Raises:
        Unavailable: a read was answered with something else, or with an error in a 2xx.
        Unclear: anything else was.
    """
    if not answer.body.strip():
        return _nothing(operation, answer.status, "an empty body")
    try:
        body = json.loads(answer.body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        what = "HTML" if answer.body.lstrip()[:1] == b"<" else "something that is not JSON"
        raise lost(operation, f"answered {answer.status} with {what}; is the base URL right?") from None
    if body is None:
        return _nothing(operation, answer.status, "null")
    if isinstance(body, dict) and body.get("error") and "data" not in body:
        raise lost(operation, f"answered {answer.status} with an error: {said(answer.body)}")
    return body


def _nothing(operation: Operation, status: int, what: str) -> None:
    if operation.deed is Deed.READ:
        raise lost(operation, f"answered {status} with {what}")


def refusal(operation: Operation, answer: Answer, key: str) -> DeliveryFailed:
    """The error that a status outside 2xx means: what happened, and what to do about it. The key is never in it."""
    status, words = answer.status, said(answer.body, key)
    reason = f"{operation.address}: answered {status}" + (f" ({words})" if words else "")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{reason}: too many requests; wait and ask again", retry_after=answer.retry_after)
    if status in _NOT_NOW or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if operation.deed is Deed.READ:
            return Unavailable(f"{reason}: ask again later", retry_after=answer.retry_after)
        return Unclear(f"{reason}: it may have happened; look before asking again")
    if status < HTTPStatus.BAD_REQUEST:
        return Rejected(f"{reason}: redirects are not followed; use the final base URL", grace=GRACE)
    if status == HTTPStatus.UNAUTHORIZED and "|" in key:
        return Unauthorized(f"{reason}: this is a key of the retired v2 API; {_NEW_KEY}", grace=GRACE)
    kind, advice = _MEANS.get(status, (Invalid, "mend what was sent"))
    return kind(f"{reason}: {advice}", grace=GRACE)


def no_key() -> Unauthorized:
    """The error for a key that is missing."""
    return Unauthorized(f"there is no API key; {_NEW_KEY}", grace=GRACE)


def bad_key() -> Unauthorized:
    """The error for a key that cannot be one."""
    return Unauthorized(f"the API key holds characters that no key has; {_NEW_KEY}", grace=GRACE)


def said(body: bytes, key: str = "") -> str:
    """What the service itself says is wrong, on one short line and without any key; empty when it says nothing."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "an HTML page" if body.lstrip()[:1] == b"<" else ""
    words = _words(told)
    if key:
        words = words.replace(key, "***")
    words = _SECRET.sub(r"\1***", words)
    return "".join(c if c.isprintable() else " " for c in words)[:_LONGEST_WORD].strip()


def _words(told: Any) -> str:
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return ""
    error = told.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("code")
    parts = [part for part in (error, told.get("message")) if isinstance(part, str) and part]
    return ": ".join(dict.fromkeys(parts))


def unwrap(body: Any) -> Any:
    """What is under `data`, or the body itself where there is none."""
    return body["data"] if isinstance(body, dict) and "data" in body else body


def one(body: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """The single object of an answer: under one of `names`, standing alone under another, or the body itself.

    Returns an empty mapping when there is none, as after a bare `{"success": true}`.
    """
    inner = unwrap(body)
    if not isinstance(inner, dict):
        return {}
    for name in names:
        if isinstance(inner.get(name), dict):
            return inner[name]  # type: ignore[no-any-return] # narrowed by the line above
    nested = [value for value in inner.values() if isinstance(value, dict)]
    if "id" not in inner and len(inner) == 1 and nested:
        return nested[0]
    return inner


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer, and what it said about further ones; None where it said nothing."""

    rows: tuple[Any, ...]
    total: int | None = None
    has_more: bool | None = None
    next_cursor: str | None = None


def page(operation: Operation, body: Any, names: Sequence[str]) -> Page:
    """The rows of a listing: a bare array, under one of `names`, or under the only array there is.

    Raises:
        Unavailable: there are none to be found.
    """
    inner = unwrap(body)
    told: dict[str, Any] = {}
    for layer in (body, inner):
        if isinstance(layer, dict):
            told |= layer
            told |= next((layer[k] for k in ("pagination", "meta") if isinstance(layer.get(k), dict)), {})
    total, more, cursor = told.get("total"), told.get("has_more"), told.get("next_cursor")
    return Page(
        tuple(_rows(operation, inner, names)),
        total if isinstance(total, int) and not isinstance(total, bool) else None,
        more if isinstance(more, bool) else None,
        str(cursor) if isinstance(cursor, (str, int)) and cursor else None,
    )


def _rows(operation: Operation, inner: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(inner, list):
        return inner
    if isinstance(inner, dict):
        for name in names:
            if name in inner and (inner[name] is None or isinstance(inner[name], list)):
                return inner[name] or []
        arrays = [value for value in inner.values() if isinstance(value, list)]
        if len(arrays) == 1:
            return arrays[0]
    raise lost(operation, f"answered without a list of {names[0] if names else 'rows'}")
