"""Holds what a source with `confirm: true` brings until the phone system itself knows the call.

A secret can leak; whoever has it could have strangers texted. So such an event is planned only after its call was found
through the API, and then as the API tells it: whoever forged it chose neither the caller nor the number.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from relay.errors import BadBody, DeliveryFailed, NotFound, StoreBusy
from relay.intake import read_event
from relay.models import UNCONFIRMED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.callscaler import CallScaler
    from relay.models import Event
    from relay.store import Store

log = structlog.get_logger(__name__)

PATIENCE = 900.0
"""Seconds for which the API may not know a call yet; found after that, it is late and nobody is texted for it."""
EVERY = 1.0
_FIRST, _LONGEST = 5.0, 120.0
"""Seconds between two questions about the same call: doubling from the one to the other."""
_AT_ONCE = 50


class Confirming:
    """Asks the API about calls that wait to be confirmed."""

    def __init__(
        self,
        store: Store,
        client: CallScaler,
        clock: Callable[[], float],
        confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """`client` may be swapped; `confirmed` is called when there is something to plan anew."""
        self.client = client
        self._store = store
        self._clock = clock
        self._confirmed = confirmed
        self._again: dict[str, tuple[float, float]] = {}
        """By event: when it is asked about again, and how long the pause after that is."""

    async def run(self) -> None:
        """Ask for ever; what cannot be asked now waits."""
        while True:
            try:
                await self.step()
            except (DeliveryFailed, StoreBusy) as error:
                log.warning("calls could not be confirmed", why=str(error))
                await asyncio.sleep(_FIRST)
            await asyncio.sleep(EVERY)

    async def step(self) -> int:
        """Ask about what is due to be asked; answers how many events were decided.

        Raises:
            DeliveryFailed: the API could not be asked.
            StoreBusy: the ledger refused.
        """
        waiting = await self._store.unconfirmed(limit=_AT_ONCE)
        self._again = {event.id: self._again[event.id] for event in waiting if event.id in self._again}
        decided = 0
        for event in waiting:
            at, pause = self._again.get(event.id, (0.0, _FIRST))
            if self._clock() < at:
                continue
            known = await self._ask(event)
            if known is None:
                self._again[event.id] = (self._clock() + pause, min(2 * pause, _LONGEST))
                continue
            await self._store.confirm(known)
            decided += 1
        if decided:
            self._confirmed()
        return decided

    async def _ask(self, event: Event) -> Event | None:
        """The event as the API tells it, or as one that it does not know; None while it may yet come to know it."""
        waited = self._clock() - event.received_at
        try:
            call = await self.client.calls.get(event.key)
        except NotFound:
            if waited < PATIENCE:
                return None
            log.warning("the phone system does not know a call; nothing is done about it", id=event.id)
            return replace(event, call={**event.call, UNCONFIRMED: "refused"})
        return _as_told(event, call.plain(), late=waited >= PATIENCE)


def _as_told(event: Event, row: Mapping[str, object], *, late: bool) -> Event:
    """The event with everything the API says of the call in place of what the webhook said."""
    ours = {name: value for name, value in event.call.items() if name != UNCONFIRMED}
    fields = {**row, "call_id": event.key, "event": event.of_type or event.type}
    try:
        told = read_event(fields, event.source, event.received_at).event
    except BadBody:
        told = None
    if told is None:  # known, but in words that nobody can read: not to be acted on
        return replace(event, call={**event.call, UNCONFIRMED: "refused"})
    theirs = {name: value for name, value in told.call.items() if name not in {"id", "event", "is_test"}}
    return replace(
        event,
        call={**ours, **theirs},
        caller=told.caller,
        caller_raw=told.caller_raw,
        number=told.number,
        started_at=told.started_at if told.started_at is not None else event.started_at,
        late=event.late or late,
    )
