"""Commands of the relay as processes of their own that cost no imports: each is a fork of one that has done them.

A start from nothing spends half a second of processor time on imports, and hundreds of tests start a command. What a
start itself must do is held where it is real: tests/test_main.py, test_end_to_end.py, tests/packaging and tests/cli.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DOOR = "TESTS_FORKED"
"""In the environment: where the server of the whole run listens, or will."""


def relay() -> list[str]:
    """The words that stand for `relay` at the beginning of a command line."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), _door()]


def module(name: str) -> list[str]:
    """The words that stand for `python -m` and a module of the tests that has a `main` for its words."""
    return [*relay(), "-m", name]


def open_door() -> None:
    """Start the server, for this process and all that it starts; it ends with this process."""
    folder = tempfile.TemporaryDirectory(prefix="relays-")
    os.environ[DOOR] = f"{folder.name}/door"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("COVERAGE_PROCESS_CONFIG", None)  # the workers' only
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked.server", os.environ[DOOR]],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
    )

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)


@functools.cache
def _door() -> str:
    """Where the server listens."""
    if DOOR not in os.environ:
        open_door()
    door = Path(os.environ[DOOR])
    end = time.monotonic() + PATIENCE
    while not door.exists():
        assert time.monotonic() < end, "the server never came up"
        time.sleep(0.01)
    return str(door)
