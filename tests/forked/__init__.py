"""Commands of the relay as processes of their own that cost no imports: each is a fork of one that has done them.

A start from nothing spends half a second of processor time on imports, and hundreds of tests start a command. What a
start itself must do is held where it is real: tests/test_main.py, test_end_to_end.py, tests/packaging and tests/cli.
"""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.unmeasured import environment as unmeasured

ROOT = Path(__file__).parents[2]


def relay() -> list[str]:
    """The words that stand for `relay` at the beginning of a command line."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), _door()]


def module(name: str) -> list[str]:
    """The words that stand for `python -m` and a module of the tests that has a `main` for its words."""
    return [*relay(), "-m", name]


@functools.cache
def _door() -> str:
    """Where this process's server listens; it ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="relays-")
    door = f"{folder.name}/door"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked.server", door],
        cwd=ROOT,
        env={**unmeasured(), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return door
