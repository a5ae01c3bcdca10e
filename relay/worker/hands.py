"""The worker's hands: what is due as soon as it is planned is taken without looking for it and claiming it.

Only where a claim at that moment would take the same: of connectors to which nothing else is due, that may run ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.hands import Hands, Offer
from relay.store import Want
from relay.worker.ahead import Waiting
from relay.worker.hold import Hold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.store import Planned, Store
    from relay.worker.ahead import Ahead
    from relay.worker.backlog import Backlog
    from relay.worker.channel import Channel
    from relay.worker.gates import Gates

PATIENCE = 0.02
"""Seconds for which planning waits at most until what was taken has left."""
QUICK = 32
"""Deliveries that a connector may have ahead, from which on it is so quick that planning waits for it."""
_LATE = 1.0
"""Seconds for which the end waits for what is being planned."""


@dataclass(frozen=True, slots=True)
class _Offer(Offer):
    channels: Mapping[str, Channel]
    """The connectors as they are now."""
    since: float
    """Ticks before the claim, from which it counts."""


class WorkersHands(Hands):
    """Takes it for a worker: puts it behind what waits for its turn already."""

    def __init__(
        self,
        store: Store,
        channels: Callable[[], Mapping[str, Channel]],
        under_way: Mapping[str, int],
        ahead: Ahead,
        backlog: Backlog,
        gates: Gates,
        advance: Callable[[str], None],
        clock: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        """`advance` begins what waits for its turn at a connector, as far as there is room."""
        self._store = store
        self._channels = channels
        self._under_way = under_way
        self._ahead = ahead
        self._backlog = backlog
        self._gates = gates
        self._advance = advance
        self._clock = clock
        self._ticks = ticks
        self._has_room = asyncio.Event()
        self._waited_for = False
        """Whether somebody waits until there is room."""
        self._late: set[asyncio.Future[Planned]] = set()
        self._closed = False

    async def room(self) -> None:
        """As for all: until quick connectors have less than half of what they may have, and nothing else to be done."""
        if self._closed or self._store.shared or not self._is_full():
            return
        self._has_room.clear()
        self._waited_for = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._has_room.wait()
        finally:
            self._waited_for = False

    def look(self) -> None:
        """Something has left, or the ledger was looked at: perhaps there is room now."""
        if self._waited_for and not self._is_full():
            self._has_room.set()

    def _is_full(self) -> bool:
        return any(
            channel.may_run_ahead
            and self._ahead.most(channel) >= QUICK
            and (self._backlog.may_hold(name) or not self._ahead.is_low(channel))
            and self._gates.lets_through(name)
            for name, channel in self._channels().items()
        )

    def offer(self) -> Offer:
        """As for all: what may begin or wait for its turn, where what is known of connectors is fresh."""
        if self._closed or self._store.shared or not self._gates.fresh(self._clock()):
            return Offer({})
        channels = self._channels()
        slots = {channel: self._slots(channel) for channel in channels.values() if channel.may_run_ahead}
        wants = {channel.name: Want(most, lease=channel.lease) for channel, most in slots.items() if most > 0}
        return _Offer(wants, channels, self._ticks())

    def _slots(self, channel: Channel) -> int:
        name = channel.name
        if self._backlog.may_hold(name) or not self._gates.lets_through(name):
            return 0
        waiting = self._under_way.get(name, 0) + self._ahead.count(name)
        return channel.concurrency + self._ahead.most(channel) - waiting

    def take(self, offer: Offer, planned: Planned) -> None:
        """As for all; what may not begin any more is given back at the next look."""
        self._backlog.left_to(planned.left)
        if not isinstance(offer, _Offer):
            return
        for claimed in planned.claimed:
            channel = offer.channels[claimed.delivery.connector]
            self._ahead.put(Waiting(channel, claimed, Hold(channel.window, offer.since, self._ticks)))
        for name in {claimed.delivery.connector for claimed in planned.claimed}:
            self._advance(name)

    def take_late(self, planning: asyncio.Future[Planned]) -> None:
        """As for all: `close` gives it back."""
        self._late.add(planning)

    async def close(self) -> None:
        """Take nothing more, and give back what came too late; what comes later still is freed at the next start.

        Raises:
            StoreBusy: it could not be given back; then its lease runs out.
        """
        self._closed = True
        if not self._late:
            return
        done, self._late = (await asyncio.wait(self._late, timeout=_LATE))[0], set()
        claimed = [one for planning in done if planning.exception() is None for one in planning.result().claimed]
        if claimed:
            await self._store.give_back([one.delivery for one in claimed])
