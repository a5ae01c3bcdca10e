"""A pipe that is as full as it gets: whoever writes to it waits."""

import contextlib
import os


def full_pipe() -> tuple[int, int]:
    """Full of ends of lines, until somebody reads: (reading end, writing end)."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writes, b"\n" * 4096)
    os.set_blocking(writes, True)
    return reads, writes
