"""Three relays on one PostgreSQL, under load; a nemesis ends them, freezes them, cuts wires, and fells the server."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import asyncpg

from relay.store.nodes import ALIVE
from relay.store.postgres import PostgresStore
from tests.crash.load import Load
from tests.crash.proxy import Proxy
from tests.crash.relays import Relays
from tests.crash.trial import DRAIN_MOST, Reckoning, owed
from tests.crash.world import World
from tests.patience import PATIENCE
from tests.postgres import make_database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.postgres import Server

CLOCKS_OFF = (0.0, 60.0, -60.0)
"""Seconds by which the clocks of the relays' machines are ahead; one relay each."""
AS_RECEIVED = 20.0
"""Seconds by which an event's moment may lie outside of when it was sent and acknowledged."""
MINUTE = 60.0
"""Seconds of a long freeze: beyond every lease."""
LONG_APART = 40
"""Faults from one long freeze to the next."""
_DELIVERED = re.compile(r'^relay_deliveries_total\{.*outcome="delivered".*\} (\S+)$', re.MULTILINE)


class Sharer(Relays):
    """One of the relays; its ledger is the database behind a wire of its own."""

    def __init__(
        self,
        folder: Path,
        world: World,
        url: str,
        *,
        settle: str = "3s",
        mutant: str | None = None,
        clock_off: float = 0,
    ) -> None:
        """`clock_off` is how many seconds its machine's clock is ahead."""
        folder.mkdir()
        super().__init__(folder, world, settle=settle, mutant=mutant)
        self._environment = {"RELAY_STORE": url, "CLOCK_OFF": str(clock_off)}

    async def start(self, environment: Mapping[str, str] | None = None) -> None:
        await super().start({**self._environment, **(environment or {})})


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
    long_freezes: int = 0,
    texts: int = 0,
) -> Reckoning:
    """Load relays on one server, do `faults` bad things to them and to it, and reckon.

    `long_freezes` of them are freezes for a minute, during which the others are struck on. `texts` must have gone out
    before it ends, however long that takes.
    """
    dice = random.Random(seed)  # noqa: S311 - the same faults in every run
    world = World(dice, seed)
    await world.start()
    direct = await make_database(server.url())
    proxy = Proxy(server.port)
    await proxy.start()
    wired = direct.replace(f":{server.port}/", f":{proxy.port}/")
    sharers = [
        Sharer(folder / f"relay{place}", world, wired, mutant=mutant, clock_off=off)
        for place, off in enumerate(CLOCKS_OFF)
    ]
    cluster = Cluster(sharers, dice)
    load = Load(cluster, dice, pause)
    watch = Watch(cluster.relays, load)
    nemesis = Nemesis(cluster, server, proxy, dice, watch)
    began = time.monotonic()
    try:
        for relay in cluster.relays:
            await relay.open()
        await asyncio.gather(*(relay.start() for relay in cluster.relays))
        load.start()
        watch.start()
        for place in range(faults):
            await nemesis.strike(long=place < long_freezes * LONG_APART and place % LONG_APART == 0)
        await nemesis.thaw()
        wrong_of_use = await watch.stop()
        await world.has_texted(texts)
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
    found.wrong += [*tracebacks, *nemesis.wrong, *wrong_of_use, *load.wrong, *wrong]
    found.useless, found.useless_after = round(watch.longest, 2), watch.story
    await _reckon(found, direct, load, world)
    found.seconds = round(time.monotonic() - began, 1)
    return found


class Watch:
    """Whether each relay is of use: it takes a call at its own door, and what is owed goes out by its own hands."""

    def __init__(self, relays: Sequence[Sharer], load: Load) -> None:
        self.longest = 0.0
        """Seconds from the last fault that hit a relay until it took a call again, at most."""
        self._relays = relays
        self._load = load
        self.story: list[str] = []
        """What hit that relay meanwhile."""
        self._since: dict[Sharer, float] = {}
        self._hits: dict[Sharer, list[str]] = {}
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Ask each relay again and again."""
        self._tasks = [asyncio.create_task(self._ask(place, relay)) for place, relay in enumerate(self._relays)]

    def hit(self, fault: str, *relays: Sharer) -> None:
        """A fault that hit these is over, or has just been done; one that comes on top counts anew."""
        for relay in relays:
            self._since[relay] = time.monotonic()
            self._hits.setdefault(relay, []).append(fault)

    def pardon(self, relay: Sharer) -> None:
        """It is frozen, and can take nothing."""
        self._since.pop(relay, None)
        self._hits.pop(relay, None)

    async def stop(self) -> list[str]:
        """Have each take one more call and make one more delivery; answers who did not in time."""
        self.hit("the end", *self._relays)
        made = await asyncio.gather(*(self._delivers_again(relay) for relay in self._relays))
        end = time.monotonic() + PATIENCE
        while self._since and time.monotonic() < end:  # noqa: ASYNC110 - by the clock, as people wait
            await asyncio.sleep(0.05)
        self._over = True
        await asyncio.gather(*self._tasks)
        wrong = [f"relay {place} delivers nothing any more" for place, well in enumerate(made) if not well]
        if self._since:
            wrong.append("a relay takes no calls any more")
        return wrong

    async def _ask(self, place: int, relay: Sharer) -> None:
        number = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while not self._over:
                asked, number = self._since.get(relay), number + 1
                taken = await self._load.send_one(session, f"w-{place}-{number}", relay)
                if taken and asked is not None and self._since.get(relay) == asked:
                    took, hits = time.monotonic() - self._since.pop(relay), self._hits.pop(relay)
                    if took > self.longest:
                        self.longest, self.story = took, hits
                await asyncio.sleep(0.2)

    async def _delivers_again(self, relay: Sharer) -> bool:
        end, before = time.monotonic() + PATIENCE, None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while time.monotonic() < end:
                try:
                    async with session.get(f"{relay.admin}/metrics") as answer:
                        made = sum(map(float, _DELIVERED.findall(await answer.text())))
                except (aiohttp.ClientError, TimeoutError, OSError):
                    made = None
                if None not in (made, before) and made != before:
                    return True
                before = made if before is None else before
                await asyncio.sleep(0.2)
        return False


class Nemesis:
    """Does bad things to relays, to the wires, and to the server."""

    def __init__(self, cluster: Cluster, server: Server, proxy: Proxy, dice: random.Random, watch: Watch) -> None:
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._cluster = cluster
        self._server = server
        self._proxy = proxy
        self._dice = dice
        self._watch = watch
        self._frozen: dict[Sharer, asyncio.Task[None]] = {}

    async def strike(self, *, long: bool = False) -> None:
        """One fault; whoever ended runs again afterwards. `long`: one is frozen for a minute, and nobody waits for it.

        One at a time, so that somebody is left to strike.
        """
        if long:
            await self.thaw()
        await asyncio.sleep(self._dice.uniform(0.05, 0.6))
        relay = self._dice.choice([one for one in self._cluster.relays if one not in self._frozen])
        roll = self._dice.random()
        if long:
            self.faults["freeze of a minute"] += 1
            self._frozen[relay] = asyncio.create_task(self._freeze(relay, MINUTE))
        elif roll < 0.4:
            self.faults["kill"] += 1
            self._watch.hit("kill", relay)
            await relay.end(signal.SIGKILL)
            await self._again(relay)
        elif roll < 0.5:
            self.faults["term"] += 1
            if (code := await relay.end(signal.SIGTERM)) != 0:
                self.wrong.append(f"SIGTERM ended with {code}")
            self._watch.hit("term", relay)
            await self._again(relay)
        elif roll < 0.65:
            self.faults["freeze"] += 1
            await self._freeze(relay, self._dice.choice([0.5, 1.5, 6.0]))
        elif roll < 0.8:
            self.faults["cut after commit"] += 1
            self._proxy.cut_after_commits(self._dice.randint(1, 4))
            self._watch.hit("cut after commit", *self._awake)
        elif roll < 0.9:
            self.faults["cut"] += 1
            self._proxy.cut_all()
            self._watch.hit("cut", *self._awake)
        else:
            self.faults["server"] += 1
            await asyncio.to_thread(self._server.stop, "immediate")
            await asyncio.sleep(self._dice.uniform(0, 1))
            await asyncio.to_thread(self._server.start)
            self._watch.hit("server", *self._awake)

    async def thaw(self) -> None:
        """Wait until nobody is frozen."""
        await asyncio.gather(*self._frozen.values())

    @property
    def _awake(self) -> list[Sharer]:
        return [relay for relay in self._cluster.relays if relay not in self._frozen]

    async def _freeze(self, relay: Sharer, seconds: float) -> None:
        relay.signal(signal.SIGSTOP)
        self._watch.pardon(relay)
        await asyncio.sleep(seconds)
        relay.signal(signal.SIGCONT)
        self._watch.hit("freeze", relay)
        self._frozen.pop(relay, None)

    async def _again(self, relay: Sharer) -> None:
        began = time.monotonic()
        while not relay.url:
            await relay.start()
            if time.monotonic() - began > PATIENCE:
                self.wrong.append(f"a relay was of no use any more: {' | '.join(list(relay.said)[-3:])}")
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
        while (live := await _living(ledger)) < len(self._cluster.relays):
            if time.monotonic() > end:
                wrong.append(f"only {live} relays say that they live")
                break
            await asyncio.sleep(0.2)
        await ledger.close()
        codes = await asyncio.gather(*(relay.end(signal.SIGTERM) for relay in self._cluster.relays))
        return [*wrong, *(f"the last SIGTERM ended with {code}" for code in codes if code != 0)]


async def _reckon(found: Reckoning, url: str, load: Load, world: World) -> None:
    """Compare what was said, what is in the database, and what the world accepted."""
    found.compare(load, world)
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
    moments = {row["id"]: row["received_at"] for row in await connection.fetch("select id, received_at from events")}
    await connection.close()
    found.states = {row["state"]: row["n"] for row in counted}
    if off := [call for call, event in load.acked.items() if not _fits(load.when[call], moments[event])]:
        found.wrong.append(f"{len(off)} events have a moment at which they were not sent, {off[0]} for one")
    missed = {event for call, event in load.acked.items() if load.attempted[call][0] == "call.missed"}
    found.unexplained = len(missed - explained)


async def _living(ledger: PostgresStore) -> int:
    return sum(ledger.clock() - node.seen_at < ALIVE for node in await ledger.nodes())


def _fits(between: list[float], moment: float) -> bool:
    return between[0] - AS_RECEIVED < moment < between[-1] + AS_RECEIVED
