"""Pages of a list, by key: each names where the next begins, so that what arrives meanwhile moves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from relay import phone
from relay.access import Parameter
from relay.access.places import WRITTEN, read_count, read_moment, read_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

PAGE = 50
MOST = 500
_WRONG = f"limit is 1 to {MOST}, before a number from an earlier page"
LIMIT = Parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE})
BEFORE = Parameter(
    "before", "`next` of the page before.", {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999}
)
PLACE = Parameter("before", "`next` of the page before.", {"type": "string", "pattern": f"^{WRITTEN}$"})


def page(request: web.Request) -> tuple[int, int | None]:
    """(limit, before) as asked.

    Raises:
        web.HTTPBadRequest: either cannot be.
    """
    written = request.query.get("before")
    before = None if written is None else read_count(written)
    if written is not None and before is None:
        raise web.HTTPBadRequest(text=_WRONG)
    return limit_of(request), before


def limit_of(request: web.Request) -> int:
    """How many are asked for.

    Raises:
        web.HTTPBadRequest: none, or too many.
    """
    limit = read_count(request.query.get("limit", str(PAGE)))
    if limit is None or not 1 <= limit <= MOST:
        raise web.HTTPBadRequest(text=_WRONG)
    return limit


def place(request: web.Request) -> tuple[float, str] | None:
    """(at, id) where the page begins.

    Raises:
        web.HTTPBadRequest: it cannot be one.
    """
    return _asked(request, read_place)


def moment(request: web.Request) -> tuple[float, int] | None:
    """(at, how many of that very moment were shown) where the page begins.

    Raises:
        web.HTTPBadRequest: it cannot be one.
    """
    return _asked(request, read_moment)


def _asked(request: web.Request, read: Callable[[str], T | None]) -> T | None:
    before = request.query.get("before")
    if before is None:
        return None
    found = read(before)
    if found is None:
        raise web.HTTPBadRequest(text="before is what `next` of an earlier page said")
    return found


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
