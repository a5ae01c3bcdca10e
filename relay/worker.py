"""Takes deliveries when they fall due, hands each to its connector, and writes down how it ended."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from relay import phone
from relay.backoff import Schedule
from relay.connector import Job, Receipt
from relay.errors import DeliveryFailed, Rejected, StoreBusy, Unavailable, Unclear
from relay.models import Attempt, Delivery, Event, SendText, State
from relay.planner import Answered, asks_whether_answered, judge_text
from relay.store import Claimed, Settlement, TextAddress, Want
from relay.texting import PhoneConnector, find_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiolimiter import AsyncLimiter

    from relay.connector import Connector
    from relay.metrics import Metrics
    from relay.planner import Planner
    from relay.store import Store

log = structlog.get_logger(__name__)

POLL = 5.0
"""Seconds after which the ledger is looked at even if nobody called."""
DRAIN = 25.0
_POISON = 3
"""Tries of a delivery whose connector fails in a way it should not."""
_ANSWER_CAP = 4096
_ASK_AGAIN = 30.0


@dataclass(frozen=True)
class Channel:
    """A connector under its name in relay.yaml, with the manners that every connector can be given."""

    name: str
    connector: Connector[Any, Any]
    concurrency: int = 4
    timeout: float = 15.0
    lease: float = 30.0
    retry: Schedule = field(default_factory=Schedule)
    rate: AsyncLimiter | None = None

    def want(self, under_way: int) -> Want:
        """What may be claimed for it now."""
        batch = self.connector.batch()
        return Want(self.concurrency - under_way, batch.rows, self.lease, batch.or_after)


Outcome = Receipt | DeliveryFailed | Exception


def move(
    delivery: Delivery, outcome: Outcome, retry: Schedule, *, now: float, dice: Callable[[], float], settle: float
) -> Delivery:
    """The delivery as it stands after a try. Pure; `settle` is how long a text of unknown fate is left alone."""
    tried = replace(delivery, tries=delivery.tries + 1)
    if isinstance(outcome, Receipt):
        return tried.moved(State.DELIVERED, receipt=_kept(outcome), reason=None, settled_at=now)
    reason = str(outcome) or type(outcome).__name__
    if isinstance(outcome, Unclear) and delivery.kind == "text":
        return tried.moved(State.UNKNOWN, reason=reason, due_at=now + settle)
    if isinstance(outcome, Rejected) and tried.tries >= outcome.grace:
        return tried.moved(State.DEAD, reason=reason, settled_at=now)
    if not isinstance(outcome, DeliveryFailed) and tried.tries >= _POISON:
        return tried.moved(State.DEAD, reason=f"{type(outcome).__name__}: {reason}", settled_at=now)
    began = delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at
    retry_after = outcome.retry_after if isinstance(outcome, Unavailable) else None
    wait = retry.next(tried.tries, max(0.0, now - began), dice, retry_after)
    if wait is None:
        return tried.moved(State.DEAD, reason=f"{reason}; given up after {tried.tries} tries", settled_at=now)
    return tried.moved(State.DUE, reason=reason, due_at=now + wait)


def _kept(receipt: Receipt) -> dict[str, Any]:
    body = receipt.body if len(str(receipt.body)) <= _ANSWER_CAP else None
    return {"id": receipt.id, "url": receipt.url, "created": receipt.created, "status": receipt.status, "body": body}


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
    ) -> None:
        self.channels = channels
        self._store = store
        self._planner = planner
        self._clock = clock
        self._metrics = metrics
        self._dice = dice
        self._called = asyncio.Event()
        self._under_way: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lingering: float | None = None
        self._freed_at = float("-inf")

    def call(self) -> None:
        """Something may have fallen due."""
        self._called.set()

    async def run(self) -> None:
        """Work until cancelled; a ledger that is busy is asked again."""
        while True:
            self._called.clear()
            try:
                while await self.turn():
                    pass
                pause = await self._pause()
            except StoreBusy as error:
                log.error("deliveries wait for the ledger", why=str(error))
                pause = POLL
            try:
                await asyncio.wait_for(self._called.wait(), pause)
            except TimeoutError:
                continue

    async def turn(self) -> int:
        """One look at the ledger: what is ripe, what is due, what is unknown; answers how much was set going."""
        now = self._clock()
        if now - self._freed_at >= POLL:
            self._freed_at = now
            await self._store.free_leases(now=now, settle=self._settle, everything=False)
        ripe = await self._planner.ripen_next()
        wants = {
            name: want
            for name, channel in self.channels.items()
            if (want := channel.want(self._under_way.get(name, 0))).slots > 0
        }
        taken = await self._store.claim(wants, now=now)
        self._lingering = taken.linger_until
        for name, group in _groups(taken.claimed):
            self._start(name, self._carry(self.channels[name], group))
        unknown = await self._store.claim_unknown(now=now, lease=60.0, limit=50)
        if unknown:
            self._start("", self._look_up(unknown))
        return ripe + len(taken.claimed) + len(unknown)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def drain(self) -> None:
        """Wait for what is under way, 25 s at most; a text cut off becomes unknown, all else is tried again."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN)
            for task in late:
                task.cancel()

    @property
    def _settle(self) -> float:
        return self._planner.book.policy.settle

    async def _pause(self) -> float:
        now = self._clock()
        moments = [await self._store.next_due_at(list(self.channels), now=now), self._lingering]
        return min([POLL, *(max(0.0, moment - now) for moment in moments if moment is not None)])

    def _start(self, name: str, work: Any) -> None:
        self._under_way[name] = self._under_way.get(name, 0) + 1
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way[name] -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out and it is taken again; nothing is lost, and nothing is hidden.
            log.error("a delivery ended without being settled", connector=name, why=f"{type(error).__name__}: {error}")
        self.call()

    async def _carry(self, channel: Channel, group: Sequence[Claimed]) -> None:
        ready = [claimed for claimed in group if claimed.delivery.kind != "text" or await self._begin(channel, claimed)]
        if not ready:
            return
        if channel.rate is not None:
            for _ in ready:
                await channel.rate.acquire()
        began, at = time.monotonic(), self._clock()
        jobs, outcomes = self._jobs(channel, ready, at)
        if jobs:
            outcomes |= dict(zip(jobs, await self._send(channel, list(jobs.values())), strict=True))
        took = time.monotonic() - began
        await self._settle_all(channel, ready, outcomes, {key: job.notes for key, job in jobs.items()}, at, took)

    def _jobs(
        self, channel: Channel, ready: Sequence[Claimed], now: float
    ) -> tuple[dict[str, Job[Any]], dict[str, Outcome]]:
        jobs: dict[str, Job[Any]] = {}
        outcomes: dict[str, Outcome] = {}
        for claimed in ready:
            delivery = claimed.delivery
            try:
                action = channel.connector.Action.model_validate(dict(delivery.action or {}))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(str(part) for part in first["loc"])
                outcomes[delivery.id] = Rejected(f"the step cannot be read as filled in: {place}: {first['msg']}")
                continue
            jobs[delivery.id] = Job(
                key=delivery.id,
                action=action,
                event=claimed.event.public(),
                tries=delivery.tries,
                notes=dict(delivery.notes),
                now=now,
            )
        return jobs, outcomes

    async def _send(self, channel: Channel, jobs: list[Job[Any]]) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(channel.timeout):
                if len(jobs) == 1:
                    return [await channel.connector.send(jobs[0])]
                return await channel.connector.send_batch(jobs)
        except TimeoutError:
            return [Unclear(f"no answer within {channel.timeout:g} s")] * len(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises is the outcome of the try
            return [error] * len(jobs)

    async def _settle_all(
        self,
        channel: Channel,
        ready: Sequence[Claimed],
        outcomes: Mapping[str, Outcome],
        notes: Mapping[str, dict[str, Any]],
        at: float,
        took: float,
    ) -> None:
        now = self._clock()
        settlements = []
        for claimed in ready:
            delivery, outcome = claimed.delivery, outcomes[claimed.delivery.id]
            noted = replace(delivery, notes=notes.get(delivery.id, delivery.notes))
            moved = move(noted, outcome, channel.retry, now=now, dice=self._dice, settle=self._settle)
            answer = f"{outcome.status or 'ok'}" if isinstance(outcome, Receipt) else str(outcome)
            attempt = Attempt(delivery.id, moved.tries, at, took, str(moved.state), answer[:_ANSWER_CAP])
            provider = outcome.id if isinstance(outcome, Receipt) and delivery.kind == "text" else None
            settlements.append(Settlement(moved, attempt, provider))
            self._metrics.tried(channel.name, str(moved.state), took)
            level = log.info if moved.state is State.DELIVERED else log.warning
            level("delivery", id=delivery.id, connector=channel.name, state=str(moved.state), tries=moved.tries)
        await self._store.settle(settlements, self._planner.follow)

    async def _begin(self, channel: Channel, claimed: Claimed) -> bool:
        """Judge a text in the transaction that marks it as sending; False when it does not go now."""
        delivery, book = claimed.delivery, self._planner.book
        text = SendText.model_validate(dict(delivery.action or {}))
        answered = await self._ask(channel, claimed, text.to) if asks_whether_answered(book, delivery) else False
        now = self._clock()
        address = TextAddress(text.to, phone.prefix(text.to), text.sender, text.body)

        def decide(delivery: Delivery, event: Event, known: Any) -> Delivery:
            return judge_text(book, delivery, event, Answered(known) if answered else known, now)

        begun = await self._store.begin_text(
            delivery, address, decide, self._planner.follow, now=now, windows=book.policy.windows
        )
        return begun.state is State.SENDING

    async def _ask(self, channel: Channel, claimed: Claimed, person: str) -> bool:
        """Ask the phone system once whether this person was answered; when it does not say, the ledger's word stands."""
        if not isinstance(channel.connector, PhoneConnector) or claimed.delivery.shadow:
            return False
        try:
            return await channel.connector.answered(person, claimed.event.began_at)
        except DeliveryFailed as failure:
            log.warning("could not ask whether somebody was answered", delivery=claimed.delivery.id, why=str(failure))
            return False

    async def _look_up(self, unknown: Sequence[Claimed]) -> None:
        """Settle texts of unknown fate by the phone system's own list, read twice with the same result."""
        now = self._clock()
        settlements = []
        taken = frozenset(text["provider_id"] for text in await self._store.texts(limit=1000) if text["provider_id"])
        for claimed in unknown:
            delivery = claimed.delivery
            channel = self.channels.get(delivery.connector)
            text = SendText.model_validate(dict(delivery.action or {}))
            began = delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at
            try:
                if channel is None or not isinstance(channel.connector, PhoneConnector):
                    raise Unavailable("the phone system is not set up")
                reads = [find_sent(text, began, await channel.connector.sent_texts(began), taken) for _ in range(2)]
            except DeliveryFailed as failure:
                later = delivery.moved(State.UNKNOWN, reason=f"not settled yet: {failure}", due_at=now + _ASK_AGAIN)
                settlements.append(Settlement(later))
                continue
            settlements.append(_settled(delivery, reads, now))
        await self._store.settle(settlements, self._planner.follow)


def _settled(delivery: Delivery, reads: Sequence[Any], now: float) -> Settlement:
    first, second = reads
    if (first and first.id) != (second and second.id):
        later = delivery.moved(
            State.UNKNOWN, reason="two readings of the list of texts differ", due_at=now + _ASK_AGAIN
        )
        return Settlement(later)
    if first is None:
        gone = "its fate was unknown, and the phone system does not list it; it is not sent again"
        return Settlement(delivery.moved(State.ABANDONED, reason=gone, settled_at=now))
    receipt = {"id": first.id}
    found = "found in the phone system's list"
    return Settlement(delivery.moved(State.DELIVERED, reason=found, receipt=receipt, settled_at=now), None, first.id)


def _groups(claimed: Iterable[Claimed]) -> list[tuple[str, list[Claimed]]]:
    """What is sent together: the jobs of one lane, or one job."""
    lanes: dict[tuple[str, str], list[Claimed]] = {}
    for item in claimed:
        lane = item.delivery.lane
        lanes.setdefault((item.delivery.connector, lane if lane is not None else f"\x00{item.delivery.id}"), []).append(
            item
        )
    return [(connector, group) for (connector, _), group in lanes.items()]
