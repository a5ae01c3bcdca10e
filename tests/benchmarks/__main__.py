"""One table on stderr, one JSON object on stdout: `make bench`, or `make bench ARGS="accepting --rounds 5"`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.figure import Figure, Setting
from tests.benchmarks.table import BENCHES


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("aiohttp", "uvloop", "pydantic_core")},
    }


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="paired runs, of which the median counts")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one run")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="run the peers too, installed into this folder")
    given = parser.parse_args()
    setting = Setting(given.rounds, given.seconds, given.peers)
    figures: list[Figure] = []
    for name, bench in BENCHES.items():
        if given.names and name not in given.names:
            continue
        sys.stderr.write(f"{name}\n")
        for figure in bench(setting):
            sys.stderr.write(f"  {figure.line()}\n")
            figures.append(figure)
    told = {"machine": machine(), "figures": [{**asdict(figure), "met": figure.met} for figure in figures]}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
