"""Several relays on one PostgreSQL: any of them dies or stands still beyond its leases, and so does the server."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from relay.models import State
from relay.store.postgres import PostgresStore
from tests.crash.load import Load
from tests.crash.relays import Relays
from tests.crash.trial import DRAIN_MOST, Reckoning, owed
from tests.crash.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from relay.store import Store
    from tests.postgres import Server

RELAYS = 2
_PAGE = 1000


class Fleet:
    """Relays that share a ledger; senders post to any that stands."""

    def __init__(self, relays: list[Relays], dice: random.Random) -> None:
        self.relays = relays
        self._dice = dice

    @property
    def door(self) -> str:
        """Where the next webhook goes to; empty while nobody takes any."""
        doors = [one.door for one in self.relays if one.door]
        return self._dice.choice(doors) if doors else ""


async def try_many(folder: Path, server: Server, url: str, *, seed: int, kills: int) -> Reckoning:
    """Load a fleet on the ledger at `url`, end its relays and its server by surprise, and reckon."""
    dice = random.Random(seed)  # noqa: S311 - the same faults in every run
    world = World(dice, seed)
    await world.start()
    relays = []
    for number in range(RELAYS):
        (folder / str(number)).mkdir()
        relays.append(Relays(folder / str(number), world, store=url))
    fleet = Fleet(relays, dice)
    load = Load(fleet, dice, 0.3)
    faults: Counter[str] = Counter()
    found = Reckoning(seed, None)
    try:
        for one in relays:
            await one.open()
            await one.start()
        load.start()
        for _ in range(kills):
            await _strike(dice.choice(relays), server, dice, faults, found)
        await load.stop()
        world.calm()
        store = await PostgresStore.open(url, read_only=True)
        await _drain(store, found)
        for one in relays:
            if (code := await one.end(signal.SIGTERM)) != 0:
                found.wrong.append(f"the last SIGTERM ended with {code}")
        await _reckon(found, store, load, world)
        await store.close()
    finally:
        for one in relays:
            await one.close()
        await world.stop()
    found.faults = dict(faults)
    found.wrong += [*load.wrong, *(wrong for one in relays for wrong in one.wrong)]
    found.slowest_start = round(max(start for one in relays for start in one.starts[1:] or [0.0]), 2)
    return found


async def _strike(victim: Relays, server: Server, dice: random.Random, faults: Counter[str], found: Reckoning) -> None:
    await asyncio.sleep(dice.uniform(0.05, 1.2))
    roll = dice.random()
    if roll < 0.1:
        faults["server"] += 1
        await asyncio.to_thread(server.stop, "immediate")
        await asyncio.to_thread(server.start)
        return
    if roll < 0.3:
        faults["stop"] += 1
        victim.signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(0.3, 6.0))
        victim.signal(signal.SIGCONT)
        return
    number = signal.SIGTERM if roll < 0.45 else signal.SIGKILL
    faults[number.name] += 1
    code = await victim.end(number)
    if number is signal.SIGTERM and code != 0:
        found.wrong.append(f"SIGTERM ended with {code}")
    await victim.start()


async def _drain(store: Store, found: Reckoning) -> None:
    end = time.monotonic() + DRAIN_MOST
    while left := await owed(store):
        if time.monotonic() > end:
            found.wrong.append(f"still owed after {DRAIN_MOST:g} s: {left}")
            return
        await asyncio.sleep(0.3)


async def _reckon(found: Reckoning, store: Store, load: Load, world: World) -> None:
    found.compare(load, world)
    found.states = dict(await store.states())
    balance = await store.balance()
    if balance.wrong is not None:
        found.wrong.append(balance.wrong)
    explained: set[str] = set()
    place = None
    while page := await store.deliveries(limit=_PAGE, before=place):
        explained |= {one.event for one in page if one.kind == "text" and (one.state is State.DELIVERED or one.reason)}
        place = page[-1].seq
    missed = {event for call, event in load.acked.items() if load.attempted[call][0] == "call.missed"} - explained
    for event in missed:
        verdicts = await store.verdicts(event) or ()
        found.unexplained += not any(verdict.word == "suppressed" for verdict in verdicts)
