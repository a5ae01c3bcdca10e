"""How much of each connector's work may be taken now: as much as its manners allow, one probe, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from relay.models import Standing, State
from relay.worker.breaker import CLOSED, Breaker, pauses
from relay.worker.move import told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.models import Delivery
    from relay.store import Store, Want
    from relay.worker.channel import Channel
    from relay.worker.move import Outcome

log = structlog.get_logger(__name__)

FRESH = 1.0
"""Seconds for which what the ledger says of connectors is believed: another relay may change it."""
NEWEST = 0.2
"""The share of slots that goes to what fell due last, while there is a backlog (reliability, D13)."""
_AT_ONCE = 500
"""Deliveries whose back-off is ended in one transaction."""


class Gates:
    """The breakers and pauses of all connectors."""

    def __init__(self, store: Store, clock: Callable[[], float], metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._breakers: dict[str, Breaker] = {}
        self._standings: Mapping[str, Standing] = {}
        self._granted: set[str] = set()
        """Connectors that this relay, of all on the ledger, may probe next."""
        self._probing: set[str] = set()
        self._credit: dict[str, float] = {}
        self._read_at: float | None = None

    def fresh(self, now: float) -> bool:
        """Whether what is known of connectors was read just now."""
        return self._read_at is not None and 0 <= now - self._read_at < FRESH

    def forget(self) -> None:
        """Somebody changed how a connector stands: the ledger is asked at the next look."""
        self._read_at = None

    async def look(self, channels: Mapping[str, Channel], now: float) -> None:
        """Read how connectors stand, where that may have changed, and make ready what is to be probed with."""
        if not self.fresh(now):
            self._read_at = now
            self._standings = await self._store.standings()
            for name in {*channels, *self._breakers}:
                self._breakers[name] = self._breaker(name).known(self._standings.get(name))
                self._show(name)
        for name, channel in channels.items():
            if self._wants_probe(name, now) and await self._store.take_probe(name, now=now, until=now + channel.lease):
                self._granted.add(name)
                await self._store.hasten(name, now=now, limit=1)

    def lets_through(self, name: str) -> bool:
        """Whether a connector's work goes on as usual, as far as is known: neither paused nor its breaker open."""
        return not self._paused(name) and not self._breaker(name).open

    def want(self, channel: Channel, under_way: int, ahead: int = 0) -> Want:
        """What may be claimed for a connector, `ahead` of its turn too; no slots where nothing may."""
        want, name = channel.want(under_way, ahead), channel.name
        if self._paused(name):
            return replace(want, slots=0)
        if self._breaker(name).open:
            probes = min(want.slots, 1) if name in self._granted else 0
            return replace(want, slots=probes, rows=1, linger=0.0)
        return replace(want, newest=self._share(name, want.slots))

    def next_probe(self, names: Collection[str], now: float) -> float | None:
        """When the next probe may go, Unix seconds; one that only wants something to be owed has no moment."""
        breakers = [self._breaker(name) for name in names if not self._paused(name)]
        return min((breaker.probe_at for breaker in breakers if breaker.open and breaker.probe_at > now), default=None)

    def begin(self, name: str) -> bool:
        """Something of a connector sets out; answers whether it is a probe."""
        if name not in self._granted or not self._breaker(name).open:
            return False
        self._granted.discard(name)
        self._probing.add(name)
        self._show(name)
        return True

    def ended(self, name: str, *, probe: bool) -> None:
        """What set out is over, however that was."""
        if probe:
            self._probing.discard(name)
            self._show(name)

    async def heard(self, channel: Channel, tried: Sequence[tuple[Delivery, Outcome]], *, probe: bool) -> None:
        """One try is over and written down: `tried` are the deliveries as they stand now, and what was said of each."""
        name, now, before = channel.name, self._clock(), self._breaker(channel.name)
        outcomes = [outcome for _, outcome in tried]
        said = told(outcomes[-1])
        after = before.after(outcomes, now=now, first=channel.retry.first, opens=channel.opens, probe=probe, said=said)
        self._breakers[name] = after
        if (after.opened_at, after.probe_at) != (before.opened_at, before.probe_at):
            await self._turned(name, before, after, now)
        for delivery, outcome in tried:
            if delivery.state is State.DEAD and pauses(outcome, delivery.kind, after.refusals):
                await self._pause(name, told(outcome), now)

    async def _turned(self, name: str, before: Breaker, after: Breaker, now: float) -> None:
        probe_at = after.probe_at if after.open else None
        await self._store.save_breaker(Standing(name, after.opened_at, probe_at, after.wait, after.fault))
        self._show(name)
        if after.open and not before.open:
            log.error("a service does not answer; what is owed to it waits", connector=name, why=after.fault)
        if before.open and not after.open:
            self._granted.discard(name)
            log.info("a service answers again", connector=name)
            await self.let_go(name, now)

    async def let_go(self, name: str, now: float) -> None:
        """Let everything owed to a connector fall due when it first did, so that the oldest goes first."""
        while await self._store.hasten(name, now=now, limit=_AT_ONCE) == _AT_ONCE:
            continue

    async def _pause(self, name: str, why: str, now: float) -> None:
        if await self._store.pause(name, why, by="relay", now=now):
            log.error("a connector is paused; what is owed to it waits", connector=name, why=why)
        self._standings = await self._store.standings()

    def _breaker(self, name: str) -> Breaker:
        return self._breakers.get(name) or CLOSED

    def _paused(self, name: str) -> bool:
        standing = self._standings.get(name)
        return standing is not None and standing.paused

    def _wants_probe(self, name: str, now: float) -> bool:
        breaker = self._breaker(name)
        asked = name in self._probing or name in self._granted
        return breaker.open and breaker.probe_at <= now and not asked and not self._paused(name)

    def _share(self, name: str, slots: int) -> int:
        """How many of the slots go to the newest; fractions are saved up."""
        credit = self._credit.get(name, 0.0) + NEWEST * max(slots, 0)
        newest = min(int(credit), slots)
        self._credit[name] = credit - newest
        return max(newest, 0)

    def _show(self, name: str) -> None:
        closed = 0.5 if name in self._probing else 1.0
        self._metrics.breaker(name, closed if self._breaker(name).open else 0.0)
