"""What has to be written so that each key has its one row: pure, so that it can be tried without Google."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEY_COLUMN = "Relay key"
CELL_MOST = 50_000

Name = tuple[str, str]
"""A row's key column and its key."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the worksheet: the header, and for each key column the row number (from 1) of each key."""

    header: tuple[str, ...]
    places: Mapping[str, Mapping[str, int]]

    def place(self, name: Name) -> int | None:
        """The number of a key's row."""
        return self.places.get(name[0], {}).get(name[1])


@dataclass(frozen=True, slots=True)
class Plan:
    """The header as it shall be, rows to overwrite by their number, rows to append."""

    header: tuple[str, ...]
    added: int
    """How many columns at the header's right are new."""
    updates: tuple[tuple[str, list[Any]], ...]
    """Areas (A7:F7) with their values; None leaves a cell as it is."""
    appends: tuple[list[Any], ...]


def read_header(table: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The names in row 1, without blanks at the end.

    Raises:
        Invalid: there is a hole among them; Google would then look for the table's edge at the wrong place.
    """
    names = [str(cell).strip() for cell in table[0]] if table else []
    while names and not names[-1]:
        names.pop()
    if "" in names:
        where = letters(names.index(""))
        raise Invalid(f"cell {where}1 of the worksheet is blank: every column up to the last needs a name", grace=3)
    return tuple(names)


def read_places(column: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Where each key stands in its column; the first of two equal ones counts."""
    places: dict[str, int] = {}
    for number, cells in enumerate(column[1:], 2):
        if cells and cells[0] != "":
            places.setdefault(str(cells[0]), number)
    return places


def plan(found: Found, wanted: Mapping[Name, Mapping[str, Any]]) -> Plan:
    """The writes for these rows, in their order."""
    header = list(found.header)
    for cells in wanted.values():
        header += [name for name in cells if name not in header]
    header += [name for name in dict.fromkeys(column for column, _ in wanted) if name not in header]
    last = letters(len(header) - 1)
    updates: list[tuple[str, list[Any]]] = []
    appends: list[list[Any]] = []
    added = len(header) - len(found.header)
    if added:
        first = letters(len(found.header))
        updates.append((f"{first}1:{last}1", list(header[len(found.header) :])))
    for name, cells in wanted.items():
        place = found.place(name)
        row = {**cells, name[0]: name[1]}
        if place is None:
            appends.append([cell(row.get(column, "")) for column in header])
        else:
            updates.append((f"A{place}:{last}{place}", [cell(row[c]) if c in row else None for c in header]))
    return Plan(tuple(header), added, tuple(updates), tuple(appends))


def merged(rows: Iterable[tuple[Name, Mapping[str, Any]]]) -> dict[Name, dict[str, Any]]:
    """Rows of one key as one row; a later one wins, cell by cell."""
    wanted: dict[Name, dict[str, Any]] = {}
    for name, cells in rows:
        wanted.setdefault(name, {}).update(cells)
    return wanted


def cell(value: Any) -> str | int | float | bool:
    """A value as Google takes it: text, number or truth value; everything else as JSON text."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:CELL_MOST].encode("utf-8", "replace").decode()


def letters(column: int) -> str:
    """A column, counted from 0, as A1 notation names it."""
    text = ""
    place = column + 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
