"""Rows as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from relay.sandbox.route import Bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], name: str) -> Bytes:
    """A header line and one line a row; a missing value is an empty cell, a list is joined with semicolons."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return Bytes(sheet.getvalue().encode(), "text/csv", name)


def _cell(value: Any) -> Any:
    return ";".join(value) if isinstance(value, list) else value
