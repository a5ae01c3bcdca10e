"""Walking through listings: by cursor, by offset, or by page number, and never for ever.

A walk hands over what it has read before it complains, so that no row is lost to a fault behind it; whoever keeps a
high-water mark moves it only when the walk has ended without an error.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from relay.callscaler.answers import Page

    Ask = Callable[[Mapping[str, Any]], Awaitable[Page]]

MOST_PAGES = 10_000


def row_name(row: Any) -> str:
    """What tells a row from every other: its id, or all of it where it has none."""
    if isinstance(row, dict) and (name := row.get("id") or row.get("call_id")):
        return str(name)
    return json.dumps(row, sort_keys=True)


async def by_cursor(ask: Ask, values: Mapping[str, Any], *, most_pages: int = MOST_PAGES) -> AsyncIterator[Page]:
    """Follow `next_cursor` while `has_more`; remembers cursors, not rows. An answer that knows neither goes by offset.

    Raises:
        Unavailable: has_more without a next_cursor or without rows, a cursor or a page that comes twice, or no end.
    """
    cursors = {str(values.get("cursor"))}
    asked, before = dict(values), None
    for _ in range(most_pages):
        page = await ask(asked)
        if page.has_more is None and page.next_cursor is None:
            yield page
            if page.rows:
                start = int(asked.get("offset") or 0) + len(page.rows)
                async for further in by_offset(ask, {**asked, "offset": start}, most_pages=most_pages, known=page):
                    yield further
            return
        names = [row_name(row) for row in page.rows]
        if names and names == before:
            raise Unavailable("the listing answered the same page twice; ask again later")
        yield page
        if page.has_more is False or (page.has_more is None and not page.next_cursor):
            return
        if page.next_cursor is None:
            raise Unavailable("the listing says has_more without a next_cursor; ask again later")
        if page.next_cursor in cursors:
            raise Unavailable("the listing repeated a cursor; ask again later")
        if not page.rows:
            raise Unavailable("the listing says has_more and shows nothing; ask again later")
        cursors.add(page.next_cursor)
        before = names
        # A cursor beats an offset; sending both would leave it to the service which one to believe.
        asked = {**{k: v for k, v in asked.items() if k != "offset"}, "cursor": page.next_cursor}
    raise Unavailable(f"the listing did not end within {most_pages} pages; narrow it with filters")


async def by_offset(
    ask: Ask, values: Mapping[str, Any], *, most_pages: int = MOST_PAGES, known: Page | None = None
) -> AsyncIterator[Page]:
    """Raise `offset` by the rows received until the total is reached, or a page adds no new row.

    Rows that were seen (they move when new ones arrive in front) are left out. Without a total, and unless a `limit`
    was asked for, the first answer is taken to be everything.

    Raises:
        Unavailable: it has no end.
    """
    seen = {row_name(row) for row in known.rows} if known else set()
    offset = int(values.get("offset") or 0)
    asked = dict(values)
    for _ in range(most_pages):
        page = await ask(asked)
        fresh = {name: row for row in page.rows if (name := row_name(row)) not in seen}
        if not fresh and seen:
            return
        yield replace(page, rows=tuple(fresh.values()))
        seen |= fresh.keys()
        offset += len(page.rows)
        ended = page.has_more is False or (page.total is not None and offset >= page.total)
        untold = page.has_more is None and page.total is None and not values.get("limit")
        if ended or untold or not page.rows:
            return
        asked = {**values, "offset": offset}
    raise Unavailable(f"the listing did not end within {most_pages} pages; narrow it with filters")


async def by_number(ask: Ask, values: Mapping[str, Any], *, most_pages: int = MOST_PAGES) -> AsyncIterator[Page]:
    """Raise `page` by one until an answer adds no new row: the older form, with `page` and `per_page`.

    Raises:
        Unavailable: it has no end.
    """
    seen: set[str] = set()
    first = int(values.get("page") or 1)
    for number in range(first, first + most_pages):
        page = await ask({**values, "page": number})
        fresh = {name: row for row in page.rows if (name := row_name(row)) not in seen}
        if not fresh and seen:
            return
        yield replace(page, rows=tuple(fresh.values()))
        if not page.rows or page.has_more is False:
            return
        seen |= fresh.keys()
    raise Unavailable(f"the listing did not end within {most_pages} pages; narrow it with filters")
