"""Tables for people: as wide as their window, moments on the business's clock, and never a bare header."""

from __future__ import annotations

import datetime as dt
import sys
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.table import Table

_UNFOLDED = 10_000
_GAP, _NARROWEST = 2, 16


def clock(at: float, zone: str = "UTC") -> str:
    """A moment (Unix seconds) as the clock of a zone shows it: 2026-03-03 10:00 CST."""
    return dt.datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "nothing", spare: Collection[str] = ()
) -> None:
    """Print it; of no rows, the sentence `empty` on stderr.

    Where the window is too narrow, empty columns and `spare` ones go first; where not even the words fit then, each
    row is a block of lines. A file or a pipe has no width: nothing is folded or left out there, so that ids can be
    searched for.
    """
    if not rows:
        click.echo(empty, err=True)
        return
    from rich.console import Console  # noqa: PLC0415 - quick help

    console = Console(width=None if sys.stdout.isatty() else _UNFOLDED)
    kept = _kept(columns, rows, spare, console.width)
    if sum(_word(columns[n], rows, n) + _GAP for n in kept) - _GAP > console.width:
        _blocks(columns, rows, console.width)
    else:
        console.print(_table([columns[n] for n in kept], [[row[n] for n in kept] for row in rows]))


def _kept(columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Collection[str], width: int) -> list[int]:
    """The places of the columns that are shown."""
    kept = list(range(len(columns)))
    hollow = [column for n, column in enumerate(columns) if not any(row[n] for row in rows)]
    for name in (*hollow, *(name for name in spare if name not in hollow)):
        if sum(max(len(columns[n]), *(len(row[n]) for row in rows)) + _GAP for n in kept) - _GAP <= width:
            break
        kept.remove(columns.index(name))
    return kept


def _word(title: str, rows: Sequence[Sequence[str]], place: int) -> int:
    """The longest word of a column, which is never broken where that can be helped."""
    return max(len(word) for text in (title, *(row[place] for row in rows)) for word in text.split() or [""])


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> None:
    named = max(len(column) for column in columns) + _GAP
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            lines = wrap(cell, max(_NARROWEST, width - named), break_long_words=False) if cell else []
            for label, line in zip_longest((column,), lines, fillvalue="") if lines else ():
                click.echo(f"{label:<{named}}{line}")
        click.echo("")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - quick help
    from rich.text import Text  # noqa: PLC0415 - quick help

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", min_width=_word(column, rows, place))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
