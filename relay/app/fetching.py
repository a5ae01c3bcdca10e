"""Fetches what the webhooks missed, again and again, with whatever settings are in force."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relay.app.parts import phone_source
from relay.backfill import Backfill, Rhythm
from relay.deeds import BadDeed

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.callscaler import CallScaler
    from relay.intake import Intake
    from relay.settings import Settings
    from relay.store import Store

AGAIN = 30.0
"""Seconds until it is asked again whether there is anything to fetch from."""


class Fetching:
    """Reads calls through the phone system's API, for the source that they belong to."""

    def __init__(self, store: Store, intake: Intake, clock: Callable[[], float]) -> None:
        self.backfill: Backfill | None = None
        """None where there is nothing to fetch from, or no source of type callscaler."""
        self._store = store
        self._intake = intake
        self._clock = clock
        self._tried = asyncio.Event()

    def use(self, settings: Settings, client: CallScaler) -> None:
        """Fetch as these settings say from now on."""
        source, form = phone_source(settings), settings.callscaler.backfill
        if source is None or not settings.can_call_back:
            self.backfill = None
            return
        rhythm = Rhythm(form.every, form.after, form.enrich_after)
        self.backfill = Backfill(self._store, self._intake, client, self._clock, source, rhythm)

    async def run(self) -> None:
        """Sweep in the backfill's own rhythm, until cancelled."""
        while True:
            backfill = self.backfill
            if backfill is None:
                await asyncio.sleep(AGAIN)
                continue
            await backfill.step()
            self._tried.set()
            await asyncio.sleep(backfill.pause)

    async def caught_up(self) -> None:
        """Wait until the first sweep after the start has been tried; not at all where there is none."""
        if self.backfill is not None:
            await self._tried.wait()

    async def sweep(self, since: float | None) -> dict[str, Any]:
        """Fetch now; answers what was found.

        Raises:
            BadDeed: there is nothing to fetch from, or no source that it would belong to.
            DeliveryFailed: the calls could not be read to their end.
            StoreBusy: the ledger refused.
        """
        if self.backfill is None:
            raise BadDeed("nothing can be fetched: it takes CALLSCALER_API_KEY, and a source of type callscaler")
        return asdict(await self.backfill.sweep(since))
