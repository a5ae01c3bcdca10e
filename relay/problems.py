"""Errors as people and programs are told of them over HTTP: application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER = {"Server": "relay"}
"""In place of the names and versions of the programs that answer."""
_TITLES = {
    400: "Bad request",
    401: "Not proved",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    413: "Too large",
    415: "Unsupported media type",
    417: "Expectation failed",
    421: "Misdirected request",
    422: "Not an event",
    429: "Too many refused requests",
    500: "Internal error",
    503: "Unavailable",
}
CAUSES = {
    400: "the body is no sound JSON (broken, a name twice, NaN, too deep), or the request is no sound HTTP",
    401: "the header that proves the sender is missing or wrong; `relay refused` says which",
    404: "the address names no source of relay.yaml",
    405: "webhooks are posted; another method came",
    408: "the body did not arrive whole within 10 seconds",
    413: "the body is larger than 256 KiB",
    415: "the content type is not application/json",
    417: "an expectation other than 100-continue",
    421: "a host name that is not the relay's: a page elsewhere may be asking by way of a browser",
    422: "JSON that is no object, or a call whose id or type cannot be used",
    429: "more than 60 refused requests at once from one address, then more than 10 a second",
    500: "a fault of the relay; its log says which",
    503: "the relay is stopping, or the ledger cannot be written: nothing was kept, and it is to be sent again",
}
"""Status → why it is answered; the reference shows it."""
# Said of every refusal alike: a stranger learns nothing from the words.
_DETAILS = {
    401: "The sender did not prove itself. See the relay's list of refused requests for the reason.",
    404: "There is nothing at this address.",
}


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error: what happened, and what to do about it."""
    body: dict[str, Any] = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status}
    body["detail"] = _DETAILS.get(status, detail)
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        content_type="application/problem+json",
        headers={**SERVER, **(headers or {})},
    )
