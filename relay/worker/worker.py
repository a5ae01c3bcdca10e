"""The loop that looks at the ledger, and what happens to each delivery between its claim and its settlement."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from relay import failpoints
from relay.connector import Job, Receipt
from relay.deadlines import Deadlines
from relay.errors import Blocked, Rejected, StoreBusy, Unclear
from relay.models import Attempt, Delivery, State
from relay.store import Settlement
from relay.texting import mute
from relay.ticks import elapsed
from relay.traces import Untold
from relay.worker import fate, moves
from relay.worker.ahead import Ahead, Waiting
from relay.worker.backlog import Backlog
from relay.worker.gates import Gates
from relay.worker.hold import Hold
from relay.worker.look import all_of, groups
from relay.worker.memory import memory, with_known
from relay.worker.move import POISON, Outcome, move, plain, told
from relay.worker.recording import recording_of
from relay.worker.texts import Texts
from relay.worker.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.planner import Planner
    from relay.store import Claimed, Run, Store, Want
    from relay.traces import Traces
    from relay.worker.channel import Channel

log = structlog.get_logger(__name__)

POLL = 5.0
"""Seconds after which the ledger is looked at even if nobody called."""
_UNKNOWN = 50
"""Texts of unknown fate that one look-up settles."""


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
        self._metrics = metrics
        self._dice = dice
        self._ticks = ticks
        self._called = asyncio.Event()
        self.turned_at = float("-inf")
        """When it last looked at the ledger, on the monotonic clock."""
        self.traces: Traces = Untold()
        """Told of every try."""
        self._under_way: dict[str, int] = {}
        self._ahead = Ahead()
        self._backlog = Backlog(store.call_others, ticks)
        self._turns = Turns(other_hands, dice)
        self._deadlines = Deadlines()
        self._texts = Texts(store, planner, clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: set[asyncio.Task[Any]] = set()
        """Those that have sent and only write down."""
        self._more = False
        """Whether what has just ended may have made something else fall due."""
        self._again = False
        """Whether the last look may have left something that can be done at once."""
        self._looked_at = float("-inf")
        self._lingering: float | None = None
        self._freed_at = float("-inf")
        self._log: Any = log.bind()
        """The same logger, put together once: that takes longer than to say nothing."""

    @property
    def under_way(self) -> Mapping[str, int]:
        """How many tries are being made, by connector."""
        return self._under_way

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
            self._store.claim_unknown(now=now, lease=fate.LEASE, limit=_UNKNOWN),
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
            self._start("", self._look_up(unknown))
        more = self._backlog.looked(channels, wants, taken.claimed, self.gates.lets_through)
        self._again = more or ripe > 0 or len(unknown) == _UNKNOWN
        return ripe + len(taken.claimed) + len(unknown)

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
        """Begin what waits for its turn, as far as there is room; claim more once little is left of it."""
        channel = self.channels.get(name)
        if channel is None or not self.gates.lets_through(name):
            self.call()
            return
        while self._under_way.get(name, 0) < channel.concurrency:
            waiting = self._ahead.next(channel)
            if waiting is None:
                break
            self._start(name, self._carry(channel, [waiting.claimed], waiting.hold, probe=False))
        if self._ahead.is_low(channel) and (self._backlog.may_hold(name) or self._ahead.count(name)):
            self.call()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way; a text that is cut off becomes unknown, all else is tried again."""
        with contextlib.suppress(StoreBusy):  # then their leases run out
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
        due_at = await self._store.next_due_at(list(self.channels), now=self._looked_at)
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
            tried = await self._tried(channel, group, hold)
            if tried:
                await self.gates.heard(channel, tried, probe=probe)
        finally:
            self.gates.ended(channel.name, probe=probe)
            self._more |= probe or group[0].delivery.lane is not None

    async def _tried(self, channel: Channel, group: Sequence[Claimed], hold: Hold) -> list[tuple[Delivery, Outcome]]:
        """Send a group and write down how it went; answers what was really tried, as it stands now."""
        ready, outcomes = [], dict[str, Outcome]()
        for claimed in group:
            try:
                if claimed.delivery.kind == "text":
                    begun = await self._texts.begin(channel, claimed) if hold.lasts() else None
                    if begun is not None:
                        ready.append(begun)
                    continue
                if claimed.delivery.kind in moves.KINDS:
                    noted = await moves.begin(self._store, self._planner, channel, claimed, self._clock())
                    if noted is not None:
                        ready.append(replace(claimed, delivery=noted))
                    continue
            except StoreBusy:
                raise
            except Exception as error:  # noqa: BLE001 - a judgement that fails must neither send nor be asked for ever
                outcomes[claimed.delivery.id] = Rejected(f"it could not be judged: {told(error)}", grace=POISON)
            ready.append(claimed)
        began, at = time.monotonic(), self._clock()
        sound = [claimed for claimed in ready if claimed.delivery.id not in outcomes]
        jobs = self._jobs(channel, sound, outcomes, at, hold)
        if jobs:
            jobs = await with_known(self._store, channel, jobs)
            outcomes |= zip(jobs, await self._send(channel, list(jobs.values())), strict=True)
        took = time.monotonic() - began
        moved = await self._settle_all(channel, ready, outcomes, jobs, at, took) if ready else []
        return [(delivery, outcomes[delivery.id]) for delivery in moved if delivery.id in jobs]

    def _jobs(
        self, channel: Channel, ready: Iterable[Claimed], outcomes: dict[str, Outcome], now: float, hold: Hold
    ) -> Mapping[str, Job[Any]]:
        """What the connector is handed; an action that it cannot read is Rejected among `outcomes`."""
        jobs: dict[str, Job[Any]] = {}
        for claimed in ready:
            delivery = claimed.delivery
            try:
                action = channel.connector.Action.model_validate(dict(delivery.action or {}))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(str(part) for part in first["loc"])
                outcomes[delivery.id] = Rejected(f"the step cannot be read as filled in: {place}: {first['msg']}")
                continue
            notes = dict(delivery.notes)
            jobs[delivery.id] = Job(
                key=delivery.id,
                action=action,
                event=claimed.event.public(),
                raw=claimed.event.raw,
                recording=recording_of(self.channels, claimed.event),
                tries=delivery.tries,
                notes=notes,
                note=moves.noter(self._store, delivery, notes),
                now=now,
                in_time=hold.lasts,
            )
        return jobs

    async def _send(self, channel: Channel, jobs: list[Job[Any]]) -> Sequence[Outcome]:
        try:
            with self._deadlines.within(channel.timeout):
                if len(jobs) == 1:
                    results: Sequence[Outcome] = [await channel.connector.send(jobs[0])]
                else:
                    results = await channel.connector.send_batch(jobs)
            if len(results) != len(jobs) or not all(isinstance(result, (Receipt, Exception)) for result in results):
                raise TypeError(f"{channel.name} did not answer with one receipt or failure for each delivery")  # noqa: TRY301 - told like any other failure
        except TimeoutError:
            return [Unclear(f"no answer within {channel.timeout:g} s")] * len(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises is the outcome of the try
            return [error] * len(jobs)
        if all(isinstance(result, Receipt) for result in results):
            self._leave(channel.name)
        return results

    async def _settle_all(
        self,
        channel: Channel,
        ready: Sequence[Claimed],
        outcomes: Mapping[str, Outcome],
        jobs: Mapping[str, Job[Any]],
        at: float,
        took: float,
    ) -> list[Delivery]:
        now = self._clock()
        settlements = []
        for claimed in ready:
            delivery, outcome = claimed.delivery, outcomes[claimed.delivery.id]
            job = jobs.get(delivery.id)
            noted = delivery.but(notes=plain(delivery.notes if job is None else job.notes))
            moved = move(noted, outcome, channel.retry, now=now, dice=self._dice, settle=self._settle)
            attempt = Attempt(delivery.id, moved.tries, at, took, str(moved.state), told(outcome))
            if delivery.kind == "text":
                self._learn_block(delivery, outcome, now)
            provider = (moved.receipt or {}).get("id") if delivery.kind == "text" else None
            settlements.append(Settlement(moved, attempt, provider, memory(channel, job, outcome, now)))
            self._metrics.tried(channel.name, str(moved.state), took)
            self._ahead.took(channel.name, took)
            level = self._log.debug if moved.state is State.DELIVERED else self._log.warning
            ids = {"id": delivery.id, "run": delivery.run, "event_id": delivery.event}
            level("delivery", **ids, connector=channel.name, state=str(moved.state), tries=moved.tries)
            if self.traces.on:
                self._trace(delivery, moved, took, told(outcome))
        await self._store.settle(settlements, self._follow)
        failpoints.reach("text_settled")
        return [settlement.delivery for settlement in settlements]

    def _follow(self, run: Run) -> Sequence[Delivery]:
        self._more = True
        return self._planner.follow(run)

    def _learn_block(self, delivery: Delivery, outcome: Outcome, now: float) -> None:
        """What this text says of those after it: its sender may text, or may not for now."""
        book, sender = self._planner.book, (delivery.action or {}).get("sender")
        if isinstance(outcome, Blocked):
            book.blocks.hold(outcome.sender, str(outcome), now=now)
            book.alarm(mute(sender, str(outcome)))
        elif isinstance(outcome, Receipt):
            book.blocks.clear(sender)

    def _trace(self, tried: Delivery, moved: Delivery, took: float, answer: str) -> None:
        about: dict[str, str | int] = {"delivery": tried.id, "run": tried.run, "connector": tried.connector}
        failed = None if moved.state is State.DELIVERED else answer
        about |= {"try": moved.tries, "state": str(moved.state)}
        self.traces.tell("deliver", tried.event, took, failed=failed, **about)

    async def _look_up(self, unknown: Sequence[Claimed]) -> None:
        texts = await self._store.texts(limit=1000)
        taken = frozenset(text["provider_id"] for text in texts if text["provider_id"])
        settlements = await fate.settle_unknown(unknown, self.channels, taken, self._clock())
        await self._store.settle(settlements, self._planner.follow)
