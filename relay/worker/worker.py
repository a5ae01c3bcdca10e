"""The loop that looks at the ledger and sets going what is due, as much of it at a time as each service takes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import StoreBusy
from relay.ticks import elapsed
from relay.worker import fate
from relay.worker.ahead import Ahead, Waiting
from relay.worker.backlog import Backlog
from relay.worker.carrier import Carrier, Hooks
from relay.worker.gates import Gates
from relay.worker.hands import WorkersHands
from relay.worker.hold import Hold
from relay.worker.look import all_of, groups
from relay.worker.move import told
from relay.worker.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.planner import Planner
    from relay.store import Claimed, Store, Want
    from relay.traces import Traces
    from relay.worker.channel import Channel

log = structlog.get_logger(__name__)

POLL = 5.0
"""Seconds after which the ledger is looked at even if nobody called."""
_UNKNOWN = 500
"""Texts of unknown fate that one look-up settles at most."""


class Worker:
    """Carries what is owed."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        channels: Mapping[str, Channel],
        clock: Callable[[], float],
        metrics: Metrics,
        dice: Callable[[], float] = random.random,
        ticks: Callable[[], float] = elapsed,
        other_hands: Callable[[], int] = lambda: 0,
    ) -> None:
        """`channels` may be swapped while it runs; what is under way keeps the one it began with.

        `ticks` are seconds of a clock that nobody sets; `other_hands` counts other workers.
        """
        self.channels = channels
        self.gates = Gates(store, clock, metrics)
        self._store = store
        self._planner = planner
        self._clock = clock
        self._ticks = ticks
        self._called = asyncio.Event()
        self.turned_at = float("-inf")
        """When it last looked at the ledger, on the monotonic clock."""
        self._under_way: dict[str, int] = {}
        self._ahead = Ahead()
        self._backlog = Backlog(store.call_others, ticks)
        self._turns = Turns(other_hands, dice)
        hooks = Hooks(lambda: self.channels, self._leave, self._ahead.took, self._expect_more)
        self._carrier = Carrier(store, planner, clock, metrics, dice, hooks)
        self.hands = WorkersHands(
            store,
            lambda: self.channels,
            self._under_way,
            self._ahead,
            self._backlog,
            self.gates,
            self._advance,
            clock,
            ticks,
        )
        """Take what is planned."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: set[asyncio.Task[Any]] = set()
        """Those that have sent and only write down."""
        self._more = False
        """Whether what has just ended may have made something else fall due."""
        self._looking_up = False
        """Whether a look-up is under way: more of them at once would only make the phone system slower."""
        self._again = False
        """Whether the last look may have left something that can be done at once."""
        self._looked_at = float("-inf")
        self._lingering: float | None = None
        self._freed_at = float("-inf")

    @property
    def under_way(self) -> Mapping[str, int]:
        """How many tries are being made, by connector."""
        return self._under_way

    @property
    def traces(self) -> Traces:
        """Told of every try."""
        return self._carrier.traces

    @traces.setter
    def traces(self, traces: Traces) -> None:
        self._carrier.traces = traces

    def call(self) -> None:
        """Something may have fallen due."""
        self._called.set()

    async def run(self) -> None:
        """Work until cancelled; a ledger that is busy is asked again."""
        while True:
            busy = self._called.is_set()
            self._called.clear()
            try:
                await self._planner.let_in()
                while await self.turn():
                    busy = True
                    if not self._again:
                        break
                    await self._planner.let_in()
                pause = await self._pause(busy=busy)
            except StoreBusy as error:
                log.error("deliveries wait for the ledger", why=str(error))
                pause = POLL
            try:
                async with asyncio.timeout(pause):
                    await self._called.wait()
            except TimeoutError:
                continue

    async def turn(self) -> int:
        """One look at the ledger: what is ripe, what is due, what is unknown; answers how much was set going."""
        self.turned_at = time.monotonic()
        now, channels = self._clock(), self.channels
        self._looked_at = now
        if not 0 <= now - self._freed_at < POLL:
            self._freed_at = now
            await self._store.free_leases(now=now, settle=self._settle, everything=False)
        await self.gates.look(channels, now)
        await self._give_back(lambda name: channels.get(name) if self.gates.lets_through(name) else None)
        wants = {name: want for name, channel in channels.items() if (want := self._want(channel)).slots > 0}
        ticks = self._ticks()
        # One commit for all three, in this order.
        ripe, taken, unknown = await all_of(
            self._planner.ripen_next(),
            self._store.claim(wants, now=now),
            self._claim_unknown(now),
        )
        self._lingering = taken.linger_until
        for name, group in groups(taken.claimed):
            hold = Hold(channels[name].window, ticks, self._ticks)
            if len(group) == 1 and self._under_way.get(name, 0) >= channels[name].concurrency:
                self._ahead.put(Waiting(channels[name], group[0], hold))
                continue
            await channels[name].begin()
            self._start(name, self._carry(channels[name], group, hold, probe=self.gates.begin(name)))
        if unknown:
            self._looking_up = True
            self._start("", self._look_up(unknown))
        more = self._backlog.looked(channels, wants, taken.claimed, self.gates.lets_through)
        self._again = more or ripe > 0
        self.hands.look()
        return ripe + len(taken.claimed) + len(unknown)

    async def _claim_unknown(self, now: float) -> list[Claimed]:
        if self._looking_up:
            return []
        return await self._store.claim_unknown(now=now, lease=fate.LEASE, limit=_UNKNOWN)

    def _want(self, channel: Channel) -> Want:
        """What may be claimed for a connector now: what may begin, and what may wait for its turn."""
        lets_through = self.gates.lets_through(channel.name)
        ahead = self._ahead.most(channel) - self._ahead.count(channel.name) if lets_through else 0
        return self.gates.want(channel, self._under_way.get(channel.name, 0), ahead)

    async def _give_back(self, keep: Callable[[str], Channel | None]) -> None:
        """Let others, or us at a better time, have what was claimed and may not begin any more."""
        given = [claimed.delivery for claimed in self._ahead.take_back(keep)]
        if given:
            await self._store.give_back(given)

    def _advance(self, name: str) -> None:
        """Begin what waits for its turn, as far as there is room; claim more once little is left of it.

        What may not begin any more is given back at the next look.
        """
        channel = self.channels.get(name)
        if channel is None or not self.gates.lets_through(name):
            self.call()
            return
        over = False
        while self._under_way.get(name, 0) < channel.concurrency:
            waiting = self._ahead.next(channel)
            if waiting is None:
                over = self._ahead.count(name) > 0
                break
            self._start(name, self._carry(channel, [waiting.claimed], waiting.hold, probe=False))
        self.hands.look()
        if over or (self._backlog.may_hold(name) and self._ahead.is_low(channel)):
            self.call()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way; a text that is cut off becomes unknown, all else is tried again."""
        with contextlib.suppress(StoreBusy):  # then their leases run out
            await self.hands.close()
            await self._give_back(lambda name: None)  # noqa: ARG005 - none is kept
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=max(0.0, seconds))
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def _settle(self) -> float:
        return self._planner.book.policy.settle

    async def _pause(self, *, busy: bool) -> float:
        looks_up = not self._looking_up  # what falls due for it meanwhile is looked up when that is over
        due_at = await self._store.next_due_at(list(self.channels), now=self._looked_at, unknown=looks_up)
        now = self._clock()
        moments = [
            self._turns.at(due_at, busy=busy),
            self.gates.next_probe(self.channels, now),
            self._lingering,
        ]
        waits = [max(0.0, moment - now) for moment in moments if moment is not None]
        waits += [pause for channel in self.channels.values() if (pause := channel.pause) is not None]
        if self._store.shared and self._backlog.left is not None:
            waits.append(self._backlog.left)
        return min([POLL, *waits])

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._under_way[name] = self._under_way.get(name, 0) + 1
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(name, done))

    def _leave(self, name: str) -> None:
        """What went well makes room for the next before it is written down: its service is done with it.

        What failed keeps its place until then, as the breaker may close the way.
        """
        task = asyncio.current_task()
        if task in self._tasks and task not in self._left:
            self._left.add(task)
            self._under_way[name] -= 1
            self._advance(name)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task in self._left:
            self._left.discard(task)
        else:
            self._under_way[name] -= 1
            self._more = True
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Its lease runs out and it is taken again; nothing is lost, and nothing is hidden.
            why = told(error) if isinstance(error, Exception) else type(error).__name__
            log.error("a delivery ended without being settled", connector=name, why=why)
        if self._more:
            self._more = False
            self.call()
        self._advance(name)

    async def _carry(self, channel: Channel, group: Sequence[Claimed], hold: Hold, *, probe: bool) -> None:
        try:
            tried = await self._carrier.carry(channel, group, hold)
            if tried:
                await self.gates.heard(channel, tried, probe=probe)
        finally:
            self.gates.ended(channel.name, probe=probe)
            self._more |= probe or group[0].delivery.lane is not None

    def _expect_more(self) -> None:
        self._more = True

    async def _look_up(self, unknown: Sequence[Claimed]) -> None:
        try:
            taken = await fate.taken(self._store, unknown)
            settlements = await fate.settle_unknown(unknown, self.channels, taken, self._clock)
            await self._store.settle(settlements, self._planner.follow)
        finally:
            self._looking_up = False
