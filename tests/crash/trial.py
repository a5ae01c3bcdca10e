"""One trial: load and a nemesis, then quiet, then the reckoning."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay import failpoints
from relay.models import State
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.backup import Copy, back_up, verify
from tests.crash.load import Load
from tests.crash.mutants import MUTANTS
from tests.crash.relays import Relays
from tests.crash.world import LIST_LAG, World
from tests.patience import HUNG

if TYPE_CHECKING:
    from relay.store import Store

DRAIN_MOST = HUNG
KNOWN_AFTER = 10.0
"""Seconds that it may take, on a machine that is busy, from reading a STOP to its commit."""
LOOK_EVERY = 5
"""Every so many kills, what is on the disk is looked at before the next start."""
_TOLD = 8
"""Of what went wrong, so many are told one by one."""


@dataclass
class Reckoning:
    """What a trial found; the lists are empty, and `twice` is 0, when the promises were kept."""

    seed: int
    mutant: str | None
    faults: dict[str, int] = field(default_factory=dict)
    acked: int = 0
    lost: int = 0
    unexpected: int = 0
    recovered: int = 0
    duplicated: int = 0
    repeats: int = 0
    texts: int = 0
    twice: int = 0
    falsely_told: int = 0
    """People of whom the CRM was told that they had been texted, and were not."""
    unexplained: int = 0
    """Missed calls whose text neither went out nor carries a reason."""
    stops: int = 0
    after_stop: int = 0
    """People for whom a text was begun although the ledger knew that they had asked for none."""
    states: dict[str, int] = field(default_factory=dict)
    network: dict[str, dict[str, int]] = field(default_factory=dict)
    """Connections between the parts, by what was wrong with them."""
    files: int = 0
    """Files that the last relay had open when everything was settled."""
    slowest_start: float = 0.0
    useless: float = 0.0
    """Of several relays: seconds from the last fault that hit one until it took a call again, at most."""
    useless_after: list[str] = field(default_factory=list)
    """What had hit that one since it last took a call."""
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        lost = self.lost, self.unexpected, self.unexplained
        texted = self.twice, self.after_stop, self.falsely_told
        return not any((*lost, *texted, *self.wrong)) and self.acked > 0

    def compare(self, load: Load, world: World) -> None:
        """Hold what was said against what the world accepted."""
        accepted, texted = set(world.crm.calls), world.texted
        self.acked = len(load.acked)
        self.lost = len(set(load.acked) - accepted)
        self.unexpected = len(accepted - set(load.attempted))
        self.recovered = len(accepted - set(load.acked))
        self.duplicated = sum(times - 1 for times in world.crm.calls.values())
        self.repeats = load.repeats
        self.texts = texted.total()
        self.twice = sum(times > 1 for times in texted.values())
        self.falsely_told = len(set(world.crm.texted) - set(texted))
        if world.crm.confused:
            self.wrong.append(f"{len(world.crm.confused)} idempotency keys came with other contents")

    def public(self) -> dict[str, Any]:
        """As JSON."""
        return {"good": self.good, **asdict(self)}


async def try_out(
    folder: Path,
    *,
    seed: int,
    kills: int,
    mutant: str | None = None,
    pause: float = 0.3,
    weather: float | None = None,
    texts: int = 0,
) -> Reckoning:
    """Load one relay after the other in `folder`, end each by surprise, and reckon.

    With `weather` all parts are joined by a bad network, for so many seconds beyond the kills. `texts` must have gone
    out before it ends, however long that takes.
    """
    dice = random.Random(seed)  # noqa: S311 - the same faults in every run
    broken = MUTANTS.get(mutant or "")
    world = World(dice, seed, lag=broken.lag if broken else LIST_LAG)
    await world.start()
    relays = Relays(folder, world, settle=broken.settle if broken else "3s", mutant=mutant)
    load = Load(relays, dice, pause, world.phone.phone)
    nemesis = Nemesis(relays, world, load, dice)
    began = time.monotonic()
    try:
        if weather is not None:
            await world.cloud_over(lambda: relays.url, dice)
        await relays.open()
        await relays.start()
        load.start()
        for number in range(kills):
            await nemesis.strike(look=number % LOOK_EVERY == 0)
        await asyncio.sleep(weather or 0.0)
        await world.has_texted(texts)
        await load.stop()
        world.calm()
        drained = await nemesis.drain()
        await nemesis.judge_backups()
    finally:
        await relays.close()
        await world.stop()
    found = Reckoning(
        seed, mutant, dict(nemesis.faults), slowest_start=round(max(relays.starts[1:] or relays.starts), 2)
    )
    found.network = {name: dict(proxy.seen) for name, proxy in world.proxies.items()}
    found.files = nemesis.files
    found.wrong += [*relays.wrong, *nemesis.wrong, *load.wrong, *drained]
    await reckon(found, relays.ledger, load, world)
    found.wrong = [*found.wrong[:_TOLD], f"and {len(found.wrong) - _TOLD} more"] if found.wrong[_TOLD:] else found.wrong
    found.seconds = round(time.monotonic() - began, 1)
    return found


class Nemesis:
    """Ends relays: by signal, at a named place, or when a text was just accepted."""

    def __init__(self, relays: Relays, world: World, load: Load, dice: random.Random) -> None:
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.files = 0
        self._backups: list[tuple[asyncio.Future[Copy], bool]] = []
        """Each with whether anything had been acknowledged when it began."""
        self._relays = relays
        self._world = world
        self._load = load
        self._dice = dice

    async def strike(self, *, look: bool) -> None:
        """One fault, and a relay that runs again afterwards."""
        await asyncio.sleep(self._dice.uniform(0.05, 0.6) + (self._dice.random() < 0.3) * 1.0)
        await self._disturb()
        roll = self._dice.random()
        if roll < 0.1:
            self.faults["stop"] += 1
            self._relays.signal(signal.SIGSTOP)
            await asyncio.sleep(self._dice.uniform(0.3, 1.2))
            self._relays.signal(signal.SIGCONT)
            return
        if roll < 0.25:
            self.faults["term"] += 1
            if (code := await self._relays.end(signal.SIGTERM)) != 0:
                self.wrong.append(f"SIGTERM ended with {code}")
        elif roll < 0.35:
            await self._kill_at_the_phone()
        else:
            self.faults["kill"] += 1
            await self._relays.end(signal.SIGKILL)
        await self._restart(look=look)

    async def _disturb(self) -> None:
        """Now and then something is going on when the fault comes: a reload, or a backup."""
        roll = self._dice.random()
        if roll < 0.1:
            self.faults["reload"] += 1
            self._relays.rewrite(f"# rewritten before fault {self.faults.total()}")
            self._relays.signal(signal.SIGHUP)
        elif roll < 0.2:
            self.faults["backup"] += 1
            folder = self._relays.ledger.parent / "copies"
            backup = asyncio.to_thread(back_up, self._relays.ledger, folder, time.time())
            self._backups.append((asyncio.ensure_future(backup), bool(self._load.acked)))
        else:
            return
        await asyncio.sleep(self._dice.uniform(0.0, 0.1))

    async def judge_backups(self) -> None:
        """Every copy that was made in the middle of it all is sound."""
        copies = await asyncio.gather(*(backup for backup, _ in self._backups), return_exceptions=True)
        for copy, (_, holds) in zip(copies, self._backups, strict=True):
            if isinstance(copy, BaseException):
                self.wrong.append(f"a backup failed: {copy}")
            elif (wrong := verify(copy.file, thorough=True).wrong) or (holds and not copy.events):
                self.wrong.append(f"a backup is not sound: {wrong}")

    async def _kill_at_the_phone(self) -> None:
        """The edge that lies outside: the phone system has accepted a text, and nobody was told."""
        self._world.accepted = lambda: self._relays.signal(signal.SIGKILL)
        died = await self._relays.end(None, 2.0) is not None
        self._world.accepted = lambda: None
        self.faults["phone" if died else "kill"] += 1
        if not died:
            await self._relays.end(signal.SIGKILL)

    async def _restart(self, *, look: bool) -> None:
        """Start again, once in three times with a place armed, until a relay stands."""
        if look:
            await self._look()
        while self._dice.random() < 0.3:
            place = self._dice.choice([*failpoints.WEBHOOK, *failpoints.TEXT])
            await self._relays.start({"RELAY_FAILPOINT": f"{place}:kill@{self._dice.randint(1, 30)}"})
            if await self._relays.end(None, 2.0) is None:
                await self._relays.end(signal.SIGKILL)
                self.faults["kill"] += 1
            else:
                self.faults[place] += 1
        await self._relays.start()

    async def _look(self) -> None:
        """What lies on the disk between two relays is sound, and holds whatever was acknowledged."""
        copy = self._relays.ledger.with_name("look.db")
        acked = set(self._load.acked.values())
        for suffix in ("", "-wal"):
            beside = self._relays.ledger.with_name(self._relays.ledger.name + suffix)
            target = copy.with_name(copy.name + suffix)
            target.unlink(missing_ok=True)
            if beside.exists():
                shutil.copy(beside, target)
        self.wrong += await asyncio.to_thread(_unsound, copy, acked)

    async def drain(self) -> list[str]:
        """Let the last relay do all that is owed, and stop it; answers what went wrong."""
        if not self._relays.url:
            await self._relays.start()
        ledger = SqliteStore(self._relays.ledger, read_only=True)
        end = time.monotonic() + DRAIN_MOST
        wrong = []
        while await owed(ledger):
            if time.monotonic() > end:
                wrong.append(f"still owed after {DRAIN_MOST:g} s: {await owed(ledger)}")
                break
            await asyncio.sleep(0.2)
        await ledger.close()
        self.files = _open_files(self._relays.pid)
        code = await self._relays.end(signal.SIGTERM)
        return wrong if code == 0 else [*wrong, f"the last SIGTERM ended with {code}"]


def _open_files(pid: int) -> int:
    """Files, sockets among them, that a process has open; 0 where the system does not tell."""
    told = Path(f"/proc/{pid}/fd")
    return len(list(told.iterdir())) if told.exists() else 0


def _unsound(file: Path, acked: set[str]) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        said = connection.execute("pragma integrity_check").fetchone()[0]
        there = {row[0] for row in connection.execute("select id from events")}
    missing = acked - there
    wrong = [] if said == "ok" else [f"after a kill: {said}"]
    return [*wrong, f"after a kill {len(missing)} acknowledged events were missing"] if missing else wrong


async def owed(ledger: Store) -> dict[str, int]:
    """What is not settled yet, by state."""
    unplanned = (await ledger.totals())["unplanned"]  # first: what is planned between the two is seen by the second
    states = await ledger.states()
    unsettled = {state: count for state, count in states.items() if count and not State(state).settled}
    return {**unsettled, "unplanned": unplanned} if unplanned else unsettled


async def reckon(found: Reckoning, path: Path, load: Load, world: World) -> None:
    """Compare what was said, what is in the ledger, and what the world accepted."""
    found.compare(load, world)
    try:
        found.wrong += back_up(path, path.parent / "copies", time.time()).wrong
    except Exception as error:  # noqa: BLE001 - an unsound file is a finding
        found.wrong.append(str(error))
    with closing(sqlite3.connect(path)) as connection:
        found.unexplained = _unexplained(connection, load)
        found.stops, found.after_stop = load.stops, _after_stop(connection)
        found.states = dict(connection.execute("select state, count(*) from deliveries group by state"))


def _after_stop(connection: sqlite3.Connection) -> int:
    [count] = connection.execute(
        "select count(distinct recipient) from texts join events on events.caller = texts.recipient "
        "where events.type = 'text.received' and texts.run <> '' and texts.at > events.received_at + ?",
        (KNOWN_AFTER,),
    ).fetchone()
    return int(count)


def _unexplained(connection: sqlite3.Connection, load: Load) -> int:
    explained = {
        row[0]
        for row in connection.execute(
            "select event from deliveries where kind = 'text' and (state = 'delivered' or reason is not null)"
        )
    } | {row[0] for row in connection.execute("select event from verdicts where verdicts like '%suppressed%'")}
    missed = {event for call, event in load.acked.items() if load.attempted[call][0] == "call.missed"}
    return len(missed - explained)
