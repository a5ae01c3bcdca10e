"""The real planner and worker on a ledger in memory, with every outside service pretended: nothing leaves the relay.

What was before is told first (calls, texts, opt-outs, numbers of a real ledger), then events happen at their times,
and after the last one the clock runs on until nothing is owed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.book import Book
from relay.connector import Receipt
from relay.intake.texts import RECEIVED, wish_of
from relay.metrics import Metrics
from relay.models import CALLSCALER, Delivery, Event, Plan, State
from relay.planner import Planner
from relay.store import Settlement, TextAddress, Want
from relay.store.sqlite import SqliteStore
from relay.texting import PretendedPhone
from relay.worker import Channel, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from relay.connector import Connector, Job
    from relay.models import Owned
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.store import Store

MOST_TURNS = 10_000
"""Steps of the clock between two events after which something is taken to be owed for ever."""
ALL = 1_000_000
PAGE = 1000
SINCE_EVER = -math.inf
"""What is told of earlier calls is taken to be all there were."""
COUNTED = 30 * 86400.0
"""Seconds of earlier calls that facts count from (calls_30d)."""
_BATCH = 64
_NONE = Plan(())


@dataclass(frozen=True, slots=True)
class Past:
    """What a real ledger knew before the first event happened, oldest first."""

    events: tuple[Event, ...] = ()
    texts: tuple[Mapping[str, Any], ...] = ()
    """As `Store.texts` tells them."""
    opt_outs: tuple[tuple[str, float], ...] = ()
    """(number, when) of those whose number is still known."""
    numbers: tuple[Owned, ...] = ()


async def read_past(ledger: Store, before: Event, *, person: str | None = None) -> Past:
    """What a ledger knew when this event of it arrived, of one person's calls or of all; not tags, nor `once`."""
    at = before.received_at
    events = [event async for event in events_back(ledger, since=at - COUNTED, before=before.seq, person=person)]
    outs = [(out["number"], out["at"]) for out in await ledger.opt_outs(limit=ALL) if out["number"] and out["at"] < at]
    return Past(
        events=tuple(events[::-1]),
        texts=await read_texts(ledger, at),
        opt_outs=tuple(outs),
        numbers=tuple(await ledger.numbers()),
    )


async def read_texts(ledger: Store, before: float) -> tuple[Mapping[str, Any], ...]:
    """The texts before Unix second `before` that stand in the way of later ones, oldest first."""
    texts = await ledger.texts(limit=ALL)
    return tuple(text for text in reversed(texts) if text["at"] < before and _counts(text))


def _counts(text: Mapping[str, Any]) -> bool:
    """Whether a text that the ledger kept stands in the way of another."""
    return not text["shadow"] and text["state"] in {"sending", "unknown", "sent", "abandoned"}


async def events_back(
    ledger: Store, *, since: float, before: int | None = None, person: str | None = None
) -> AsyncIterator[Event]:
    """Events that arrived at `since` or later, newest first, from before a place in the ledger on."""
    while page := await ledger.events(limit=PAGE, before=before, person=person):
        for event in page:
            if event.received_at < since:
                return
            yield event
        before = page[-1].seq


class Rehearsal:
    """Rules at work on nothing real."""

    def __init__(
        self,
        settings: Settings,
        rules: Iterable[Rule],
        connectors: Mapping[str, type[Connector[Any, Any]]],
        past: Past,
    ) -> None:
        """`connectors` are the classes by type. Rules in shadow mode act as if they were live."""
        self.store = SqliteStore(None)
        self.now = 0.0
        self._past = past
        self._windows = settings.policy.windows
        classes = {name: item.cls for name, item in settings.connectors.items()}
        if CALLSCALER in connectors:
            classes[CALLSCALER] = connectors[CALLSCALER]
        services = {name: _Pretended(name, cls) for name, cls in classes.items()}
        self._names = list(services)

        book = Book(
            rules=tuple(replace(rule, mode="live") if rule.mode == "shadow" else rule for rule in rules),
            about=replace(settings.about, history=SINCE_EVER),
            policy=settings.policy,
            version="rehearsal",
            rings_people=settings.rings_people,
            scorecard=settings.spam,
        )
        metrics = Metrics()
        channels = {name: Channel(name, service) for name, service in services.items()}
        self._planner = Planner(self.store, self._clock, metrics, book)
        self._worker = Worker(self.store, self._planner, channels, self._clock, metrics, dice=lambda: 0.5)

    def _clock(self) -> float:
        return self.now

    async def close(self) -> None:
        """Let go of the ledger in memory."""
        await self.store.close()

    async def remember(self) -> None:
        """Tell the ledger what was before: counted by the facts, and judged by no rule."""
        past = self._past
        await self.store.save_numbers(past.numbers)
        for number, at in past.opt_outs:
            await self.store.opt_out(number, now=at, how="before")
        for event in past.events:
            await self._write_down(event)
            await self._plan_nothing(event.received_at)
        await self._remember_texts(past.texts)

    async def opt_out(self, number: str, at: float) -> None:
        """Somebody asks not to be texted at Unix second `at`, after everything that fell due before it."""
        await self.run_on(at)
        self.now = at
        await self.store.opt_out(number, now=at, how="before")

    async def happen(self, event: Event) -> None:
        """An event arrives, after everything that fell due before it; it is judged at once, and nothing more is done.

        Raises:
            ValueError: something is owed for ever.
        """
        await self.run_on(event.received_at)
        self.now = event.received_at
        await self._write_down(event)
        while await self._planner.plan_next():
            pass

    async def run_on(self, end: float | None = None) -> None:
        """Let the clock run to `end`, Unix seconds, or until nothing is owed.

        Raises:
            ValueError: something is owed for ever.
        """
        for _ in range(MOST_TURNS):
            while await self._planner.plan_next() or await self._worker.turn():
                await self._worker.idle()
            moment = await self.store.next_due_at(self._names, now=self.now)
            if moment is None or (end is not None and moment > end):
                return
            self.now = max(moment, self.now + 0.001)
        raise ValueError("it does not come to an end: something is owed for ever")

    async def _write_down(self, event: Event) -> None:
        # An enrichment was merged when it first came in; it is written down as it stands.
        if event.type == RECEIVED:
            await self.store.accept_text(event, b"{}", wish_of(event), now=event.received_at)
            return
        await self.store.accept(event, b"{}", lambda _, again: again)

    async def _plan_nothing(self, now: float, owed: Sequence[Delivery] = ()) -> None:
        plan = Plan((), tuple(owed)) if owed else _NONE
        while await self.store.plan(
            lambda *_: plan, now=now, config="before", windows=self._windows, prefix=phone.prefix, limit=_BATCH
        ):
            pass

    async def _remember_texts(self, texts: Sequence[Mapping[str, Any]]) -> None:
        """Earlier texts go the way of all texts, so that every limit counts them."""
        if not texts:
            return
        before = Event("evt_before", "before", "before.texts", "texts", received_at=texts[0]["at"])
        await self._write_down(before)
        owed = [
            Delivery(
                id=f"before-{place}",
                event=before.id,
                run=text["run"],
                rule=text["rule"],
                rule_version="before",
                step=0,
                kind="text",
                connector=CALLSCALER,
                state=State.DUE,
                due_at=text["at"],
                first_due_at=text["at"],
                action={},
            )
            for place, text in enumerate(texts)
        ]
        await self._plan_nothing(before.received_at, owed)
        told = dict(zip((delivery.id for delivery in owed), texts, strict=True))
        last = texts[-1]["at"]
        taken = await self.store.claim({CALLSCALER: Want(len(owed))}, now=last)
        for claimed in taken.claimed:
            text = told[claimed.delivery.id]
            address = TextAddress(text["recipient"], phone.prefix(text["recipient"]), text["sender"], text["body"])
            begun = await self.store.begin_text(
                claimed.delivery,
                address,
                lambda delivery, *_: delivery.moved(State.SENDING),
                lambda _: (),
                now=text["at"],
                windows=self._windows,
            )
            done = begun.moved(State.DELIVERED, settled_at=text["at"])
            await self.store.settle([Settlement(done)], lambda _: ())


class _Pretended(PretendedPhone):
    """Stands where an outside service would, and says yes to everything."""

    def __init__(self, name: str, cls: type[Connector[Any, Any]]) -> None:
        self.name = name
        self.Action = cls.Action  # type: ignore[misc]
        self._done = 0

    async def send(self, job: Job[Any]) -> Receipt:  # noqa: ARG002 - the seam
        self._done += 1
        return Receipt(id=f"{self.name}-{self._done}", created=True, status=200)
