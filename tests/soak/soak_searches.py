"""Every search that the suite keeps short, at its whole length: histories, headers, requests, calls, falls."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sized import LONG

ROOT = Path(__file__).parents[2]
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.glob("tests/**/test_*.py")
    if re.search("from tests.sized import|from tests.sinks import", path.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("file", FILES)
def test_at_its_whole_length_it_finds_nothing(file):
    subprocess.run([sys.executable, "-m", "pytest", "--durations=3", file], env={**os.environ, LONG: "yes"}, check=True)
