"""`make demo` on a fresh machine: which Python it wants, and what it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path):
    """Runs make where nothing is set up yet; answers its exit code and all that it says."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def run(*words):
        done = subprocess.run(
            ["make", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def test_a_python_that_is_too_old_is_told_in_a_line_and_nothing_is_made(make, tmp_path):
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    code, said = make("demo", f"PYTHON={old}")
    assert code != 0
    assert "Python 3.11 or newer is needed" in said
    assert not (tmp_path / ".venv").exists()


def test_the_demo_is_the_command_of_the_environment_with_the_flags_that_are_handed_on(make):
    code, said = make("--dry-run", "demo", "ARGS=--once --json")
    assert code == 0
    assert said.splitlines()[-1] == ".venv/bin/relay demo --once --json"
