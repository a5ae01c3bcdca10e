"""Reads the phone system's list of texts: what people answered, and what others on the account sent.

Nothing pushes texts (callscaler-api section 9), so the list is asked for. What came in goes in at the door of every
event, which opts people out and in; what went out, by whomever, counts for cooldown and limits. Texts leave only while
a reading is young (`relay.texting.HEARD`): `heard_at` says when the last one began.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from relay import phone
from relay.errors import BadBody, DeliveryFailed, StoreBusy, Unauthorized
from relay.intake import read_event
from relay.intake.texts import RECEIVED, wish_of
from relay.models import iso
from relay.rules import say_span
from relay.store import ForeignText
from relay.texting import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from relay.intake import Intake
    from relay.models import Event
    from relay.store import Store
    from relay.texting import ListedText, PhoneConnector

log = structlog.get_logger(__name__)

EVERY = 30.0
"""Seconds from one reading to the next."""
OVERLAP = 86400.0
"""Seconds that every reading looks back beyond the last one: lists lag, and a first start counts a day of texts."""
LATE = 3600.0
"""Seconds after which a text that came in is told as late: nobody is called to the phone about it."""
DEAF = 600.0
"""Seconds of readings that fail until somebody should see to it; a key that is refused is told at once."""
MARK = "replies_mark"
_AT_ONCE = 64
"""Texts that go to the ledger together, in their order: they share a commit. A start meets a whole day of them again,
and no text leaves before they are read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading found that was new."""

    received: int = 0
    foreign: int = 0
    opted_out: int = 0


class Replies:
    """Reads the list of texts, again and again."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        phone: PhoneConnector,
        clock: Callable[[], float],
        source: str = "callscaler",
        alarm: Callable[[Alarm], None] = lambda _: None,
    ) -> None:
        """`source` is the name of the source of type callscaler, to which replies belong; `phone` may be swapped.

        `alarm` is told while the list cannot be read.
        """
        self.phone = phone
        self.heard_at: float | None = None
        """When the last reading that came to its end began, Unix seconds; None while there was none."""
        self._store = store
        self._intake = intake
        self._clock = clock
        self._source = source
        self._alarm = alarm
        self._failing_since: float | None = None
        self._known: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Read at start and ever after; while the list cannot be read, texts are held."""
        while True:
            await self.step()
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Read once; what cannot be read now, a later step reads, and somebody is told where that lasts."""
        try:
            await self.read()
        except (DeliveryFailed, StoreBusy) as error:
            log.warning("the list of texts could not be read", why=str(error))
            self._tell(error)
        else:
            self._failing_since = None

    def _tell(self, error: Exception) -> None:
        now = self._clock()
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        if isinstance(error, Unauthorized):
            what = "the phone system refuses the key: nothing is texted, fetched or regrouped"
            remedy = (
                "create a key in CallScaler under Settings, API Keys, put it in the place of CALLSCALER_API_KEY and "
                "start again; what comes in meanwhile is written down and judged"
            )
        elif now - since >= DEAF:
            what = f"the phone system's list of texts could not be read for {say_span(now - since)}: no text leaves"
            remedy = f"`relay doctor` tells what stands in the way; the last answer: {error}"
        else:
            return
        self._alarm(Alarm("phone-deaf", what, remedy))

    async def read(self) -> Reading:
        """Read what is new in the list.

        At the first reading of all, older texts than a day only say who asked to stop.

        Raises:
            DeliveryFailed: the list could not be read whole; nothing of it counts.
            StoreBusy: the ledger refused; what was not written down is met again.
        """
        began = self._clock()
        mark = await self._store.mark(MARK)
        since = began - OVERLAP if mark is None else min(mark, began) - OVERLAP
        listed = await self.phone.texts(0.0 if mark is None else since)
        young = [text for text in listed if text.at is None or text.at >= since]
        foreign = await self._store.save_foreign_texts(list(_sent(young, began)))
        opted_out = await self._heed_history(text for text in listed if text.at is not None and text.at < since)
        received = 0
        unknown = [text for text in _received(young) if text.id not in self._known]
        for start in range(0, len(unknown), _AT_ONCE):
            taken = await asyncio.gather(*(self._take(text) for text in unknown[start : start + _AT_ONCE]))
            received += sum(new for new, _ in taken)
            opted_out += sum(stopped for _, stopped in taken)
        self._known = frozenset(text.id for text in young)
        await self._store.set_mark(MARK, began)
        self.heard_at = began
        if received or foreign or opted_out:
            log.info("read the list of texts", received=received, foreign=foreign, opted_out=opted_out)
        return Reading(received, foreign, opted_out)

    async def _take(self, text: ListedText) -> tuple[bool, bool]:
        """Hand one text that came in to the door; answers whether it was new, and whether it asked to stop."""
        event, body = self._event(text)
        if event is None:
            return False, False
        accepted = await self._intake.event(event, body)
        new = not accepted.duplicate
        return new, new and event.caller is not None and wish_of(event) == "stop"

    async def _heed_history(self, texts: Iterable[ListedText]) -> int:
        """Opt out everybody whose last word on it, before there was a relay, was STOP; answers how many they are."""
        last: dict[str, tuple[str, float]] = {}
        for text in _received(texts):
            event, _ = self._event(text)
            wish = None if event is None else wish_of(event)
            if event is not None and event.caller is not None and wish is not None:
                last[event.caller] = (wish, event.began_at)
        stopped = {person: at for person, (wish, at) in last.items() if wish == "stop"}
        for person, at in stopped.items():
            await self._store.opt_out(person, now=at, how="asked to stop by text, before the relay was there")
        return len(stopped)

    def _event(self, text: ListedText) -> tuple[Event | None, bytes]:
        """The text as a webhook would have brought it."""
        now = self._clock()
        fields = {
            "event": RECEIVED,
            "id": text.id,
            "direction": "inbound",
            "caller_number": text.sender,
            "tracking_number": text.to,
            "body": text.body,
            "created_at": iso(text.at),
        }
        late = text.at is not None and now - text.at > LATE
        try:
            event = read_event(fields, self._source, now, late=late).event
        except BadBody as error:
            log.warning("a text in the list cannot be read", why=str(error))
            return None, b""
        return event, json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")


def _received(texts: Iterable[ListedText]) -> Sequence[ListedText]:
    """What came in, oldest first, so that the last word counts; what tells no time comes last."""
    came = [text for text in texts if text.direction == "inbound"]
    return sorted(came, key=lambda text: (text.at is None, text.at or 0.0))


def _sent(texts: Iterable[ListedText], now: float) -> Iterable[ForeignText]:
    """What went out, by whomever, as far as it says to whom; what tells no time went out just now."""
    for text in sorted(texts, key=lambda text: (text.at is None, text.at or 0.0)):
        to = phone.normalise(text.to)
        if text.direction == "outbound" and to is not None:
            at = now if text.at is None else min(text.at, now)
            yield ForeignText(text.id, to, phone.prefix(to), phone.normalise(text.sender), text.body, at)
