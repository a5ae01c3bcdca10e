"""Plays the day, and says what happens while it happens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.demo.day import script
from relay.demo.summary import Summary, count
from relay.demo.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.store.place import Place

PACE = 0.08
"""Seconds between two acts: slow enough to watch, quick enough for a coffee-free wait."""


@dataclass(frozen=True, slots=True)
class Demo:
    """How the day went."""

    summary: Summary
    differences: list[str]
    """Where the ledger and the stand-ins do not agree; nothing, or the demo has failed."""


async def play(
    store: Place,
    *,
    port: int = 0,
    said: Callable[[World, str], Awaitable[None]],
    after: Callable[[World, Demo], Awaitable[None]] | None = None,
) -> Demo:
    """Play the whole day on a ledger that may be new. `said` hears of every act; `after` runs while the world stands.

    Raises:
        TimeoutError: the day did not come to its end.
    """
    began = time.monotonic()
    async with World(store, port) as world:
        for act in script():
            await act.deed(world)
            await said(world, act.said)
            await asyncio.sleep(PACE)
        await world.settled()
        demo = Demo(*await count(world, time.monotonic() - began))
        if after is not None:
            await after(world, demo)
        return demo
