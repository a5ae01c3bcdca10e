"""The phone system as a relay uses it: its numbers and inbound texts are read from the moment that it is set up."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import structlog

from relay.app.parts import phone_source
from relay.errors import DeliveryFailed, StoreBusy
from relay.models import CALLSCALER
from relay.replies import MARK, Replies
from relay.texting import PhoneConnector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.intake import Intake
    from relay.settings import Settings
    from relay.store import Store
    from relay.texting import Alarm
    from relay.worker import Channel

log = structlog.get_logger(__name__)

NUMBERS_EVERY = 600.0
NUMBERS_AGAIN = 30.0


class PhoneSystem:
    """Listens to what the phone system has to say, whichever settings are in force."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        clock: Callable[[], float],
        channels: Callable[[], Mapping[str, Channel]],
        learnt: Callable[[], Awaitable[None]],
        alarm: Callable[[Alarm], None],
    ) -> None:
        """`channels` are those in force by name; `learnt` is called when the list of numbers was read.

        `alarm` is told while its list of texts cannot be read.
        """
        self._store = store
        self._intake = intake
        self._clock = clock
        self._channels = channels
        self._learnt = learnt
        self._alarm = alarm
        self._replies: Replies | None = None
        """Reads inbound texts; None while the phone system is not set up."""

    @property
    def connector(self) -> PhoneConnector | None:
        """Whoever speaks to it; it refuses everything where no key is set."""
        channel = self._channels().get(CALLSCALER)
        return channel.connector if channel is not None and isinstance(channel.connector, PhoneConnector) else None

    def listen(self, settings: Settings, keep: Callable[[str, Callable[[], Awaitable[None]]], None]) -> None:
        """Keep its numbers and inbound texts read, once it is set up; `keep` is given the loops that do so."""
        phone = self.connector
        if CALLSCALER not in settings.connectors or phone is None:
            return
        if self._replies is not None:
            self._replies.phone = phone
            return
        source = phone_source(settings) or CALLSCALER
        self._replies = Replies(self._store, self._intake, phone, self._clock, source, self._alarm)
        keep("replies", self._replies.run)
        keep("numbers", self._read_numbers)

    def heard(self) -> float | None:
        """When the list of texts was last read, Unix seconds; endless where there is no phone system to ask."""
        return math.inf if self._replies is None else self._replies.heard_at

    async def learn_heard(self) -> None:
        """Take over when another relay, which reads the list of texts for all, read it last."""
        if self._replies is not None:
            self._replies.heard_at = await self._store.mark(MARK)

    async def _read_numbers(self) -> None:
        """Keep the list of the business's numbers fresh: rules know their groups, and none of them is ever texted."""
        while True:
            phone = self.connector
            pause = NUMBERS_EVERY
            if phone is not None:
                try:
                    await self._store.save_numbers(await phone.owned(self._clock()))
                    await self._learnt()
                except (DeliveryFailed, StoreBusy) as error:
                    log.warning("the list of numbers could not be read", why=str(error))
                    pause = NUMBERS_AGAIN
            await asyncio.sleep(pause)
