"""Nobody answered the person who answered us: a text that waits too long becomes an event that rules can act on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreBusy
from relay.intake.reading import new_id
from relay.intake.texts import UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.intake import Intake
    from relay.models import Event
    from relay.store import Store

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds from one look to the next."""
LOOK_BACK = 86400.0
"""Seconds after which a text that nobody answered is no news any more."""


class Unanswered:
    """Looks for texts that wait, again and again."""

    def __init__(
        self, store: Store, intake: Intake, clock: Callable[[], float], after: Callable[[], float | None]
    ) -> None:
        """`after` says how many seconds a text may wait; None where nobody asks."""
        self._store = store
        self._intake = intake
        self._clock = clock
        self._after = after
        self._raised: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except StoreBusy as error:
                log.warning("could not look for texts that nobody answered", why=str(error))
            await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """Raise an event for each person whose text waits too long, once for as long as nobody answers; how many.

        Raises:
            StoreBusy: the ledger could not be read or written; what was not raised is met again.
        """
        after, now = self._after(), self._clock()
        if after is None:
            return 0
        waiting = await self._store.unanswered_texts(since=now - after - LOOK_BACK, until=now - after)
        first: dict[str, Event] = {}
        for text in waiting:
            if text.caller is not None and not _is_nothing(text):
                first.setdefault(text.caller, text)
        raised = 0
        for text in first.values():
            if text.id not in self._raised:
                raised += await self._raise(text, now)
        self._raised = frozenset(text.id for text in first.values())
        return raised

    async def _raise(self, text: Event, now: float) -> bool:
        """The event, once: the door knows its key, also after a restart."""
        call = {**text.call, "event": UNANSWERED}
        again = replace(text, id=new_id(now), type=UNANSWERED, of_type=UNANSWERED, received_at=now, started_at=None)
        event = replace(again, call=call, seq=0)
        accepted = await self._intake.event(event, b"{}")
        if not accepted.duplicate:
            log.info("nobody answered a text", id=accepted.event, text=text.id)
        return not accepted.duplicate


def _is_nothing(text: Event) -> bool:
    """What needs no answer, or came when it was old already."""
    return bool(text.call.get("is_optout") or text.call.get("is_test") or text.late)
