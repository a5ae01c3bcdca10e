"""Every rule judged on one event: a verdict for each, and what is owed. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from relay.models import Delivery, Finding, Plan, State, Verdict
from relay.rules.runs import ripen, schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.models import Event
    from relay.rules.facts import Facts
    from relay.rules.rule import Rule
    from relay.rules.runs import Ground
    from relay.rules.steps import Step


class Forecast(Protocol):
    """What texting says of a text before it falls due: `hold` until a moment, or `never`."""

    @property
    def word(self) -> str:
        """Hold or never."""

    @property
    def reason(self) -> str:
        """In words."""

    @property
    def until(self) -> float | None:
        """The next allowed moment, Unix seconds."""


class JudgeText(Protocol):
    """Asks texting about a text that will fall due."""

    def __call__(self, rule: Rule, step: Step, facts: Facts, delivery: Delivery, /) -> Forecast | None:
        """None when nothing is known against it."""


def plan(
    rules: Iterable[Rule],
    event: Event,
    facts: Facts,
    ground: Ground,
    judge_text: JudgeText,
) -> Plan:
    """A verdict for every rule, and the deliveries of those that run. A fault in a rule is its verdict, no more."""
    verdicts: list[Verdict] = []
    owed: list[Delivery] = []
    tags: list[tuple[str, str]] = []
    once: list[tuple[str, str, str]] = []
    quarantine: float | None = None
    for rule in rules:
        try:
            verdict, run = judge(rule, event, facts, ground, judge_text)
        except Exception as error:  # noqa: BLE001 - a fault in one rule must not lose the event or stop the others
            verdicts.append(Verdict(rule.name, "error", f"{type(error).__name__}: {error}"))
            continue
        verdicts.append(verdict)
        owed.extend(run)
        if run and rule.once is not None and rule.mode == "live":
            once.append((rule.name, str(facts.look(rule.once)), run[0].run))
        tags.extend(_tags(rule, run, event))
        quarantine = max(filter(None, (quarantine, _quarantine(rule, run))), default=None)
    if quarantine is not None:
        owed = [_quarantined(delivery, ground.now + quarantine) for delivery in owed]
    return Plan(tuple(verdicts), tuple(owed), tuple(tags), tuple(once))


def judge(
    rule: Rule,
    event: Event,
    facts: Facts,
    ground: Ground,
    judge_text: JudgeText,
) -> tuple[Verdict, list[Delivery]]:
    """One rule on one event."""
    if rule.mode == "off":
        return Verdict(rule.name, "skipped", "mode: off"), []
    if event.type not in rule.when:
        wanted = ", ".join(sorted(rule.when)) or "a time"
        return Verdict(rule.name, "skipped", f"when: wanted {wanted}, was {event.type}"), []
    findings = tuple(rule.condition.findings(facts.look))
    if not rule.condition.judge(facts.look):
        return Verdict(rule.name, "skipped", _first_failing(findings), findings), []
    refusal = _guards(rule, event, facts, ground)
    if refusal is not None:
        return replace(refusal, findings=(*findings, *refusal.findings)), []
    start, held = ground.now, ""
    if rule.hours == "hold" and not ground.hours.is_open(ground.now):
        opens = ground.hours.opens_at(ground.now)
        if opens is None:
            return Verdict(rule.name, "suppressed", "closed: the business never opens again", findings), []
        start, held = opens, "closed: business hours"
    run = _start(rule, event, facts, ground, start, judge_text)
    return replace(_word(rule, run, start, held), findings=findings), run


def _first_failing(findings: Sequence[Finding]) -> str:
    for finding in findings:
        if not finding.held:
            return f"{finding.name}: wanted {finding.wanted}, was {finding.found}"
    return "its conditions did not hold"


def _guards(rule: Rule, event: Event, facts: Facts, ground: Ground) -> Verdict | None:
    """The verdict when a guard stands in the way."""
    if rule.fresh is not None:
        age = event.received_at - event.began_at
        found = f"{age:.0f}s" if event.age_known else "age unknown"
        if not event.age_known or age > rule.fresh:
            finding = Finding("guard fresh", f"at most {rule.fresh:.0f}s old on arrival", found, held=False)
            return Verdict(
                rule.name, "suppressed", f"fresh: wanted at most {rule.fresh:.0f}s old, was {found}", (finding,)
            )
    if rule.once is not None:
        value = facts.look(rule.once)
        if value is not None and facts.known.ran(rule.name, str(value)):
            finding = Finding("guard once", f"once per {rule.once}", "has run", held=False)
            return Verdict(rule.name, "suppressed", f"once: has run for this {rule.once}", (finding,))
    if rule.hours == "skip" and not ground.hours.is_open(ground.now):
        finding = Finding("guard hours", "open", "closed", held=False)
        return Verdict(rule.name, "skipped", "hours: wanted open, was closed", (finding,))
    return None


def _start(
    rule: Rule,
    event: Event,
    facts: Facts,
    ground: Ground,
    start: float,
    judge_text: JudgeText,
) -> list[Delivery]:
    """The deliveries of a run that begins: what is due now is rendered, the rest waits."""
    name = f"{event.id}.{rule.version[:8]}"
    run = [_new(rule, step, event, name, ground) for step in rule.acting]
    run = _apply(run, schedule(rule, run, ground.now, ground))
    if start > ground.now:
        shift = start - ground.now
        run = [
            replace(d, state=State.HELD, due_at=d.due_at + shift, reason="closed: business hours")
            if d.due_at is not None
            else d
            for d in run
        ]
    for step in rule.acting:
        delivery = next(d for d in run if d.step == step.index)
        if delivery.state.settled or delivery.due_at is None:
            continue
        texting = step.verb == "text" and not event.late and step.condition.judge(facts.look)
        forecast = judge_text(rule, step, facts, delivery) if texting else None
        if forecast is not None and forecast.word == "never":
            gone = delivery.moved(State.SUPPRESSED, reason=forecast.reason, settled_at=ground.now)
            run = _apply(run, [gone])
            run = _apply(run, schedule(rule, run, start, ground))
            continue
        if forecast is not None:
            held = replace(delivery, state=State.HELD, due_at=forecast.until, reason=forecast.reason)
            run = _apply(run, [held])
        elif delivery.state is State.WAITING and delivery.due_at <= ground.now:
            run = _apply(run, ripen(rule, run, delivery, facts, ground))
    return run


def _new(rule: Rule, step: Step, event: Event, run: str, ground: Ground) -> Delivery:
    return Delivery(
        id=f"{run}-{step.index}".replace(".", "-").replace("evt_", "dlv_"),
        event=event.id,
        run=run,
        rule=rule.name,
        rule_version=rule.version,
        step=step.index,
        kind=step.verb,
        connector=step.connector,
        state=State.WAITING,
        born_at=ground.now,
        shadow=rule.mode == "shadow",
    )


def _apply(run: list[Delivery], changed: Iterable[Delivery]) -> list[Delivery]:
    new = {delivery.id: delivery for delivery in changed}
    return [new.get(delivery.id, delivery) for delivery in run]


def _word(rule: Rule, run: Sequence[Delivery], start: float, held: str) -> Verdict:
    """The verdict of a run, from where its deliveries stand after planning."""
    stopped = [d for d in run if d.state is State.SUPPRESSED]
    alive = [d for d in run if d.state not in (State.SUPPRESSED, State.CANCELLED)]
    if stopped and not alive:
        return Verdict(rule.name, "suppressed", stopped[0].reason or "")
    if rule.mode == "shadow":
        return Verdict(rule.name, "shadow", "nothing is sent in shadow mode")
    if held and alive:
        return Verdict(rule.name, "held", held, until=start)
    waiting = next((d for d in alive if d.state is State.HELD), None)
    if waiting is not None:
        return Verdict(rule.name, "held", waiting.reason or "", until=waiting.due_at)
    if stopped:
        return Verdict(rule.name, "ran", f"but a step was suppressed: {stopped[0].reason}")
    return Verdict(rule.name, "ran")


def _tags(rule: Rule, run: Sequence[Delivery], event: Event) -> list[tuple[str, str]]:
    if event.caller is None:
        return []
    done = [d for d in run if d.kind == "tag" and d.state is State.DELIVERED]
    return [(event.caller, rule.step(d.step).tags["caller"]) for d in done]


def _quarantine(rule: Rule, run: Sequence[Delivery]) -> float | None:
    spans = [rule.step(d.step).at_most for d in run if d.kind == "quarantine" and d.state is State.DELIVERED]
    return max((span for span in spans if span is not None), default=None)


def _quarantined(delivery: Delivery, until: float) -> Delivery:
    if delivery.state.settled:
        return delivery
    return replace(
        delivery, state=State.HELD, due_at=until, reason="quarantined", notes={**delivery.notes, "quarantined": True}
    )
