"""One worksheet of the Google stand-in: a grid of cells, read and written by ranges in A1 notation.

A1 notation and its forms: https://developers.google.com/workspace/sheets/api/guides/concepts. How `append` finds the
table it appends to: https://developers.google.com/workspace/sheets/api/guides/values#append-values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

ROWS, COLUMNS = 1000, 26
"""Size of a new worksheet."""
CELL_MOST = 50_000
"""Characters in one cell: https://support.google.com/drive/answer/37603."""

Cell = str | int | float | bool

_RANGE = re.compile(r"(?:(?:'((?:[^']|'')+)'|([^'!]+))!)?(?:([A-Z]{1,3})?([1-9]\d*)?(?::([A-Z]{1,3})?([1-9]\d*)?)?)")


class BadRange(Exception):
    """The range cannot be read, or lies outside the grid; the message is Google's."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells counted from 0; ends are exclusive, None when open."""

    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None


def read_range(text: str, titles: list[str]) -> tuple[str, Area]:
    """The worksheet and the rectangle that a range names.

    Raises:
        BadRange: when it names no worksheet of these titles or is no range.
    """
    if text in titles:
        return text, Area()
    found = _RANGE.fullmatch(text)
    if found is None or not titles:
        raise BadRange(f"Unable to parse range: {text}")
    quoted, plain, left, top, right, bottom = found.groups()
    title = quoted.replace("''", "'") if quoted else plain or titles[0]
    if title not in titles or (quoted and text.endswith("'!")) or (left is None and top is None):
        raise BadRange(f"Unable to parse range: {text}")
    single = ":" not in text.rpartition("!")[2]
    end_row, end_column = (top, left) if single else (bottom, right)
    return title, Area(
        top=int(top) - 1 if top else 0,
        left=_column(left) if left else 0,
        bottom=int(end_row) if end_row else None,
        right=_column(end_column) + 1 if end_column else None,
    )


def letters(column: int) -> str:
    """A column counted from 0 as people write it: 0 is A, 26 is AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _column(text: str) -> int:
    place = 0
    for letter in text:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


@dataclass(slots=True)
class Sheet:
    """A worksheet; `cells` is a list of rows, short rows are blank to their right."""

    title: str
    id: int
    rows: int = ROWS
    columns: int = COLUMNS
    cells: list[list[Cell]] = field(default_factory=list)

    def read(self, area: Area) -> list[list[Cell]]:
        """The values inside, without blank cells and rows at the end, as values.get answers them."""
        self._fits(area.top, area.left)
        picked = [_trimmed(row[area.left : area.right]) for row in self.cells[area.top : area.bottom]]
        while picked and not picked[-1]:
            picked.pop()
        return picked

    def write(self, area: Area, values: list[list[Any]]) -> Area:
        """Put values in from the top left corner on; None leaves a cell as it is.

        Raises:
            BadRange: when they do not fit into the grid or into the area.
        """
        height, width = len(values), max((len(row) for row in values), default=0)
        bottom, right = area.top + height, area.left + width
        self._fits(bottom - 1, right - 1)
        if (area.bottom is not None and bottom > area.bottom) or (area.right is not None and right > area.right):
            raise BadRange("Requested writing within range, but tried writing outside of it")
        for down, row in enumerate(values):
            for across, value in enumerate(row):
                self._put(area.top + down, area.left + across, value)
        return Area(area.top, area.left, bottom, right)

    def append(self, area: Area, values: list[list[Any]], *, insert: bool) -> tuple[Area | None, Area]:
        """Write below the table that stands in the area; answers the table and what was written.

        The first column is that of the table found, which is why blank cells at its left edge shift rows sideways.
        """
        table = self._table(area)
        start = Area(area.top, area.left) if table is None else Area(table.bottom or 0, table.left)
        if insert and table is not None:
            self.cells[start.top : start.top] = [[] for _ in values]
            self.rows += len(values)
        width = max((len(row) for row in values), default=0)
        self.rows = max(self.rows, start.top + len(values))
        self.columns = max(self.columns, start.left + width)
        return table, self.write(start, values)

    def name(self, area: Area) -> str:
        """The area in A1 notation, with the title in quotes where it needs them."""
        title = self.title if self.title.isalnum() else "'" + self.title.replace("'", "''") + "'"
        last = f"{letters((area.right or 1) - 1)}{area.bottom}"
        return f"{title}!{letters(area.left)}{area.top + 1}:{last}"

    def _table(self, area: Area) -> Area | None:
        inside = [
            place
            for place, row in enumerate(self.cells[area.top : area.bottom], area.top)
            if _trimmed(row[area.left : area.right])
        ]
        if not inside:
            return None
        last = inside[-1]
        first = last
        while first and _trimmed(self.cells[first - 1]):
            first -= 1
        while last + 1 < len(self.cells) and _trimmed(self.cells[last + 1]):
            last += 1
        rows = self.cells[first : last + 1]
        left = min(next(place for place, cell in enumerate(row) if cell != "") for row in rows)
        return Area(first, left, last + 1, max(len(_trimmed(row)) for row in rows))

    def _put(self, row: int, column: int, value: Any) -> None:
        if value is None:
            return
        while len(self.cells) <= row:
            self.cells.append([])
        cells = self.cells[row]
        cells.extend([""] * (column + 1 - len(cells)))
        cells[column] = value

    def _fits(self, row: int, column: int) -> None:
        if row >= self.rows or column >= self.columns:
            where = f"{self.title}!{letters(column)}{row + 1}"
            limits = f"Max rows: {self.rows}, max columns: {self.columns}"
            raise BadRange(f"Range ({where}) exceeds grid limits. {limits}")


def _trimmed(row: list[Cell]) -> list[Cell]:
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return row[:end]
