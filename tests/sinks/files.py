"""What stands of a caller's words in files."""

from __future__ import annotations

import csv
import json
import re

from tests.sinks.words import CALLS, folded

FORMULA = re.compile("[\\s\u200b\ufeff]*[=+\\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")


async def csv_file(world):
    with (world.folder / "calls.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(CALLS) + 1
    for call, *cells, _ in rows[1:]:
        for cell in cells:
            if FORMULA.match(cell):
                yield cell, "is a formula"
            if folded(CALLS[call]) not in {folded(cell), folded(cell.removeprefix("'"))}:
                yield CALLS[call], f"became {cell!r}"


async def json_lines(world):
    lines = (world.folder / "calls.jsonl").read_bytes().splitlines()
    assert len(lines) == len(CALLS)
    for row in map(json.loads, lines):
        if folded(row["name"]) != folded(CALLS[row["call"]]):
            yield CALLS[row["call"]], f"became {row['name']!r}"


async def files(world):
    known = {"calls.csv", "calls.jsonl", "relay.yaml"}
    for file in world.folder.rglob("*"):
        if file.name not in known and not file.name.startswith("relay.db"):
            yield file.name, "a file that a stranger named"
