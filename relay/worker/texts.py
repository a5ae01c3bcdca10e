"""How a text begins: judged where it is marked, and by what the phone system says of the person, where that counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from relay import failpoints, phone
from relay.book import Answered, asks_whether_answered, judge_text
from relay.models import ASKED, SendText, State
from relay.store import Decider, TextAddress
from relay.texting import PhoneConnector
from relay.worker.move import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.book import Book, Moment
    from relay.models import Delivery, Event, Known
    from relay.planner import Planner
    from relay.store import Claimed, Store
    from relay.texting import Alarm
    from relay.worker.channel import Channel

log = structlog.get_logger(__name__)


class _WouldGo(Exception):
    """A text would go now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the phone system said when it was asked about a person, in words."""

    words: str
    answered: bool = False


@dataclass(eq=False)
class _Beginning(Decider):
    """A claimed text judged where it is marked; notes what a person should see to.

    Where the phone system is still to be asked whether the person was answered (`asks`), a text that would go does not.
    """

    book: Book
    moment: Moment
    asked: Asked | None
    asks: bool
    notes: list[Alarm] = field(default_factory=list)

    def __call__(self, delivery: Delivery, event: Event, known: Known) -> Delivery:
        """The text as it shall stand.

        Raises:
            _WouldGo: it would go, and somebody is to be asked first.
        """
        alarms: list[Alarm] = []
        asked = self.asked
        noted = delivery.but(notes={**delivery.notes, ASKED: asked.words}) if asked else delivery
        knows = Answered(known) if asked and asked.answered else known
        decided = judge_text(self.book, noted, event, knows, self.moment, alarms.append)
        if self.asks and decided.state is State.SENDING:
            raise _WouldGo
        self.notes = alarms
        return decided


class Texts:
    """Begins texts, each in one transaction with the limits that it counts against."""

    def __init__(self, store: Store, planner: Planner, clock: Callable[[], float]) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock

    async def begin(self, channel: Channel, claimed: Claimed) -> Claimed | None:
        """Judge a text in the transaction that marks it as sending; None when it does not go now.

        Where a `cancel_if` wants to know whether somebody was answered, the phone system is asked once, and only before
        a text that would go: what is held is not asked about again and again.
        """
        asks = asks_whether_answered(self._planner.book, claimed.delivery) and not claimed.delivery.shadow
        try:
            begun = await self._judged(claimed, None, asks=asks)
        except _WouldGo:
            to = SendText.model_validate(dict(claimed.delivery.action or {})).to
            begun = await self._judged(claimed, await self._ask(channel, claimed, to), asks=False)
        if begun.state is not State.SENDING:
            return None
        failpoints.reach("text_begun")
        return replace(claimed, delivery=claimed.delivery.but(notes=begun.notes))

    async def _judged(self, claimed: Claimed, asked: Asked | None, *, asks: bool) -> Delivery:
        """The text as the ledger has marked it.

        Raises:
            _WouldGo: it would go, and somebody is to be asked first; nothing was marked.
        """
        book = self._planner.book
        text = SendText.model_validate(dict(claimed.delivery.action or {}))
        address = TextAddress(text.to, phone.prefix(text.to), text.sender, text.body)

        beginning = _Beginning(book, self._planner.moment(), asked, asks)
        begun = await self._store.begin_text(
            claimed.delivery,
            address,
            beginning,
            self._planner.follow,
            now=beginning.moment.at,
            windows=book.policy.windows,
        )
        for alarm in beginning.notes:
            self._planner.alarm(alarm)
        return begun

    async def _ask(self, channel: Channel, claimed: Claimed, person: str) -> Asked | None:
        """Ask the phone system once whether this person was answered; where it cannot say, the ledger's word stands."""
        if not isinstance(channel.connector, PhoneConnector) or claimed.delivery.shadow:
            return None
        try:
            answered = await channel.connector.answered(person, claimed.event.began_at)
        except Exception as failure:  # noqa: BLE001 - a question that fails must not keep the text from being judged
            log.warning("could not ask whether somebody was answered", delivery=claimed.delivery.id, why=told(failure))
            words = "the phone system could not say whether they were answered, so the ledger's word stood"
            return Asked(f"{words}: {told(failure)}")
        return Asked("the phone system says they were " + ("answered" if answered else "not answered"), answered)
