"""Each way of being broken can be put into a relay as it stands: one that cannot would be found out by nobody."""

import subprocess
import sys
from pathlib import Path

from tests.crash.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
APPLY = "from tests.crash.mutants import MUTANTS; [(mutant.apply(), print(name)) for name, mutant in MUTANTS.items()]"


def test_every_mutant_finds_what_it_breaks():
    done = subprocess.run([sys.executable, "-c", APPLY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (list(MUTANTS), "")
