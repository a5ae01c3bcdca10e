"""Takes events in order of arrival, judges every rule on them, and writes down verdicts and what is owed."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from relay import failpoints, phone, texting
from relay.behind import Behind
from relay.errors import StoreBusy
from relay.models import CallerFacts, Delivery, Event, Known, Plan, State, TextFacts, Verdict
from relay.numbers import Brakes, Declared
from relay.optout import MARK
from relay.rules import (
    NO_CARD,
    About,
    Facts,
    Ground,
    Rule,
    Scorecard,
    Step,
    Wait,
    cancelled_by,
    fields_in,
    give_up,
    plan,
    ripen,
    schedule,
)
from relay.traces import Untold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.store import Run, Store
    from relay.traces import Traces

log = structlog.get_logger(__name__)

BATCH = 32
"""Events in one transaction: enough to share a commit, few enough that the door never waits long."""
_FORGOTTEN = "the rule that planned it is no longer known"
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
    heard: Callable[[], float | None] = lambda: math.inf
    """When the list of texts was last read, Unix seconds; None for never, infinite where there is none to read."""
    doubt: Callable[[], str | None] = lambda: None
    """Why the machine's clock is not believed at this moment; None when it is."""
    brakes: Brakes = field(default_factory=Brakes)
    """What holds numbers where they are."""
    groups: tuple[Declared, ...] = ()
    """The declared groups of numbers."""
    scorecard: Scorecard = NO_CARD
    blocks: texting.Blocks = field(default_factory=texting.Blocks)
    """Senders that the phone system does not let text for now."""
    alarm: Callable[[texting.Alarm], None] = lambda alarm: None  # noqa: ARG005 - replaced where somebody listens
    """Notes that a person should see to texting; it may be called within a transaction, and waits for nothing."""

    def rule(self, delivery: Delivery) -> Rule | None:
        """The rule in the wording the delivery was planned with."""
        found = next((rule for rule in self.rules if rule.version == delivery.rule_version), None)
        return found or self.old.get(delivery.rule_version)

    def rests(self, name: str) -> str | None:
        """Why a text that was planned live does not go: the rule of that name was switched meanwhile; None if not."""
        now = next((rule.mode for rule in self.rules if rule.name == name), "live")
        return None if now == "live" else f"mode: the rule is {'in shadow' if now == 'shadow' else 'off'} by now"

    def in_lane(self, delivery: Delivery) -> Delivery:
        """The same delivery with its lane, once it is rendered."""
        lane_of = self.lanes.get(delivery.connector)
        if lane_of is None or delivery.action is None or delivery.lane is not None:
            return delivery
        lane = lane_of(delivery.action)
        return delivery if lane is None else delivery.but(lane=lane)

    def ground(self, now: float) -> Ground:
        """What runs are played on at this moment."""
        return Ground(now, self.about.hours, self.rings_people)

    def facts(self, event: Event, known: Known, now: float) -> Facts:
        """The facts of an event at this moment."""
        return Facts(event, known, self.about, now, self.scorecard)


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
        self.let_in: Callable[[], Awaitable[None]] = _nobody_waits
        """Lets those go first who wait at the door."""
        self.traces: Traces = Untold()
        """Told of every event that was planned."""
        self._called = asyncio.Event()
        self._behind = Behind(store.call_others)
        self.turned_at = -math.inf
        """When it last looked at the ledger, on the monotonic clock."""

    def call(self) -> None:
        """Something arrived."""
        self._called.set()

    async def run(self) -> None:
        """Plan until cancelled; a ledger that is busy is asked again."""
        while True:
            self._called.clear()
            try:
                await self.let_in()
                while planned := await self.plan_next():
                    if planned >= BATCH:
                        self._behind.waits()
                    await self.let_in()
                self._behind.through()
            except StoreBusy as error:
                log.error("events wait to be planned", why=str(error))
            try:
                async with asyncio.timeout(POLL):
                    await self._called.wait()
            except TimeoutError:
                continue

    async def plan_next(self) -> int:
        """Plan one batch of events; answers how many there were."""
        self.turned_at = time.monotonic()
        book, now = self.book, self._clock()
        took: dict[str, float] = {}
        judged: dict[str, tuple[Verdict, ...]] = {}  # an event may be judged a second time, where another one failed

        def decide(event: Event, known: Known) -> Plan:
            failpoints.reach("event_planning")
            began = time.perf_counter()
            decided = _plan(book, event, known, now)
            judged[event.id] = decided.verdicts
            took[event.id] = time.perf_counter() - began
            return decided

        count = await self._store.plan(
            decide, now=now, config=book.version, windows=book.policy.windows, prefix=phone.prefix, limit=BATCH
        )
        seen = [verdict for verdicts in judged.values() for verdict in verdicts]
        self._metrics.judged(seen)
        self._trace(judged, took)
        for verdict in seen:
            if verdict.word == "error":
                log.error("a rule failed", rule=verdict.rule, why=verdict.why)
        if count:
            failpoints.reach("text_planned")
            self._planned()
        return count

    def _trace(self, judged: Mapping[str, tuple[Verdict, ...]], took: Mapping[str, float]) -> None:
        if not self.traces.on:
            return
        for event, verdicts in judged.items():
            failed = next((verdict.why for verdict in verdicts if verdict.word == "error"), None)
            ran = sum(verdict.word == "ran" for verdict in verdicts)
            self.traces.tell("plan", event, took[event], failed=failed, rules=len(verdicts), ran=ran)

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
        rule, now = self.book.rule(run.deliveries[0]), self._clock()
        if rule is None:
            return give_up(run.deliveries, _FORGOTTEN, now)
        try:
            return schedule(rule, run.deliveries, run.deliveries[0].born_at, self.book.ground(now))
        except Exception as error:  # noqa: BLE001 - what has just been sent must be written down, whatever comes after
            log.error("a run cannot go on", rule=rule.name, run=run.deliveries[0].run, why=str(error))
            return give_up(run.deliveries, f"{type(error).__name__}: {error}", now)


async def _nobody_waits() -> None:
    """Nothing goes first."""


def _plan(book: Book, event: Event, known: Known, now: float) -> Plan:
    """Verdicts and deliveries; whatever goes wrong outside the rules becomes a verdict of every rule."""
    try:
        facts = book.facts(event, known, now)
        decided = plan(book.rules, event, facts, book.ground(now), lambda *args: _forecast(book, *args))
        owed = tuple([book.in_lane(delivery) for delivery in decided.owed])
        return decided if owed == decided.owed else replace(decided, owed=owed)
    except Exception as error:  # noqa: BLE001 - the event is kept and explained, whatever happens
        why = f"{type(error).__name__}: {error}"
        return Plan(tuple(Verdict(rule.name, "error", why) for rule in book.rules))


def _forecast(book: Book, rule: Rule, step: Step, facts: Facts, delivery: Delivery) -> texting.Judgement:
    """What will be said of a text when it falls due, as far as it is known now."""
    recipient = step.texted(facts.event.caller)
    if recipient is None:
        return texting.Judgement("never", "withheld: the caller's number is not known")
    due_at = max(delivery.due_at or facts.at, facts.at)
    fell_due = delivery.born_at if delivery.first_due_at is None else delivery.first_due_at
    known = facts.known.text(recipient, run=delivery.run, rule=rule.name, shadow=delivery.shadow)
    sender = step.sender or facts.event.number
    people = texting.People(recipient, sender, blocked=book.blocks.why(sender, facts.at))
    found = texting.findings(rule, people, known, book.policy, due_at)
    if delivery.state is State.HELD and due_at > fell_due + rule.patience(step):
        said = texting.too_late(delivery.reason or "held", due_at, rule.patience(step), book.policy)
        return replace(said, findings=found)
    if due_at > facts.at:  # limits and the kill switch are asked when it falls due; they may have changed by then
        known = replace(known, off=False, to_person=0, to_prefix=0, total=0)
    said = texting.judge(rule, step, delivery, people, known, book.policy, now=due_at)
    if due_at <= facts.at:
        said = _looked_after(book, said, facts, recipient, known)
    return replace(said, findings=found)


def _looked_after(
    book: Book, said: texting.Judgement, facts: Facts, person: str, stands: TextFacts
) -> texting.Judgement:
    """The judgement as it stands once a loop is thought of; whatever a person should be told is noted."""
    if stands.to_person and person == facts.event.caller and person not in book.policy.staff:
        said = texting.looped(said, person, facts.person)
    if said.alarm is not None:
        book.alarm(said.alarm)
    return said


def _ripen(
    book: Book, run: Run, delivery: Delivery, known: Known, now: float
) -> tuple[Sequence[Delivery], Sequence[tuple[str, str]]]:
    rule = book.rule(delivery)
    if rule is None:
        return give_up(run.deliveries, _FORGOTTEN, now), ()
    try:
        changed = ripen(rule, run.deliveries, delivery, book.facts(run.event, known, now), book.ground(now))
    except Exception as error:  # noqa: BLE001 - one broken run must not hold up the others
        log.error("a step failed", rule=rule.name, delivery=delivery.id, why=str(error))
        return give_up(run.deliveries, f"{type(error).__name__}: {error}", now), ()
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
        return delivery.moved(State.DEAD, reason=_FORGOTTEN, settled_at=now)
    facts = book.facts(event, known, now)
    step = rule.step(delivery.step)
    cancelled = None if step.anyway else cancelled_by(rule, delivery, facts)
    if cancelled is not None:
        return delivery.moved(State.CANCELLED, reason=cancelled, settled_at=now)
    if not delivery.shadow and (rests := book.rests(rule.name)) is not None:
        return delivery.moved(State.SUPPRESSED, reason=rests, settled_at=now)
    action = delivery.action or {}
    people = texting.People(action["to"], action["sender"])
    if not delivery.shadow:
        people = replace(
            people, heard_at=book.heard(), doubt=book.doubt(), blocked=book.blocks.why(action["sender"], now)
        )
    if delivery.notes.get(MARK) == people.to:
        why = "opted out: this person asked not to be texted while it was planned"
        return delivery.moved(State.SUPPRESSED, reason=why, settled_at=now)
    stands = known.text(people.to, run=delivery.run, rule=rule.name, shadow=delivery.shadow)
    said = texting.judge(rule, step, delivery, people, stands, book.policy, now=now)
    said = _looked_after(book, said, facts, people.to, stands)
    if said.word == "never":
        return delivery.moved(State.SUPPRESSED, reason=said.reason, settled_at=now)
    if said.word == "hold":
        return delivery.moved(State.HELD, reason=said.reason, due_at=said.until)
    if delivery.shadow:
        return delivery.moved(State.SHADOW, reason="shadow: would have been texted", settled_at=now)
    return delivery.moved(State.SENDING, reason=None)
