"""The yardstick of writing down: raw SQLite, so many bodies to a commit, with the durability that the ledger has."""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.load import Bodies


def rows_a_second(folder: Path, batch: int, seconds: float) -> float:
    """Bodies written down a second, `batch` to a commit."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    for pragma in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"pragma {pragma}")
    connection.execute("create table events (seq integer primary key, id text unique, body blob)")
    bodies, written = Bodies(), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute("begin immediate")
        rows = [(f"{written + n}", bodies.next(0.0)) for n in range(batch)]
        connection.executemany("insert into events (id, body) values (?, ?)", rows)
        connection.execute("commit")
        written += batch
    connection.close()
    return written / (time.perf_counter() - began)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps({"rate": rows_a_second(Path(place), int(sys.argv[1]), float(sys.argv[2]))}))  # noqa: T201 - this is what the process is for
