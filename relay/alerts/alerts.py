"""The loop that looks for trouble, writes it down, and tells whoever should know."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import structlog

from relay.alerts.silence import WEEKS, listen
from relay.alerts.troubles import LOOKS, LOOP_SECONDS, SURGE_SECONDS, Sight, troubles
from relay.alerts.words import Message, news
from relay.connector import Job
from relay.errors import StoreBusy
from relay.models import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.alerts.silence import Quiet
    from relay.connector import Connector
    from relay.hours import Business
    from relay.models import Event
    from relay.store import Store

log = structlog.get_logger(__name__)

EVERY = 15.0
LISTEN_EVERY = 300.0
AGAIN = 60.0
"""Seconds until somebody who could not be told is told again."""
SEND_SECONDS = 15.0
_DAY = 86400.0
_LOOKED_AT = 500
_RECENT = 2 * _DAY
"""Calls that began before that are history that somebody fetched, not holes."""


class Alerts:
    """Sees trouble and tells of it."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        *,
        free: Callable[[], float | None] = lambda: None,
        parts: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`free` is the share of the ledger's disk that is free; `parts` are those that do no work, each with why."""
        self.to: Connector[Any, Any] | None = None
        """Who is told; None for the log alone."""
        self.silence = True
        self.hours: Business | None = None
        self.business = "Relay"
        self.reload: str | None = None
        """Why a changed configuration is not used."""
        self.unwritten: Callable[[], str | None] = lambda: None
        """Why a webhook could not be written down of late."""
        self._store = store
        self._clock = clock
        self._free = free
        self._parts = parts
        self._listened_at = float("-inf")
        self._quiet: Quiet | None = None
        self._again_at = float("-inf")

    async def run(self) -> None:
        """Look and tell until cancelled."""
        while True:
            try:
                await self.look()
                await self.tell()
            except StoreBusy as error:
                log.warning("the ledger could not be looked at for alerts", why=str(error))
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Open an alert for everything that is wrong, and close those whose cause is gone."""
        now = self._clock()
        found = {trouble.cause: trouble for trouble in troubles(await self._sight(now))}
        for trouble in found.values():
            if await self._store.open_alert(trouble.cause, trouble.what, trouble.remedy, now=now):
                log.error(trouble.what, remedy=trouble.remedy, cause=trouble.cause)
        for alert in await self._store.alerts(open_only=True):
            if alert.kind in LOOKS and alert.cause not in found and await self._store.close_alert(alert.cause, now=now):
                log.info("over", what=alert.what, cause=alert.cause)

    async def tell(self) -> None:
        """Tell what is news, in one message; whoever cannot be told is told later."""
        now, connector = self._clock(), self.to
        if connector is None or 0 <= self._again_at - now <= AGAIN:
            return
        message = news(await self._store.alerts(limit=_LOOKED_AT), self.business, now)
        if message is None:
            return
        try:
            await _send(connector, message, now)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the alerts stay in the ledger
            self._again_at = now + AGAIN
            log.error("an alert could not be told to anybody", why=str(error) or type(error).__name__)
            return
        for alert in message.alerts:
            await self._store.alert_told(alert, now=now)

    async def _sight(self, now: float) -> Sight:
        events = await self._store.events(limit=_LOOKED_AT)
        refused = await self._store.requests(limit=_LOOKED_AT, kind="refused")
        return Sight(
            now=now,
            owed_since=await self._store.owed_since(),
            standings=await self._store.standings(),
            dead=await self._dead(now),
            doubtful_since=await self._doubtful(),
            disk_free=self._free(),
            refused=[note for note in refused if now - note.at <= 6 * SURGE_SECONDS],
            accepted_at=max((event.received_at for event in events if not event.late), default=None),
            holes=sum(_is_hole(event, now) for event in events),
            busiest=_busiest(events, now),
            restored=await self._store.restored(),
            parts=self._parts(),
            reload=self.reload,
            unwritten=self.unwritten(),
            erring=await self._erring(now),
            quiet=await self._listen(now),
        )

    async def _dead(self, now: float) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for delivery in await self._store.deliveries(limit=_LOOKED_AT, state=State.DEAD):
            if delivery.settled_at is not None and now - delivery.settled_at <= _DAY:
                count, why = found.get(delivery.connector, (0, delivery.reason or ""))
                found[delivery.connector] = (count + 1, why)
        return found

    async def _doubtful(self) -> list[float]:
        found = []
        for delivery in await self._store.deliveries(limit=50, state=State.UNKNOWN):
            attempts = await self._store.attempts(delivery.id)
            found.append(attempts[-1].started_at if attempts else delivery.first_due_at or delivery.born_at)
        return found

    async def _erring(self, now: float) -> dict[str, int]:
        ruled = await self._store.ruled(since=now - 3600.0)
        return {rule: verdicts["error"] for rule, verdicts in ruled.items() if verdicts.get("error")}

    async def _listen(self, now: float) -> Quiet | None:
        """What is unusually quiet; the ledger is asked every few minutes only."""
        if not self.silence or self.hours is None:
            return None
        if not 0 <= now - self._listened_at < LISTEN_EVERY:
            self._listened_at = now
            traffic = await self._store.traffic(since=now - (7 * WEEKS + 1) * _DAY)
            self._quiet = listen(traffic, self.hours, now)
        return self._quiet


def _is_hole(event: Event, now: float) -> bool:
    return event.late and now - event.received_at <= _DAY and event.received_at - event.began_at <= _RECENT


def _busiest(events: list[Event], now: float) -> int:
    callers = Counter(event.caller for event in events if event.caller and now - event.received_at <= LOOP_SECONDS)
    return max(callers.values(), default=0)


async def _send(connector: Connector[Any, Any], message: Message, now: float) -> None:
    action = connector.notice(message.subject, message.text)
    if action is None:
        raise TypeError("this connector tells people nothing")
    async with asyncio.timeout(SEND_SECONDS):
        await connector.send(Job(message.key, connector.Action.model_validate(action), {"event": "alert"}, now=now))
