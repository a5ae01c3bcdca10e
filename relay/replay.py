"""Does again what died, from the step that failed, or whole events: never more than the guards of today allow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.errors import RelayError
from relay.rules.replaying import Revived, Wish, again, revive
from relay.rules.runs import REPLAYED
from relay.store import Decider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from relay.book import Book
    from relay.models import Delivery, Event, Known, Plan
    from relay.planner import Planner
    from relay.rules import Rule
    from relay.store import Run, Store

PAGE = 200
"""Deliveries or events that one request does again; whoever asks goes on asking while there are more."""


class NothingSuch(RelayError):
    """There is no event or rule of that name."""


@dataclass(frozen=True, slots=True)
class Which:
    """What is to be done again; None chooses all. `since` is in Unix seconds."""

    since: float | None = None
    rule: str | None = None
    event: str | None = None
    connector: str | None = None
    page: int | None = None
    """The `next` of the page before."""


@dataclass
class Replayed:
    """What came of one page."""

    deliveries: list[str] = field(default_factory=list)
    """Ids of what is owed again."""
    left: Counter[str] = field(default_factory=Counter)
    """Why the rest is not."""
    connectors: set[str] = field(default_factory=set)
    next: int | None = None
    """Where to go on; None when all is done."""

    def public(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "replayed": len(self.deliveries),
            "deliveries": self.deliveries,
            "left": dict(self.left),
            "next": self.next,
        }


@dataclass(eq=False)
class _Reviving(Decider):
    """Lets the chosen dead deliveries of a run go on; notes what becomes of them."""

    book: Book
    now: float
    chosen: frozenset[str]
    wish: Wish
    connectors: frozenset[str]
    notes: Revived = field(default_factory=Revived)

    def __call__(self, run: Run) -> Sequence[Delivery]:
        """The deliveries that change."""
        book = self.book
        today = {rule.name: rule for rule in book.rules}
        ground = book.ground(self.now)
        self.notes = revive(run.deliveries, self.chosen, book.rule, today, ground, self.wish, self.connectors)
        return self.notes.changed


@dataclass(eq=False)
class _JudgingAgain(Decider):
    """Rules judged on an event once more, as on a late one that arrives now."""

    book: Book
    rules: tuple[Rule, ...]
    now: float
    wish: Wish

    def __call__(self, event: Event, known: Known, earlier: Sequence[Delivery]) -> Plan:
        """What is owed beside what was owed `earlier`."""
        book, now = self.book, self.now
        arrives = replace(event, late=True, received_at=now, started_at=event.began_at)
        facts = book.facts(arrives, known, now)
        decided = again(self.rules, arrives, facts, book.ground(now), earlier, self.wish)
        return replace(decided, owed=tuple(book.in_lane(delivery) for delivery in decided.owed))


class Replay:
    """Does things again."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        clock: Callable[[], float],
        recall: Callable[[Collection[str]], Awaitable[None]],
        connectors: Callable[[], Collection[str]],
    ) -> None:
        """`recall` brings older versions of rules into the planner's book; `connectors` names those that there are."""
        self._store = store
        self._planner = planner
        self._clock = clock
        self._recall = recall
        self._connectors = connectors

    async def recall(self, ids: Sequence[str]) -> None:
        """Bring the rules that planned these deliveries into the planner's book."""
        found = [await self._store.delivery(name) for name in ids]
        await self._recall({delivery.rule_version for delivery in found if delivery is not None})

    async def dead(self, which: Which, wish: Wish, *, dry_run: bool) -> Replayed:
        """Let a page of what died go on, from the step that failed; what is owed to nobody any more stays dead.

        Raises:
            NothingSuch: there is no such event.
        """
        event = None if which.event is None else (await self._event(which.event)).id
        page = await self._store.dead(
            since=which.since,
            rule=which.rule,
            event=event,
            connector=which.connector,
            after=which.page or 0,
            limit=PAGE,
        )
        await self._recall({delivery.rule_version for delivery in page})
        runs: dict[str, set[str]] = {}
        for delivery in page:
            runs.setdefault(delivery.run, set()).add(delivery.id)
        came = Replayed(next=page[-1].seq if len(page) == PAGE else None)
        for name, chosen in runs.items():
            revived = await self._revive(name, chosen, wish, dry_run=dry_run)
            came.deliveries += [delivery.id for delivery in revived.changed if delivery.id in chosen]
            came.connectors |= {delivery.connector for delivery in revived.changed if delivery.id in chosen}
            came.left.update(why for _, why in revived.left)
        return came

    async def _revive(self, name: str, chosen: Collection[str], wish: Wish, *, dry_run: bool) -> Revived:
        reviving = _Reviving(self._planner.book, self._clock(), frozenset(chosen), wish, frozenset(self._connectors()))
        if not dry_run:
            await self._store.amend(name, reviving)
        elif (run := await self._store.run(name)) is not None:
            reviving(run)
        return reviving.notes

    async def whole(self, which: Which, wish: Wish, *, dry_run: bool) -> Replayed:
        """Judge a page of events once more, newest first, as late ones that arrive now.

        Raises:
            NothingSuch: there is no such event, or no rule of that name.
        """
        came = Replayed()
        if which.event is not None:
            events = [await self._event(which.event)]
        else:
            events = await self._store.events(limit=PAGE, before=which.page)
            kept = [event for event in events if event.received_at >= (which.since or 0.0)]
            came.next = events[-1].seq if len(kept) == PAGE else None
            events = kept
        for event in events:
            plan = await self._again(event, which, wish, dry_run=dry_run)
            came.deliveries += [delivery.id for delivery in plan.owed if not delivery.state.settled]
            came.left.update(d.reason or str(d.state) for d in plan.owed if d.state.settled and d.state != "delivered")
            came.left.update(
                v.why for v in plan.verdicts if v.word in {"suppressed", "error"} and not _owes(plan, v.rule)
            )
        return came

    async def _again(self, event: Event, which: Which, wish: Wish, *, dry_run: bool) -> Plan:
        book, now = self._planner.book, self._clock()
        owed = await self._store.deliveries(limit=1000, event=event.id)
        versions = {delivery.rule_version for delivery in owed if REPLAYED not in delivery.notes}
        if not wish.today:
            await self._recall(versions)
            book = self._planner.book
        rules = _chosen(book.rules if wish.today else _worded(book.rules, book.old, versions), which)
        plan = await self._store.replan(
            event.id,
            _JudgingAgain(book, tuple(rules), now, wish),
            now=now,
            windows=book.policy.windows,
            prefix=phone.prefix,
            keep=not dry_run,
        )
        if plan is None:
            raise NothingSuch(f"there is no event {event.id} any more")
        return plan

    async def _event(self, reference: str) -> Event:
        event = await self._store.event(reference)
        if event is None:
            raise NothingSuch(f"there is no event {reference}; `relay events` lists them")
        return event


def _worded(rules: Sequence[Rule], old: Mapping[str, Rule], versions: Collection[str]) -> list[Rule]:
    """The rules in the wording that an event was planned with, in the mode of today; those of today where none was."""
    by_version = dict(old) | {rule.version: rule for rule in rules}
    then = {by_version[version].name: by_version[version] for version in versions if version in by_version}
    worded = [replace(then.get(rule.name, rule), mode=rule.mode) for rule in rules]
    return worded + [rule for name, rule in then.items() if name not in {rule.name for rule in rules}]


def _chosen(rules: Sequence[Rule], which: Which) -> list[Rule]:
    if which.rule is not None and which.rule not in {rule.name for rule in rules}:
        raise NothingSuch(f"there is no rule `{which.rule}`")
    named = [rule for rule in rules if which.rule in {None, rule.name}]
    return [rule for rule in named if which.connector is None or which.connector in {s.connector for s in rule.acting}]


def _owes(plan: Plan, rule: str) -> bool:
    return any(delivery.rule == rule for delivery in plan.owed)
