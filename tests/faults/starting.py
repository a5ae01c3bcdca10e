"""`relay serve` with less than it needs: few files, the rights of nobody, work under way that never ends."""

from __future__ import annotations

import asyncio
import os
import resource
import sys

from relay.app import App
from relay.cli import relay

NOBODY = 65534


def main(words: list[str]) -> None:
    """Serve with the configuration that is named; the environment says what is missing."""
    if "FILES" in os.environ:
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(os.environ["FILES"]),) * 2)
    if "NEVER_ENDS" in os.environ:
        App.stop = never
    if "AS_NOBODY" in os.environ and os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    relay(["-c", words[0], "serve"])


async def never(_: App) -> None:
    """Say that it waits, and wait."""
    print("waits", file=sys.stderr, flush=True)  # noqa: T201 - for whoever started this
    await asyncio.Event().wait()
