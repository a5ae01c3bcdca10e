"""Fetches what the webhooks missed: calls whose webhook never came, and fields that arrived after it.

The sender gives up after three tries, and an immediate webhook carries no AI fields (callscaler-api, section 8). So
calls are read again from the API and go in at the same door: a call that the ledger knows is only merged, one that it
does not know is created as late. What was read counts only once the whole listing came to its end.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import BadBody, DeliveryFailed, NotFound, StoreBusy
from relay.intake import read_event
from relay.intake.reading import ALIASES
from relay.models import iso
from relay.rules.facts import HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.callscaler import CallScaler
    from relay.intake import Intake
    from relay.models import Event
    from relay.store import Store

log = structlog.get_logger(__name__)

OVERLAP = 3600.0
"""Seconds that every sweep looks back beyond the last one: clocks differ, and listings lag."""
STALE = 86400.0
"""Seconds after which late fields of a call are no news to anybody."""
MARK = "backfill_mark"
REREAD = "backfill_reread"
TICK = 15.0
_SPELLINGS = {spelling for spellings in ALIASES.values() for spelling in spellings}


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep found."""

    seen: int = 0
    created: int = 0
    enriched: int = 0

    def __add__(self, other: Sweep) -> Sweep:
        return Sweep(self.seen + other.seen, self.created + other.created, self.enriched + other.enriched)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often it sweeps, how old a call must be to be created, and when a fresh call is read again (seconds)."""

    every: float = 300.0
    after: float = 1200.0
    enrich_after: float = 180.0


class Backfill:
    """Reads calls through the API and hands them to the door."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        client: CallScaler,
        clock: Callable[[], float],
        source: str,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        """`source` is the name of the source of type callscaler, to which calls belong."""
        self._store = store
        self._intake = intake
        self._client = client
        self._clock = clock
        self._source = source
        self._rhythm = rhythm
        self._swept_at = float("-inf")

    @property
    def pause(self) -> float:
        """Seconds between two steps."""
        return min(TICK, max(0.5, self._rhythm.every), max(0.5, self._rhythm.enrich_after))

    async def step(self) -> None:
        """Sweep where a sweep is due, and read fresh calls again; what cannot be read now, a later step reads."""
        try:
            if self._clock() - self._swept_at >= self._rhythm.every:
                self._swept_at = self._clock()
                await self.sweep()
            await self.read_again()
        except (DeliveryFailed, StoreBusy) as error:
            log.warning("calls could not be fetched", why=str(error))

    async def sweep(self, since: float | None = None) -> Sweep:
        """Fetch every call that changed since the last sweep (or since `since`, Unix seconds).

        Raises:
            DeliveryFailed: the listing could not be read to its end; the mark stays where it was.
            StoreBusy: the ledger refused; as above.
        """
        began = self._clock()
        mark = await self._store.mark(MARK)
        if since is None and mark is None:
            # A first start knows of no hole: calls from before it are fetched only when asked for.
            await self._store.set_mark(MARK, began)
            mark = began
        start = since if since is not None else (mark or began) - OVERLAP
        found = Sweep()
        async for page in self._client.calls.pages(updated_since=_written(start), include="transcription,summary"):
            for row in page.rows:
                found += await self._take(row)
        try:
            found += await self._failed_webhooks(start)
        except DeliveryFailed as error:
            # It only says of some calls sooner what the listing says of all: without it the sweep is whole.
            log.warning("the phone system's log of webhooks could not be read", why=str(error))
        if since is not None:
            await self._store.set_mark(HISTORY, min(since, await self._store.mark(HISTORY) or began))
        await self._store.fill_outages(since=start, until=began)
        # A call too young to be created now must be met again.
        await self._store.set_mark(MARK, max(mark or 0.0, began - self._rhythm.after))
        if found.created or found.enriched:
            log.info("fetched from the API", calls=found.seen, created=found.created, enriched=found.enriched)
        return found

    async def read_again(self) -> int:
        """Read calls once more that came without AI fields `enrich_after` ago; answers how many got some."""
        until = self._clock() - self._rhythm.enrich_after
        since = await self._store.mark(REREAD)
        enriched = 0
        start = until - STALE if since is None else since
        for event in await self._store.without_ai(self._source, since=start, until=until):
            try:
                call = await self._client.calls.get(event.key)
            except NotFound:
                continue  # not a call of this account, as a sample that was posted by hand
            enriched += (await self._merge(call.plain(), event)).enriched
        await self._store.set_mark(REREAD, until)
        return enriched

    async def _failed_webhooks(self, since: float) -> Sweep:
        """Calls whose webhook the sender itself gave up on."""
        found = Sweep()
        async for delivery in self._client.webhook_deliveries.list(status="failed"):
            if delivery.call_id is None or _moment(delivery.created_at, since) < since:
                continue
            if await self._store.known(self._source, delivery.call_id):
                continue
            try:
                call = await self._client.calls.get(delivery.call_id)
            except NotFound:
                continue
            found += await self._take(call.plain())
        return found

    async def _take(self, row: Mapping[str, Any]) -> Sweep:
        now = self._clock()
        try:
            event = read_event(dict(row), self._source, now, late=True).event
        except BadBody as error:
            log.warning("a call in the listing cannot be read", why=str(error))
            return Sweep(1)
        if event is None:
            return Sweep(1)
        known = [event for event in await self._store.known(self._source, event.key) if not event.nth]
        if known:
            return await self._merge(row, known[-1])
        if now - event.began_at < self._rhythm.after:
            return Sweep(1)  # its sender may still be trying
        await self._intake.event(event, json.dumps(dict(row)).encode())
        return Sweep(1, created=1)

    async def _merge(self, row: Mapping[str, Any], known: Event) -> Sweep:
        """Bring what was missing to a call that the ledger knows; only the fields that a webhook would have carried."""
        fields = {name: value for name, value in row.items() if name in _SPELLINGS and value is not None}
        late = known.late or self._clock() - known.began_at > STALE
        try:
            again = read_event(fields, self._source, self._clock(), late=late).event
        except BadBody:
            again = None
        if again is None:
            return Sweep(1)
        same = replace(again, type=known.of_type, of_type=known.of_type)
        accepted = await self._intake.event(same, json.dumps(fields).encode())
        return Sweep(1, enriched=int(accepted.enriched is not None))


def _written(at: float) -> str:
    return iso(at) or ""


def _moment(written: str | None, otherwise: float) -> float:
    try:
        moment = dt.datetime.fromisoformat(written or "")
    except ValueError:
        return otherwise
    return otherwise if moment.tzinfo is None else moment.timestamp()
