"""Takes events in order of arrival, judges every rule on them, and writes down verdicts and what is owed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from relay import phone, texting
from relay.errors import StoreBusy
from relay.models import CallerFacts, Delivery, Event, Known, Plan, State, Verdict
from relay.rules import About, Facts, Ground, Rule, Step, Wait, cancelled_by, fields_in, plan, ripen, schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.store import Run, Store

log = structlog.get_logger(__name__)

BATCH = 64
"""Events in one transaction: enough to share a commit, few enough that the door never waits long."""
POLL = 5.0
"""Seconds after which the ledger is looked at even if nobody called."""


@dataclass(frozen=True)
class Book:
    """The rules in force, those that something owed still names, and what they are judged by. Swapped whole."""

    rules: tuple[Rule, ...]
    about: About
    policy: texting.Policy
    version: str
    """Short name of the configuration, kept with every verdict."""
    rings_people: frozenset[str] = frozenset()
    old: Mapping[str, Rule] = field(default_factory=dict)
    lanes: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = field(default_factory=dict)
    """For connectors that keep order: the lane of a rendered action."""
    spam: Callable[[Event, Known], str] = lambda event, known: "unlikely"  # noqa: ARG005 - replaced by the scorecard

    def rule(self, delivery: Delivery) -> Rule | None:
        """The rule in the wording the delivery was planned with."""
        found = next((rule for rule in self.rules if rule.version == delivery.rule_version), None)
        return found or self.old.get(delivery.rule_version)

    def in_lane(self, delivery: Delivery) -> Delivery:
        """The same delivery with its lane, once it is rendered."""
        lane_of = self.lanes.get(delivery.connector)
        if lane_of is None or delivery.action is None or delivery.lane is not None:
            return delivery
        return replace(delivery, lane=lane_of(delivery.action))

    def ground(self, now: float) -> Ground:
        """What runs are played on at this moment."""
        return Ground(now, self.about.hours, self.rings_people)

    def facts(self, event: Event, known: Known, now: float) -> Facts:
        """The facts of an event at this moment."""
        return Facts(event, known, self.about, now, spam=self.spam(event, known))


class Planner:
    """Plans new events, and lets waiting steps fall due."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        metrics: Metrics,
        book: Book,
        *,
        planned: Callable[[], None] = lambda: None,
    ) -> None:
        """`planned` is called after each commit that may have made something due."""
        self.book = book
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._planned = planned
        self._called = asyncio.Event()

    def call(self) -> None:
        """Something arrived."""
        self._called.set()

    async def run(self) -> None:
        """Plan until cancelled; a ledger that is busy is asked again."""
        while True:
            self._called.clear()
            try:
                while await self.plan_next():
                    pass
            except StoreBusy as error:
                log.error("events wait to be planned", why=str(error))
            try:
                await asyncio.wait_for(self._called.wait(), POLL)
            except TimeoutError:
                continue

    async def plan_next(self) -> int:
        """Plan one batch of events; answers how many there were."""
        book, now = self.book, self._clock()
        seen: list[Verdict] = []

        def decide(event: Event, known: Known) -> Plan:
            decided = _plan(book, event, known, now)
            seen.extend(decided.verdicts)
            return decided

        count = await self._store.plan(
            decide, now=now, config=book.version, windows=book.policy.windows, prefix=phone.prefix, limit=BATCH
        )
        self._metrics.judged(seen)
        for verdict in seen:
            if verdict.word == "error":
                log.error("a rule failed", rule=verdict.rule, why=verdict.why)
        if count:
            self._planned()
        return count

    async def ripen_next(self) -> int:
        """Let one batch of waiting and held deliveries be decided again; answers how many there were."""
        book, now = self.book, self._clock()
        return await self._store.ripen(
            lambda run, delivery, known: _ripen(book, run, delivery, known, now),
            now=now,
            windows=book.policy.windows,
            prefix=phone.prefix,
            limit=BATCH,
        )

    def follow(self, run: Run) -> Sequence[Delivery]:
        """What the other steps of a run become, now that one of them has settled."""
        rule = self.book.rule(run.deliveries[0])
        if rule is None:
            return ()
        return schedule(rule, run.deliveries, run.deliveries[0].born_at, self.book.ground(self._clock()))


def _plan(book: Book, event: Event, known: Known, now: float) -> Plan:
    """Verdicts and deliveries; whatever goes wrong outside the rules becomes a verdict of every rule."""
    try:
        facts = book.facts(event, known, now)
        decided = plan(book.rules, event, facts, book.ground(now), lambda *args: _forecast(book, *args))
        return replace(decided, owed=tuple(book.in_lane(delivery) for delivery in decided.owed))
    except Exception as error:  # noqa: BLE001 - the event is kept and explained, whatever happens
        why = f"{type(error).__name__}: {error}"
        return Plan(tuple(Verdict(rule.name, "error", why) for rule in book.rules))


def _forecast(book: Book, rule: Rule, step: Step, facts: Facts, delivery: Delivery) -> texting.Judgement | None:
    """What will be said of a text when it falls due, as far as it is known now; None when nothing is against it."""
    recipient = facts.event.caller if step.recipient == "caller" else step.recipient
    due_at, first_due_at = delivery.due_at, delivery.first_due_at
    if recipient is None or due_at is None or first_due_at is None:
        return None
    at_most = step.at_most or rule.at_most
    if due_at > first_due_at + at_most:
        return texting.too_late("closed: business hours", due_at, at_most, book.policy)
    shadow = rule.mode == "shadow"
    said = texting.judge(
        rule,
        recipient,
        facts.known.text(recipient, run=delivery.run, rule=rule.name, shadow=shadow),
        book.policy,
        now=due_at,
        first_due_at=first_due_at,
        at_most=at_most,
        shadow=shadow,
    )
    return None if said.word == "go" else said


def _ripen(
    book: Book, run: Run, delivery: Delivery, known: Known, now: float
) -> tuple[Sequence[Delivery], Sequence[tuple[str, str]]]:
    rule = book.rule(delivery)
    if rule is None:
        gone = "the rule that planned it is no longer known"
        return [delivery.moved(State.DEAD, reason=gone, settled_at=now)], ()
    try:
        changed = ripen(rule, run.deliveries, delivery, book.facts(run.event, known, now), book.ground(now))
    except Exception as error:  # noqa: BLE001 - one broken step must not hold up the others
        log.error("a step failed", rule=rule.name, delivery=delivery.id, why=str(error))
        return [delivery.moved(State.DEAD, reason=f"{type(error).__name__}: {error}", settled_at=now)], ()
    tagged = [d for d in changed if d.kind == "tag" and d.state is State.DELIVERED]
    caller = run.event.caller
    return [book.in_lane(d) for d in changed], [
        (caller, rule.step(d.step).tags["caller"]) for d in tagged
    ] if caller else ()


def asks_whether_answered(book: Book, delivery: Delivery) -> bool:
    """Whether a `cancel_if` above this text depends on somebody having been answered."""
    rule = book.rule(delivery)
    if rule is None or rule.step(delivery.step).anyway:
        return False
    waits = [step for step in rule.steps if isinstance(step, Wait) and step.index < delivery.step]
    return any("caller.answered_since" in fields_in(wait.cancel_if) for wait in waits if wait.cancels)


@dataclass(frozen=True)
class Answered:
    """The ledger's knowledge, corrected by what the phone system just said: this person was answered."""

    known: Known

    def caller(self) -> CallerFacts:
        """As the ledger has it, but answered."""
        return replace(self.known.caller(), answered_since=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.known, name)


def judge_text(book: Book, delivery: Delivery, event: Event, known: Known, now: float) -> Delivery:
    """A claimed text as it shall stand: sending, held, suppressed, cancelled or shadow. Judged where it is marked."""
    rule = book.rule(delivery)
    if rule is None:
        return delivery.moved(State.DEAD, reason="the rule that planned it is no longer known", settled_at=now)
    facts = book.facts(event, known, now)
    step = rule.step(delivery.step)
    cancelled = None if step.anyway else cancelled_by(rule, delivery, facts)
    if cancelled is not None:
        return delivery.moved(State.CANCELLED, reason=cancelled, settled_at=now)
    recipient = (delivery.action or {})["to"]
    said = texting.judge(
        rule,
        recipient,
        known.text(recipient, run=delivery.run, rule=rule.name, shadow=delivery.shadow),
        book.policy,
        now=now,
        first_due_at=delivery.first_due_at if delivery.first_due_at is not None else delivery.born_at,
        at_most=step.at_most or rule.at_most,
        shadow=delivery.shadow,
    )
    if said.word == "never":
        return delivery.moved(State.SUPPRESSED, reason=said.reason, settled_at=now)
    if said.word == "hold":
        return delivery.moved(State.HELD, reason=said.reason, due_at=said.until)
    if delivery.shadow:
        return delivery.moved(State.SHADOW, reason="shadow: would have been texted", settled_at=now)
    return delivery.moved(State.SENDING, reason=None)
