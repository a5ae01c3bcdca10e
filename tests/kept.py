"""A program that ends with whoever started it, however that one ends: a killed run of tests leaves no server behind.

A keeper stands between the two. Its stdin is a pipe that nobody writes to; once that is at its end, whoever held the
other end is gone, and the program is ended and its folder removed. Not the system's own signal for that (prctl(2),
PR_SET_PDEATHSIG): it is sent when the thread ends that started the program, and forgotten when a user is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def keep(
    command: Sequence[str], folder: Path, who: Mapping[str, Any], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program in a folder of its own, as that user; what is answered ends when it does, with its exit code."""
    words = [str(folder), json.dumps(dict(who)), *command]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, *words], cwd=folder, env=dict(environment),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def main(folder: str, who: str, *command: str) -> int:
    """The keeper."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this hears it too, and ends all in order
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell has what it runs in the background ignore it
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, **json.loads(who))
    left = threading.Event()

    def watch() -> None:
        os.read(0, 1)  # past Python's own stdin, whose lock would hold up the end, and abort it
        left.set()
        process.send_signal(signal.SIGQUIT)  # a server of PostgreSQL ends at once, without a goodbye

    threading.Thread(target=watch, daemon=True).start()
    code = process.wait()
    if left.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
