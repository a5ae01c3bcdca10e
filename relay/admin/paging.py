"""Pages of a list, by key: each names where the next begins, so that what arrives meanwhile moves nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay import phone
from relay.access import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 50
MOST = 500
_COUNT = re.compile(r"[0-9]{1,15}")
_PLACE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)~([\x21-\x7e]{1,200})")
LIMIT = Parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE})
BEFORE = Parameter(
    "before", "`next` of the page before.", {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999}
)
PLACE = Parameter("before", "`next` of the page before.", {"type": "string", "pattern": f"^{_PLACE.pattern}$"})


def page(request: web.Request) -> tuple[int, int | None]:
    """(limit, before) as asked.

    Raises:
        web.HTTPBadRequest: either cannot be.
    """
    before = request.query.get("before")
    if before is not None and not _COUNT.fullmatch(before):
        raise web.HTTPBadRequest(text=f"limit is 1 to {MOST}, before a number from an earlier page")
    return limit_of(request), None if before is None else int(before)


def limit_of(request: web.Request) -> int:
    """How many are asked for.

    Raises:
        web.HTTPBadRequest: none, or too many.
    """
    limit = request.query.get("limit", str(PAGE))
    if not _COUNT.fullmatch(limit) or not 1 <= int(limit) <= MOST:
        raise web.HTTPBadRequest(text=f"limit is 1 to {MOST}, before a number from an earlier page")
    return int(limit)


def place(request: web.Request) -> tuple[float, str] | None:
    """(at, id) where the page begins.

    Raises:
        web.HTTPBadRequest: it cannot be one.
    """
    before = request.query.get("before")
    if before is None:
        return None
    found = _PLACE.fullmatch(before)
    if found is None:
        raise web.HTTPBadRequest(text="before is what `next` of an earlier page said")
    return float(found[1]), found[2]


def place_after(rows: Sequence[dict[str, Any]], limit: int) -> str | None:
    """Where the next page begins; None at the end."""
    return f"{rows[-1]['at']!r}~{rows[-1]['id']}" if len(rows) == limit else None


def moment(request: web.Request) -> tuple[float, int] | None:
    """(at, how many of that very moment were shown) where the page begins.

    Raises:
        web.HTTPBadRequest: it cannot be one.
    """
    found = place(request)
    if found is None:
        return None
    if not _COUNT.fullmatch(found[1]):
        raise web.HTTPBadRequest(text="before is what `next` of an earlier page said")
    return found[0], int(found[1])


def moment_after(rows: Sequence[dict[str, Any]], before: tuple[float, int] | None, limit: int) -> str | None:
    """Where the next page begins, by moments alone, several of which may be the same; None at the end."""
    if len(rows) < limit:
        return None
    at = rows[-1]["at"]
    shown = sum(row["at"] == at for row in rows) + (before[1] if before is not None and before[0] == at else 0)
    return f"{at!r}~{shown}"


def number_asked(request: web.Request, name: str) -> str | None:
    """A telephone number of the query as E.164.

    Raises:
        web.HTTPBadRequest: it is none.
    """
    written = request.query.get(name)
    return None if written is None else read_number(written)


def read_number(written: str) -> str:
    """A telephone number as E.164.

    Raises:
        web.HTTPBadRequest: it is none.
    """
    number = phone.normalise(written[:100])
    if number is None:
        raise web.HTTPBadRequest(text="That is no telephone number; write it as +13125550101.")
    return number


def next_of(found: Sequence[Any], limit: int) -> int | None:
    """Where the next page begins; None at the end."""
    return found[-1].seq if len(found) == limit else None
