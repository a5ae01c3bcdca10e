"""Where the page of a list begins: a moment, and what tells those of one moment apart, as `before` in an address.

So what arrives meanwhile moves nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITTEN = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)~([\x21-\x7e]{1,200})"
"""How it is written: Unix seconds, a tilde, and an id or a count."""
_COUNT = re.compile(r"[0-9]{1,15}")
"""A count or a number of a row, none of which the ledger could not hold."""


def read_count(written: str) -> int | None:
    """A count, or the number of a row, from an address; None where it is none."""
    return int(written) if _COUNT.fullmatch(written) else None


def read_place(written: str) -> tuple[float, str] | None:
    """(Unix seconds, id) from an address; None where it is no place."""
    found = re.fullmatch(WRITTEN, written)
    return None if found is None else (float(found[1]), found[2])


def read_moment(written: str) -> tuple[float, int] | None:
    """(Unix seconds, how many of that very moment were shown) from an address; None where it is no moment."""
    place = read_place(written)
    shown = None if place is None else read_count(place[1])
    return None if place is None or shown is None else (place[0], shown)


def write_place(at: float, name: str) -> str:
    """The place behind the row of this moment and id."""
    return f"{at!r}~{name}"


def place_after(rows: Sequence[dict[str, Any]], limit: int) -> str | None:
    """Where the next page begins, by the last row's `at` and `id`; None at the end."""
    return write_place(rows[-1]["at"], rows[-1]["id"]) if len(rows) == limit else None


def moment_after(rows: Sequence[dict[str, Any]], before: tuple[float, int] | None, limit: int) -> str | None:
    """Where the next page begins, by moments alone, several of which may be the same; None at the end."""
    if len(rows) < limit:
        return None
    at = rows[-1]["at"]
    shown = sum(row["at"] == at for row in rows) + (before[1] if before is not None and before[0] == at else 0)
    return write_place(at, str(shown))
