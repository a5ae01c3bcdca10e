"""Takes events in order of arrival, judges every rule on them, and writes down verdicts and what is owed."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import structlog

from relay import failpoints, phone, texting
from relay.behind import Behind
from relay.book import Following, Judging, Moment, Ripening
from relay.errors import StoreBusy
from relay.hands import Hands
from relay.traces import Untold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.book import Book, Judged
    from relay.metrics import Metrics
    from relay.store import Store
    from relay.traces import Traces

log = structlog.get_logger(__name__)

BATCH = 96
"""Events in one transaction: enough to share its commit and its way there and back."""
IN_A_CROWD = 32
"""The same while many wait at the door, which wait for that transaction too."""
POLL = 5.0
"""Seconds after which the ledger is looked at even if nobody called."""


class Planner:
    """Plans new events, and lets waiting steps fall due."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        metrics: Metrics,
        book: Book,
        *,
        planned: Callable[[], None] = lambda: None,
    ) -> None:
        """`planned` is called after each commit that may have made something due."""
        self.book = book
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._planned = planned
        self.let_in: Callable[[], Awaitable[bool]] = _nobody_waits
        """Lets those go first who wait at the door; answers whether there was a crowd."""
        self.heard: Callable[[], float | None] = lambda: math.inf
        """When the list of texts was last read, as `Moment` says."""
        self.doubt: Callable[[], str | None] = lambda: None
        """Why the machine's clock is not believed, as `Moment` says."""
        self.alarm: Callable[[texting.Alarm], None] = lambda alarm: None  # noqa: ARG005 - replaced where somebody listens
        """Notes that a person should see to texting; waits for nothing."""
        self.blocks = texting.Blocks()
        """Senders that the phone system does not let text for now."""
        self.traces: Traces = Untold()
        """Told of every event that was planned."""
        self.hands = Hands()
        """Take what is due at once by a plan."""
        self._called = asyncio.Event()
        self._behind = Behind(store.call_others)
        self.turned_at = -math.inf
        """When it last looked at the ledger, on the monotonic clock."""

    def call(self) -> None:
        """Something arrived."""
        self._called.set()

    async def run(self) -> None:
        """Plan until cancelled; a ledger that is busy is asked again."""
        while True:
            self._called.clear()
            try:
                most = await self._wait_its_turn()
                while planned := await self.plan_next(most):
                    if planned >= most:
                        self._behind.waits()
                    most = await self._wait_its_turn()
                self._behind.through()
            except StoreBusy as error:
                log.error("events wait to be planned", why=str(error))
            try:
                async with asyncio.timeout(POLL):
                    await self._called.wait()
            except TimeoutError:
                continue

    async def plan_next(self, most: int = BATCH) -> int:
        """Plan one batch of events, at `most` so many; answers how many there were."""
        self.turned_at = time.monotonic()
        offer = self.hands.offer()
        book, moment = self.book, self.moment()
        judging = Judging(book, moment)
        planning = asyncio.ensure_future(
            self._store.plan_and_take(
                judging,
                offer.wants,
                now=moment.at,
                config=book.version,
                windows=book.policy.windows,
                prefix=phone.prefix,
                limit=most,
            )
        )
        try:
            planned = await asyncio.shield(planning)
        except asyncio.CancelledError:
            self.hands.take_late(planning)
            raise
        if planned.events:
            failpoints.reach("text_planned")
        self.hands.take(offer, planned)
        self._tell(judging.notes)
        if planned.left or (planned.events and not planned.claimed):
            self._planned()
        return planned.events

    async def _wait_its_turn(self) -> int:
        """Let others go first; answers how many events may be planned then."""
        crowded = await self.let_in()
        await self.hands.room()
        return IN_A_CROWD if crowded else BATCH

    def _tell(self, judged: Mapping[str, Judged]) -> None:
        """Count, trace and report what was judged."""
        self._metrics.judged([said for one in judged.values() for said in one.said])
        for event, one in judged.items():
            for alarm in one.alarms:
                self.alarm(alarm)
            for rule, why in one.failed:
                log.error("a rule failed", rule=rule, why=why)
            if self.traces.on:
                failed = one.failed[0][1] if one.failed else None
                ran = sum(word == "ran" for _, word in one.said)
                self.traces.tell("plan", event, one.seconds, failed=failed, rules=len(one.said), ran=ran)

    async def ripen_next(self) -> int:
        """Let one batch of waiting and held deliveries be decided again; answers how many there were."""
        book, now = self.book, self._clock()
        return await self._store.ripen(
            Ripening(book, now), now=now, windows=book.policy.windows, prefix=phone.prefix, limit=BATCH
        )

    def moment(self) -> Moment:
        """What is true now."""
        return Moment(self._clock(), self.heard(), self.doubt(), self.blocks)

    @property
    def follow(self) -> Following:
        """What decides what the other steps of a run become, now that one of them has settled."""
        return Following(self.book, self._clock())


async def _nobody_waits() -> bool:
    """Nothing goes first."""
    return False
