"""The rules in force and the decisions taken by them, as values: the ledger takes them within its transactions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay import failpoints, texting
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
from relay.store import Decider, lasting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.store import Run

log = structlog.get_logger(__name__)

_FORGOTTEN = "the rule that planned it is no longer known"


@lasting
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
    brakes: Brakes = field(default_factory=Brakes)
    """What holds numbers where they are."""
    groups: tuple[Declared, ...] = ()
    """The declared groups of numbers."""
    scorecard: Scorecard = NO_CARD

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


@dataclass(frozen=True)
class Moment:
    """What is true now, and may not be in a minute."""

    at: float
    """Unix seconds."""
    heard_at: float | None = math.inf
    """When the list of texts was last read, Unix seconds; None for never, infinite where there is none to read."""
    doubt: str | None = None
    """Why the machine's clock is not believed; None when it is."""
    blocks: texting.Blocks = field(default_factory=texting.Blocks)
    """Senders that the phone system does not let text for now."""


@dataclass
class Judged:
    """What is told of an event beside its plan."""

    seconds: float
    """How long judging took."""
    said: tuple[tuple[str, str], ...]
    """Each rule, and what became of it."""
    failed: tuple[tuple[str, str], ...]
    """Each rule that failed, and why."""
    alarms: list[texting.Alarm]
    """What a person should see to."""


@dataclass(eq=False)
class Judging(Decider):
    """Every rule judged on an event; notes `Judged` by the event's id."""

    book: Book
    moment: Moment
    notes: dict[str, Judged] = field(default_factory=dict)

    def __call__(self, event: Event, known: Known) -> Plan:
        """What is owed for the event, and what became of each rule; an event may be judged more than once."""
        failpoints.reach("event_planning")
        alarms: list[texting.Alarm] = []
        began = time.perf_counter()
        decided = _plan(self.book, event, known, self.moment, alarms.append)
        verdicts = decided.verdicts
        said = tuple([(verdict.rule, verdict.word) for verdict in verdicts])
        failed = tuple([(verdict.rule, verdict.why) for verdict in verdicts if verdict.word == "error"])
        self.notes[event.id] = Judged(time.perf_counter() - began, said, failed, alarms)
        return decided


@dataclass(eq=False)
class Ripening(Decider):
    """A waiting or held step of a run decided again."""

    book: Book
    now: float

    def __call__(
        self, run: Run, delivery: Delivery, known: Known
    ) -> tuple[Sequence[Delivery], Sequence[tuple[str, str]]]:
        """The deliveries of the run that change, and the (person, tag) pairs to be kept."""
        book, now = self.book, self.now
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


@dataclass(eq=False)
class Following(Decider):
    """What the other steps of a run become, now that one of them has settled; notes True where it was asked at all.

    Two of one book are equal: they differ in the moment, and the ledger asks one of them for all that it settles at
    that moment.
    """

    book: Book
    now: float
    notes: bool = False

    def __call__(self, run: Run) -> Sequence[Delivery]:
        """The deliveries that change."""
        self.notes = True
        rule, now = self.book.rule(run.deliveries[0]), self.now
        if rule is None:
            return give_up(run.deliveries, _FORGOTTEN, now)
        try:
            return schedule(rule, run.deliveries, run.deliveries[0].born_at, self.book.ground(now))
        except Exception as error:  # noqa: BLE001 - what has just been sent must be written down, whatever comes after
            log.error("a run cannot go on", rule=rule.name, run=run.deliveries[0].run, why=str(error))
            return give_up(run.deliveries, f"{type(error).__name__}: {error}", now)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Following) and other.book is self.book

    def __hash__(self) -> int:
        return hash(id(self.book))


def _plan(book: Book, event: Event, known: Known, moment: Moment, tell: Callable[[texting.Alarm], None]) -> Plan:
    """Verdicts and deliveries; whatever goes wrong outside the rules becomes a verdict of every rule."""
    try:
        facts = book.facts(event, known, moment.at)
        forecast = partial(_forecast, book, moment.blocks, tell)
        decided = plan(book.rules, event, facts, book.ground(moment.at), forecast)
        owed = tuple([book.in_lane(delivery) for delivery in decided.owed])
        return decided if owed == decided.owed else replace(decided, owed=owed)
    except Exception as error:  # noqa: BLE001 - the event is kept and explained, whatever happens
        why = f"{type(error).__name__}: {error}"
        return Plan(tuple(Verdict(rule.name, "error", why) for rule in book.rules))


def _forecast(
    book: Book,
    blocks: texting.Blocks,
    tell: Callable[[texting.Alarm], None],
    rule: Rule,
    step: Step,
    facts: Facts,
    delivery: Delivery,
) -> texting.Judgement:
    """What will be said of a text when it falls due, as far as it is known now."""
    recipient = step.texted(facts.event.caller)
    if recipient is None:
        return texting.Judgement("never", "withheld: the caller's number is not known")
    due_at = max(delivery.due_at or facts.at, facts.at)
    fell_due = delivery.born_at if delivery.first_due_at is None else delivery.first_due_at
    known = facts.known.text(recipient, run=delivery.run, rule=rule.name, shadow=delivery.shadow)
    sender = step.sender or facts.event.number
    people = texting.People(recipient, sender, blocked=blocks.why(sender, facts.at))
    found = texting.findings(rule, people, known, book.policy, due_at)
    if delivery.state is State.HELD and due_at > fell_due + rule.patience(step):
        said = texting.too_late(delivery.reason or "held", due_at, rule.patience(step), book.policy)
        return replace(said, findings=found)
    if due_at > facts.at:  # limits and the kill switch are asked when it falls due; they may have changed by then
        known = replace(known, off=False, to_person=0, to_prefix=0, total=0)
    said = texting.judge(rule, step, delivery, people, known, book.policy, now=due_at)
    if due_at <= facts.at:
        said = _looked_after(book, said, facts, recipient, known, tell)
    return replace(said, findings=found)


def _looked_after(
    book: Book,
    said: texting.Judgement,
    facts: Facts,
    person: str,
    stands: TextFacts,
    tell: Callable[[texting.Alarm], None],
) -> texting.Judgement:
    """The judgement as it stands once a loop is thought of; `tell` hears whatever a person should see to."""
    if stands.to_person and person == facts.event.caller and person not in book.policy.staff:
        said = texting.looped(said, person, facts.person)
    if said.alarm is not None:
        tell(said.alarm)
    return said


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


def judge_text(
    book: Book,
    delivery: Delivery,
    event: Event,
    known: Known,
    moment: Moment,
    tell: Callable[[texting.Alarm], None],
) -> Delivery:
    """A claimed text as it shall stand: sending, held, suppressed, cancelled or shadow. Judged where it is marked."""
    now = moment.at
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
            people, heard_at=moment.heard_at, doubt=moment.doubt, blocked=moment.blocks.why(action["sender"], now)
        )
    if delivery.notes.get(MARK) == people.to:
        why = "opted out: this person asked not to be texted while it was planned"
        return delivery.moved(State.SUPPRESSED, reason=why, settled_at=now)
    stands = known.text(people.to, run=delivery.run, rule=rule.name, shadow=delivery.shadow)
    said = texting.judge(rule, step, delivery, people, stands, book.policy, now=now)
    said = _looked_after(book, said, facts, people.to, stands, tell)
    if said.word == "never":
        return delivery.moved(State.SUPPRESSED, reason=said.reason, settled_at=now)
    if said.word == "hold":
        return delivery.moved(State.HELD, reason=said.reason, due_at=said.until)
    if delivery.shadow:
        return delivery.moved(State.SHADOW, reason="shadow: would have been texted", settled_at=now)
    return delivery.moved(State.SENDING, reason=None)
