"""A process that is killed: for each line on stdin it forks a child that accepts events for ever.

The child prints its process id, then each acknowledged event's id; `gone` follows when it is dead.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from relay.intake import merge
from relay.models import Event
from relay.store.sqlite import SqliteStore


async def accept_for_ever(path: Path, name: str) -> None:
    store = SqliteStore(path)

    async def sender(place: int) -> None:
        number = 0
        while True:
            number += 1
            key = f"{name}-{place}-{number}"
            event = Event(f"evt_{key}", "callscaler", "call.missed", key, 1.0, call={"id": key})
            accepted = await store.accept(event, b"x" * 500, merge)
            os.write(1, f"{accepted.event}\n".encode())

    await asyncio.gather(*(sender(place) for place in range(8)))


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.write(1, f"{os.getpid()}\n".encode())
        asyncio.run(accept_for_ever(Path(sys.argv[1]), line.strip()))
    os.waitpid(child, 0)
    os.write(1, b"gone\n")
