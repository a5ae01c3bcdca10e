"""Alerts about texting: opened when texts are held or a loop is suspected, closed when that was not seen for a while.

Judging is pure and happens within transactions; it only notes an alarm here, and the loop writes it down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.store import Store
    from relay.texting import Alarm

log = structlog.get_logger(__name__)

OVER_AFTER = {"loop_suspected": 86400.0}
"""Seconds without a new sign after which an alert of this kind is over."""
_OVER_AFTER = 300.0
"""The same for all other kinds: a text that is held is judged again every minute."""
_KINDS = ("texts-total", "texts-prefix", "texts-sender", "loop_suspected", "phone-deaf")
_LOOK = 30.0


class TextAlarms:
    """Notes alarms, and keeps the ledger's alerts like them."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._new: dict[str, tuple[Alarm, float]] = {}
        self._noted = asyncio.Event()

    def note(self, alarm: Alarm) -> None:
        """Something is wrong now."""
        self._new[alarm.cause] = (alarm, self._clock())
        self._noted.set()

    async def run(self) -> None:
        """Write down what is noted, until cancelled; what an earlier process opened is looked after too."""
        while True:
            try:
                await self.step()
            except StoreBusy as error:
                log.warning("alerts about texting wait for the ledger", why=str(error))
            try:
                async with asyncio.timeout(_LOOK):
                    await self._noted.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """Open what is new, close what was not seen for a while.

        Raises:
            StoreBusy: the ledger refused; it is tried again at the next step.
        """
        self._noted.clear()
        now = self._clock()
        for cause, (alarm, at) in list(self._new.items()):
            if await self._store.open_alert(cause, alarm.what, alarm.remedy, now=now):
                log.error(alarm.what, remedy=alarm.remedy)
            self._seen[cause] = at
            self._new.pop(cause, None)
        for alert in await self._store.alerts(open_only=True):
            if alert.kind not in _KINDS:
                continue
            seen = self._seen.setdefault(alert.cause, now)
            if now - seen > OVER_AFTER.get(alert.kind, _OVER_AFTER):
                await self._store.close_alert(alert.cause, now=now)
                self._seen.pop(alert.cause)
