"""The relay's own clock: when the time of a rule has come, it goes in at the door as an event, once.

How far the clock has come is kept for each rule. A rule that is new, or whose times were changed, starts now; what was
missed while the relay was down runs once, if it is not too old by then. Two relays on one ledger, or one that fell over
half way, raise the same events again, and the door knows them by their keys.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from relay.errors import StoreBusy
from relay.intake import new_id
from relay.models import Event, iso
from relay.rules import version_of
from relay.rules.facts import HISTORY
from relay.rules.ticks import CLOCK, TICK, latest_of, next_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relay.book import Book
    from relay.hours import Business
    from relay.intake import Intake
    from relay.models import Owned
    from relay.rules import Rule
    from relay.store import Store

log = structlog.get_logger(__name__)

MISSED_MOST = 6 * 3600.0
"""Seconds after which a time that was missed is left out."""
POLL = 15.0
"""Seconds after which rules and clock are looked at again, whatever they said before: either may have been changed."""
_AT_ONCE = 64
"""Events that go to the ledger together: they share a commit, and the door does not wait long behind them."""


class Clock:
    """Raises the events of rules that run by the clock."""

    def __init__(self, store: Store, intake: Intake, clock: Callable[[], float], book: Callable[[], Book]) -> None:
        """`book` answers the rules in force."""
        self._store = store
        self._intake = intake
        self._clock = clock
        self._book = book
        self._called = asyncio.Event()
        self.turned_at = float("-inf")
        """When it last looked at the rules, on the monotonic clock."""
        self._met: frozenset[str] | None = None
        """The rules of the last look, by their marks; None before the first, which is when what was missed is due."""

    def call(self) -> None:
        """The rules were changed."""
        self._called.set()

    async def run(self) -> None:
        """Raise what is due, until cancelled; a ledger that is busy is asked again."""
        while True:
            self._called.clear()
            self.turned_at = time.monotonic()
            try:
                await self.tick(self._clock())
            except StoreBusy as error:
                log.error("a rule waits for its time to be written down", why=str(error))
            now = self._clock()
            following = self.next_at(now)
            pause = POLL if following is None else min(POLL, following - now)
            try:
                async with asyncio.timeout(pause):
                    await self._called.wait()
            except TimeoutError:
                continue

    def next_at(self, now: float) -> float | None:
        """The next moment that any rule runs at, Unix seconds; None when none does."""
        book = self._book()
        ticks = [tick for rule in book.rules if rule.mode != "off" for tick in rule.ticks]
        return next_of(ticks, now, book.about.hours)

    async def tick(self, now: float) -> int:
        """Raise the events of every rule whose time has come by `now`, Unix seconds; answers how many were new.

        Raises:
            StoreBusy: the ledger refused; what is missing is raised the next time.
        """
        book = self._book()
        timed = {mark_of(rule): rule for rule in book.rules if rule.ticks}
        raised = 0
        for name, rule in timed.items():
            raised += await self._tick(name, rule, book.about.hours, now)
        self._met = frozenset(timed)
        return raised

    async def _tick(self, name: str, rule: Rule, hours: Business, now: float) -> int:
        moment, seen = latest_of(rule.ticks, now, hours), await self._store.mark(name)
        new = self._met is not None and name not in self._met
        if new or seen is None or seen > now:  # ahead of now: the machine's clock was set back
            await self._store.set_mark(name, now)
            return 0
        if moment is None or moment <= seen:
            return 0
        raised = 0
        if now - moment >= MISSED_MOST:
            log.warning("a rule missed its time", rule=rule.name, at=iso(moment))
        elif rule.mode != "off":
            raised = await self._raise(rule, moment, now)
        await self._store.set_mark(name, moment)
        return raised

    async def _raise(self, rule: Rule, moment: float, now: float) -> int:
        events = tick_events(rule, moment, now, await self._store.numbers() if rule.each_number else ())
        raised = 0
        for start in range(0, len(events), _AT_ONCE):
            some = events[start : start + _AT_ONCE]
            accepted = await asyncio.gather(*(self._intake.event(event, b"{}") for event in some))
            raised += sum(not one.duplicate for one in accepted)
        log.info("the time of a rule has come", rule=rule.name, at=iso(moment), events=raised)
        return raised


def tick_events(rule: Rule, moment: float, now: float, numbers: Iterable[Owned] = ()) -> list[Event]:
    """What a rule's moment looks like as events that come in at `now`: one, or one for each of the numbers."""
    key = f"{rule.name}@{iso(moment)}"
    event = Event(
        id=new_id(now),
        source=CLOCK,
        type=TICK,
        key=key,
        received_at=now,
        call={"rule": rule.name},
        started_at=moment,
    )
    if not rule.each_number:
        return [event]
    each = list(numbers)
    # How many there are, so that a run is known to be whole before any of its numbers is moved.
    call = {**event.call, "numbers": len(each)}
    return [replace(event, id=new_id(now), key=f"{key}/{one.number}", number=one.number, call=call) for one in each]


def mark_of(rule: Rule) -> str:
    """Where the ledger keeps how far a rule has come; other times of the same rule are kept apart."""
    return f"tick:{rule.name}:{version_of([repr(tick) for tick in rule.ticks])}"


async def history_of(store: Store, now: float) -> float:
    """Since when calls are in this ledger, Unix seconds; that is now for one that is asked for the first time.

    Raises:
        StoreBusy: the ledger refused.
    """
    since = await store.mark(HISTORY)
    if since is None:
        await store.set_mark(HISTORY, now)
    return now if since is None else since
