"""Runs full_disk.py where a disk of 32 MB can be had: in a namespace of its own, which needs no root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import HUNG

ROOT = Path(__file__).parents[2]
SMALL = 'mount -t tmpfs -o size=32m none "$SMALL_DISK" && exec "$@"'


def test_a_full_disk_loses_nothing_and_recovers(tmp_path):
    inside = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "python_files=full_disk.py"]
    try:
        ran = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", SMALL, "sh", *inside, "tests/faults/full_disk.py"],
            cwd=ROOT,
            env={**os.environ, "SMALL_DISK": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=HUNG,
        )
    except FileNotFoundError:
        pytest.skip("unshare is not installed: no disk can be made small")
    if " passed" not in ran.stdout and " failed" not in ran.stdout and "mount" in ran.stderr + ran.stdout:
        pytest.skip(f"no disk can be made small here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stdout
