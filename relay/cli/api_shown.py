"""What the API answered, for people (tables) and for machines (plain JSON values)."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, SecretStr
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 10_000
"""Columns where there is no terminal: whatever reads it must not find ids cut in two."""


def plain(answer: Any) -> Any:
    """The answer as JSON values, with the fields that were told; a key just made is told, as it is the only time."""
    if isinstance(answer, BaseModel):
        told = answer.model_dump(mode="json", exclude_unset=True)
        return told | {name: value.get_secret_value() for name, value in answer if isinstance(value, SecretStr)}
    if isinstance(answer, list):
        return [plain(row) for row in answer]
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items()}
    return answer


def show(answer: Any, *, nothing: str) -> None:
    """Print plain values on stdout: a table of rows, or one line a field; `nothing` when there are none."""
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    if isinstance(answer, dict) and isinstance(answer.get("rows"), list):
        console.print(_rows(answer["rows"]))
        answer = answer.get("totals") or {}
    if isinstance(answer, dict) and answer and all(isinstance(value, dict) for value in answer.values()):
        answer = [{"id": name, **value} for name, value in answer.items()]
    if isinstance(answer, list) and answer:
        console.print(_rows([row if isinstance(row, dict) else {"value": row} for row in answer]))
    elif isinstance(answer, dict) and answer:
        console.print(_fields(answer))
    else:
        console.print(_cell(answer) if isinstance(answer, str) else Text(nothing))


def _rows(rows: list[dict[str, Any]]) -> Table:
    names = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(_cell(name), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def _fields(answer: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in answer.items():
        table.add_row(_cell(name), _cell(value))
    return table


def _cell(value: Any) -> Text:
    """Inert text: callers name themselves, so neither markup nor escape sequences may reach the terminal."""
    if value is None:
        return Text("")
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in words))
