"""`python -m tests.crash [--kills N] [--seed N] [--mutant NAME]`: one JSON line; exit 0 when every promise was kept."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.crash.mutants import MUTANTS
from tests.crash.trial import try_out


def main() -> int:
    """Run one trial."""
    arguments = argparse.ArgumentParser(prog="python -m tests.crash")
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--mutant", choices=sorted(MUTANTS))
    arguments.add_argument("--pause", type=float, default=0.3, help="seconds between two events of a sender, at most")
    arguments.add_argument("--weather", type=float, help="seconds of bad network between all parts")
    said = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(try_out(Path(folder), **vars(said)))
    sys.stdout.write(json.dumps(found.public()) + "\n")
    return not found.good


if __name__ == "__main__":
    sys.exit(main())
