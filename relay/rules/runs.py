"""How a run goes on: which of its steps may fall due, which wait for a gate, which are over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.errors import Blank, TemplateError
from relay.models import CALLSCALER, State
from relay.rules.steps import RELAY, Step
from relay.rules.waits import Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.hours import Business
    from relay.models import Delivery
    from relay.rules.conditions import Lookup
    from relay.rules.facts import Facts
    from relay.rules.rule import Rule

PASSED = (State.DELIVERED, State.SHADOW)
ABSENT = "absent"
"""Note on a delivery whose own `if` did not hold: it stands in nobody's way."""
AWAITS = "awaits"
"""Note on a delivery that waits for the result of an earlier step: when it would be due without, Unix seconds."""
REPLAYED = "replayed"
"""Note on a delivery that is replayed: `late`, or `texts` where somebody asked that texts go too."""
_STILL_HERE = (State.WAITING, State.HELD, State.DUE)
"""What can be called back: it is not on its way out."""
_PEOPLE_LATE = "late: this connector rings people, and the event is not news"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run is played on: the moment, the business, and what connectors are like."""

    now: float
    hours: Business
    rings_people: frozenset[str] = frozenset()
    """Names of connectors that stay silent for late events."""
    late_texts: bool = False
    """Whether somebody asked that texts of late events go too; each is judged as ever."""


def schedule(rule: Rule, run: Sequence[Delivery], start: float, ground: Ground) -> list[Delivery]:
    """Give due times to the steps that no gate blocks any more, and cancel those below a gate that failed.

    `start` is when the run began, in Unix seconds. Answers the changed deliveries only.
    """
    by_step = {delivery.step: delivery for delivery in run}
    results = {rule.step(d.step).id: d for d in run}
    gated: float | None = start
    free = start
    failed: str | None = None
    changed: list[Delivery] = []
    for step in rule.steps:
        if isinstance(step, Wait):
            gated = None if gated is None else step.after(gated, ground.hours)
            free = step.after(free, ground.hours)
            continue
        delivery = by_step.get(step.index)
        if delivery is None:
            continue
        moved = _scheduled(
            step, delivery, free if step.anyway else gated, None if step.anyway else failed, results, ground
        )
        if moved is not None:
            changed.append(moved)
            delivery = results[step.id] = moved
        if step.gate:
            gated, failed = _through(delivery, gated, failed)
    return changed


def _through(gate: Delivery, gated: float | None, failed: str | None) -> tuple[float | None, str | None]:
    """Where the run stands below a gate: the moment from which later steps count, and what failed."""
    if not gate.state.settled:
        return None, failed
    if gate.notes.get(ABSENT) or gate.state in PASSED:
        passed = gate.settled_at if gate.settled_at is not None else gate.born_at
        return (None if gated is None else max(gated, passed)), failed
    return gated, failed or f"{_named(gate)} did not succeed: {gate.reason or gate.state}"


def called_off_by(gate: Delivery, delivery: Delivery) -> bool:
    """Whether a delivery was called off because this step above it did not succeed."""
    return delivery.state is State.CANCELLED and (delivery.reason or "").startswith(f"{_named(gate)} ")


def _named(gate: Delivery) -> str:
    return f"step {gate.step + 1} ({gate.kind})"


def _scheduled(
    step: Step,
    delivery: Delivery,
    at: float | None,
    failed: str | None,
    results: Mapping[str | None, Delivery],
    ground: Ground,
) -> Delivery | None:
    if delivery.state is not State.WAITING:
        return None
    needed = [results[name] for name in step.needs if name in results]
    ready = all(result.state.settled for result in needed)
    if delivery.due_at is not None:
        awaited = delivery.notes.get(AWAITS)
        if awaited is None or not ready:
            return None
        notes = {key: value for key, value in delivery.notes.items() if key != AWAITS}
        return delivery.but(due_at=max(ground.now, awaited), notes=notes)
    if failed is not None:
        return delivery.moved(State.CANCELLED, reason=failed, settled_at=ground.now)
    if at is None:
        return None
    if ready:
        return delivery.but(due_at=at, first_due_at=at)
    return delivery.but(due_at=at + step.wait_for, first_due_at=at, notes={**delivery.notes, AWAITS: at})


def ripen(rule: Rule, run: Sequence[Delivery], delivery: Delivery, facts: Facts, ground: Ground) -> list[Delivery]:
    """A delivery whose time has come: cancelled, left out, or rendered and due. Answers every changed delivery."""
    decided = _decide(rule, run, delivery, facts, ground)
    changed = {decided.id: decided}
    if decided.state.settled:
        after = [changed.get(d.id, d) for d in run]
        if decided.kind == "stop" and decided.state in PASSED:
            later = [d for d in after if d.step > decided.step and d.state in _STILL_HERE]
            changed |= {
                d.id: d.moved(State.CANCELLED, reason=f"stopped: {decided.reason}", settled_at=ground.now)
                for d in later
            }
        else:
            changed |= {d.id: d for d in schedule(rule, after, decided.born_at, ground)}
    return list(changed.values())


def give_up(run: Sequence[Delivery], why: str, now: float) -> list[Delivery]:
    """Every delivery of a run that has not left, as dead: nobody can say any more how it should go on."""
    return [d.moved(State.DEAD, reason=why, settled_at=now) for d in run if d.state in (State.WAITING, State.HELD)]


def cancelled_by(rule: Rule, delivery: Delivery, facts: Facts) -> str | None:
    """Which `cancel_if` above this step now holds; None when none does."""
    for wait in rule.steps:
        if isinstance(wait, Wait) and wait.index < delivery.step and wait.cancels and wait.cancel_if.judge(facts.look):
            found = "; ".join(f"{f.name} {f.wanted}, was {f.found}" for f in wait.cancel_if.findings(facts.look))
            return f"cancel_if: {found}"
    return None


def _decide(rule: Rule, run: Sequence[Delivery], delivery: Delivery, facts: Facts, ground: Ground) -> Delivery:
    step = rule.step(delivery.step)
    now = ground.now
    if delivery.quarantined:
        return delivery.moved(State.SUPPRESSED, reason="quarantine ended without a release", settled_at=now)
    if not step.anyway and (why := cancelled_by(rule, delivery, facts)) is not None:
        return delivery.moved(State.CANCELLED, reason=why, settled_at=now)
    look = _looking(facts, rule, run)
    if delivery.action is None and not step.condition.judge(look):
        said = "; ".join(f"{f.name} {f.wanted}, was {f.found}" for f in step.condition.findings(look) if not f.held)
        return delivery.moved(
            State.CANCELLED, reason=f"if: {said}", settled_at=now, notes={**delivery.notes, ABSENT: True}
        )
    replayed = delivery.notes.get(REPLAYED)
    texts = ground.late_texts or replayed == "texts"
    if (facts.event.late or replayed) and not runs_late(step, ground, texts=texts):
        late = _PEOPLE_LATE if step.verb == "send" else "late: only send steps run for late events"
        return delivery.moved(State.SUPPRESSED, reason=late, settled_at=now)
    if step.connector == RELAY:
        state = State.SHADOW if delivery.shadow else State.DELIVERED
        return delivery.moved(state, reason=step.why or None, settled_at=now)
    if delivery.action is None:
        try:
            action = render(step, run, rule, facts)
        except (Blank, TemplateError) as error:
            return delivery.moved(State.SUPPRESSED, reason=f"template: {error}", settled_at=now)
        delivery = delivery.but(action=action)
    if delivery.shadow and step.verb != "text":
        return delivery.moved(State.SHADOW, reason="shadow: would have been sent", settled_at=now)
    return delivery.moved(State.DUE, due_at=now, reason=None)


def runs_late(step: Step, ground: Ground, *, texts: bool) -> bool:
    """Whether a step is taken for an event that is not news; `texts` says whether texts are.

    Only `send` steps are, and `stop`, which does nothing but end the run.
    """
    if step.verb == "stop" or (step.verb == "text" and texts):
        return True
    return step.verb == "send" and (step.late or step.connector not in ground.rings_people)


def render(step: Step, run: Iterable[Delivery], rule: Rule, facts: Facts) -> dict[str, Any]:
    """The step filled in, once and for all.

    Raises:
        Blank: a value is missing.
        TemplateError: the result is too long, or there is nobody to act on.
    """
    context = facts.context(step.filling.names, for_text=step.verb == "text")
    context["steps"] = {rule.step(d.step).id: _result(d) for d in run}
    filled = step.filling.fill(context)
    if step.connector != CALLSCALER:
        return filled
    number = facts.event.number
    if step.verb != "text":
        if number is None:
            raise Blank("number.number has no value")
        seen = {"expected": _seen(facts)} if step.verb == "regroup" else {}
        return {"do": step.verb, "number": number, **filled, **seen}
    to = step.texted(facts.event.caller)
    if to is None:
        raise Blank("caller.number has no value")
    sender = filled.get("from", "called_number")
    if sender == "called_number":
        sender = number
    if sender is None:
        raise Blank("number.number has no value, so there is no number to text from")
    if not filled["body"].strip():
        raise Blank("the text would be empty")
    return {"do": "text", "to": to, "sender": sender, "body": filled["body"]}


def _seen(facts: Facts) -> list[str] | None:
    """The groups that a rule found the number in; None where the number is not known."""
    owned = facts.known.number().owned
    if owned is None:
        return None
    return [] if owned.group is None else [owned.group]


def _looking(facts: Facts, rule: Rule, run: Iterable[Delivery]) -> Lookup:
    """The facts, and the results of the run's earlier steps under `steps.<id>.…`."""
    results = {rule.step(d.step).id: _result(d) for d in run}

    def look(name: str) -> Any:
        group, _, rest = name.partition(".")
        if group != "steps":
            return facts.look(name)
        value: Any = results
        for part in rest.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return look


def _result(delivery: Delivery) -> dict[str, Any]:
    if not delivery.state.settled:
        return {}
    receipt = {key: value for key, value in (delivery.receipt or {}).items() if value is not None}
    return {"state": str(delivery.state), **receipt}
