"""hookspool's two processes as one server: its dispatcher as a child of this process, its intake in front."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main(command: str, home: str) -> None:
    """Run both until told to stop."""
    subprocess.run([command, "--home", home, "migrate"], check=True)
    both = [subprocess.Popen([command, "--home", home, what]) for what in ("dispatch", "intake")]

    def stop(number: int, frame: FrameType | None) -> None:
        for one in both:
            one.terminate()

    signal.signal(signal.SIGTERM, stop)
    for one in both:
        one.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
