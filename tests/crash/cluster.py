"""Three relays on one PostgreSQL, under load; a nemesis ends them, freezes them, cuts wires, and fells the server."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import asyncpg

from relay.store.postgres import PostgresStore
from tests.crash.load import Load
from tests.crash.proxy import Proxy
from tests.crash.relays import Relays
from tests.crash.trial import DRAIN_MOST, Reckoning, owed
from tests.crash.world import World
from tests.postgres import make_database

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.postgres import Server

RELAYS = 3
USEFUL = 30.0
"""Seconds within which a relay must be of use again, whatever was done to it."""


class Sharer(Relays):
    """One of the relays; its ledger is the database behind a wire of its own."""

    def __init__(self, folder: Path, world: World, url: str, mutant: str | None) -> None:
        folder.mkdir()
        super().__init__(folder, world, mutant=mutant)
        self._store = url

    async def start(self, environment: Mapping[str, str] | None = None) -> None:
        await super().start({"RELAY_STORE": self._store, **(environment or {})})


class Cluster:
    """Relays of which any takes any webhook, as behind a load balancer."""

    def __init__(self, relays: list[Sharer], dice: random.Random) -> None:
        self.relays = relays
        self._dice = dice

    @property
    def door(self) -> str:
        """Where the next webhook goes."""
        standing = [relay.door for relay in self.relays if relay.door]
        return self._dice.choice(standing) if standing else ""


async def try_cluster(
    folder: Path,
    server: Server,
    *,
    seed: int,
    faults: int,
    pause: float = 0.3,
    mutant: str | None = None,
    size: int = 3,
) -> Reckoning:
    """Load relays on one server, do `faults` bad things to them and to it, and reckon."""
    dice = random.Random(seed)  # noqa: S311 - the same faults in every run
    world = World(dice, seed)
    await world.start()
    direct = await make_database(server.url())
    proxy = Proxy(server.port)
    await proxy.start()
    wired = direct.replace(f":{server.port}/", f":{proxy.port}/")
    cluster = Cluster([Sharer(folder / f"relay{n}", world, wired, mutant) for n in range(RELAYS)], dice)
    load = Load(cluster, dice, pause)
    nemesis = Nemesis(cluster, server, proxy, dice)
    began = time.monotonic()
    try:
        for relay in cluster.relays:
            await relay.open()
        await asyncio.gather(*(relay.start() for relay in cluster.relays))
        load.start()
        for _ in range(faults):
            await nemesis.strike()
        await load.stop()
        world.calm()
        wrong = await nemesis.drain(direct)
    finally:
        await asyncio.gather(*(relay.close() for relay in cluster.relays))
        await proxy.stop()
        await world.stop()
    starts = [seconds for relay in cluster.relays for seconds in relay.starts]
    found = Reckoning(seed, mutant, dict(nemesis.faults), slowest_start=round(max(starts), 2))
    tracebacks = [line for relay in cluster.relays for line in relay.wrong]
    found.wrong += [*tracebacks, *nemesis.wrong, *load.wrong, *wrong]
    await _reckon(found, direct, load, world)
    found.seconds = round(time.monotonic() - began, 1)
    return found


class Nemesis:
    """Does bad things to relays, to the wires, and to the server."""

    def __init__(self, cluster: Cluster, server: Server, proxy: Proxy, dice: random.Random) -> None:
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._cluster = cluster
        self._server = server
        self._proxy = proxy
        self._dice = dice

    async def strike(self) -> None:
        """One fault; whoever ended runs again afterwards."""
        await asyncio.sleep(self._dice.uniform(0.05, 0.6))
        relay = self._dice.choice(self._cluster.relays)
        roll = self._dice.random()
        if roll < 0.4:
            self.faults["kill"] += 1
            await relay.end(signal.SIGKILL)
            await self._again(relay)
        elif roll < 0.5:
            self.faults["term"] += 1
            if (code := await relay.end(signal.SIGTERM)) != 0:
                self.wrong.append(f"SIGTERM ended with {code}")
            await self._again(relay)
        elif roll < 0.65:
            self.faults["freeze"] += 1
            relay.signal(signal.SIGSTOP)
            await asyncio.sleep(self._dice.choice([0.5, 1.5, 6.0]))
            relay.signal(signal.SIGCONT)
        elif roll < 0.8:
            self.faults["cut after commit"] += 1
            self._proxy.cut_after_commits(self._dice.randint(1, 4))
        elif roll < 0.9:
            self.faults["cut"] += 1
            self._proxy.cut_all()
        else:
            self.faults["server"] += 1
            await asyncio.to_thread(self._server.stop, "immediate")
            await asyncio.sleep(self._dice.uniform(0, 1))
            await asyncio.to_thread(self._server.start)

    async def _again(self, relay: Sharer) -> None:
        began = time.monotonic()
        while not relay.url:
            await relay.start()
            if time.monotonic() - began > USEFUL:
                self.wrong.append(f"a relay was of no use for 30 s: {' | '.join(list(relay.said)[-3:])}")
                return

    async def drain(self, url: str) -> list[str]:
        """Let the relays do all that is owed, then stop them; answers what went wrong."""
        ledger = await PostgresStore.open(url, read_only=True)
        end, wrong = time.monotonic() + DRAIN_MOST, []
        while left := await owed(ledger):  # type: ignore[arg-type]
            if time.monotonic() > end:
                wrong.append(f"still owed after {DRAIN_MOST:g} s: {left}")
                break
            await asyncio.sleep(0.2)
        nodes = [node for node in await ledger.nodes() if ledger.clock() - node.seen_at < USEFUL]
        await ledger.close()
        if len(nodes) < len(self._cluster.relays):
            wrong.append(f"only {len(nodes)} relays say that they live")
        codes = await asyncio.gather(*(relay.end(signal.SIGTERM) for relay in self._cluster.relays))
        return [*wrong, *(f"the last SIGTERM ended with {code}" for code in codes if code != 0)]


async def _reckon(found: Reckoning, url: str, load: Load, world: World) -> None:
    """Compare what was said, what is in the database, and what the world accepted."""
    accepted, texted = set(world.crm.calls), world.texted
    found.acked = len(load.acked)
    found.lost = len(set(load.acked) - accepted)
    found.unexpected = len(accepted - set(load.attempted))
    found.recovered = len(accepted - set(load.acked))
    found.duplicated = sum(times - 1 for times in world.crm.calls.values())
    found.repeats = load.repeats
    found.texts = texted.total()
    found.twice = sum(times > 1 for times in texted.values())
    found.falsely_told = len(set(world.crm.texted) - set(texted))
    if world.crm.confused:
        found.wrong.append(f"{len(world.crm.confused)} idempotency keys came with other contents")
    ledger = await PostgresStore.open(url, read_only=True)
    if (wrong := (await ledger.balance()).wrong) is not None:
        found.wrong.append(wrong)
    await ledger.close()
    connection = await asyncpg.connect(url)
    explained = {
        row["event"]
        for row in await connection.fetch(
            "select event from deliveries where kind = 'text' and (state = 'delivered' or reason is not null) "
            "union select event from verdicts where verdicts like '%suppressed%'"
        )
    }
    counted = await connection.fetch("select state, count(*) as n from deliveries group by state")
    await connection.close()
    found.states = {row["state"]: row["n"] for row in counted}
    missed = {event for call, event in load.acked.items() if load.attempted[call][0] == "call.missed"}
    found.unexplained = len(missed - explained)
