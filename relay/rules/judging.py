"""Every rule judged on one event: a verdict for each, and what is owed. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from relay.errors import Blank, TemplateError
from relay.models import DUE_OTHERWISE, QUARANTINED, UNCONFIRMED, Delivery, Finding, Plan, State, Verdict
from relay.rules.conditions import ALWAYS, all_held
from relay.rules.facts import say_span
from relay.rules.runs import AWAITS, render, ripen, schedule
from relay.rules.steps import RELAY, Step
from relay.rules.ticks import rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from relay.models import Event, TextFacts
    from relay.rules.facts import Facts
    from relay.rules.forecast import Forecast, JudgeText
    from relay.rules.rule import Rule
    from relay.rules.runs import Ground

CLOSED = "closed: business hours"


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
    for rule in _concerned(rules, event):
        try:
            verdict, run = judge(rule, event, facts, ground, judge_text)
            if not run:
                verdicts.append(verdict)
                continue
            tagged, span = _tags(rule, run, event), _quarantine(rule, run)
            ran = rule.once is not None and rule.mode == "live" and verdict.word in {"ran", "held"}
            value = facts.look(rule.once) if ran and rule.once is not None else None
        except Exception as error:  # noqa: BLE001 - a fault in one rule must not lose the event or stop the others
            verdicts.append(Verdict(rule.name, "error", f"{type(error).__name__}: {error}"))
            continue
        verdicts.append(verdict)
        owed.extend(run)
        tags.extend(tagged)
        if value is not None:
            once.append((rule.name, str(value), run[0].run))
        quarantine = max(filter(None, (quarantine, span)), default=None)
    if quarantine is not None:
        until = ground.now + quarantine
        owed = [_quarantined(delivery, until) for delivery in owed]
        stopped = {delivery.rule for delivery in owed if not delivery.state.settled}
        verdicts = [_in_quarantine(verdict, until) if verdict.rule in stopped else verdict for verdict in verdicts]
    return Plan(tuple(verdicts), tuple(owed), tuple(tags), tuple(once))


def _concerned(rules: Iterable[Rule], event: Event) -> Iterable[Rule]:
    """Every rule; of a time that has come, only the one whose time it is, as the others have nothing to say of it."""
    name = rule_of(event)
    return rules if name is None else (rule for rule in rules if rule.name == name)


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
    if not rule.awaits(event):
        return _not_awaited(rule.name, rule.when, event.type), []
    doubt = _in_doubt(rule, event)
    if doubt is not None:
        return doubt, []
    findings = tuple(rule.condition.findings(facts.look))
    if not all_held(findings):
        return Verdict(rule.name, "skipped", _first_failing(findings), findings), []
    guarded = list(_guards(rule, event, facts, ground))
    findings += tuple(finding for finding, _ in guarded)
    refusal = next((verdict for finding, verdict in guarded if not finding.held and verdict is not None), None)
    began = min(event.received_at, ground.now)
    opens = ground.hours.opens_at(ground.now) if rule.hours == "hold" else ground.now
    if opens is None:
        return Verdict(rule.name, "suppressed", "closed: the business never opens again", findings), []
    if (
        refusal is None
        and opens <= ground.now
        and (sent := _sent_at_once(rule, event, facts, ground, began)) is not None
    ):
        return Verdict(rule.name, "ran", findings=findings), [sent]
    run = _begun(rule, event, ground, began, opens)
    # Also asked where a guard refuses: the trace shall tell everything that stands in the way.
    forecasts = _forecasts(rule, run, event, facts, judge_text) if rule.texts or refusal is None else {}
    findings += next((said.findings for said in forecasts.values()), ())
    if refusal is not None:
        return replace(refusal, findings=findings), []
    barred = next((said for said in forecasts.values() if said.guard), None)
    if barred is not None:
        return Verdict(rule.name, "suppressed", barred.reason, findings), []
    run = _settled_now(rule, run, facts, ground, forecasts)
    return replace(_word(rule, run, opens if opens > ground.now else None), findings=findings), run


@lru_cache(1024)
def _not_awaited(rule: str, when: frozenset[str], was: str) -> Verdict:
    """Most verdicts are of this kind, and all of one kind are equal."""
    wanted = ", ".join(sorted(when)) or "a time"
    return Verdict(rule, "skipped", f"when: wanted {wanted}, was {was}")


def _in_doubt(rule: Rule, event: Event) -> Verdict | None:
    """The verdict while the phone system has yet to confirm a call, or does not know it."""
    match event.call.get(UNCONFIRMED):
        case None:
            return None
        case "waiting":
            return Verdict(rule.name, "held", "confirm: waiting until the phone system knows this call")
        case _:
            return Verdict(rule.name, "suppressed", "confirm: the phone system does not know this call")


def _first_failing(findings: Sequence[Finding]) -> str:
    for finding in findings:
        if not finding.held:
            return f"{finding.name}: wanted {finding.wanted}, was {finding.found}"
    return "its conditions did not hold"


def _guards(rule: Rule, event: Event, facts: Facts, ground: Ground) -> Iterator[tuple[Finding, Verdict | None]]:
    """Every guard but those of texts, and the verdict where it stands in the way."""
    if rule.fresh is not None:
        yield _fresh(rule, rule.fresh, event)
    if rule.cooldown is not None and not rule.texts and event.caller is not None:
        run = f"{event.id}.{rule.version[:8]}"
        known = facts.known.text(event.caller, run=run, rule=rule.name, shadow=rule.mode == "shadow")
        cooled, span = cooling(rule, known, ground.now), say_span(rule.cooldown)
        finding = Finding("guard cooldown", f"no text in {span}", cooled or "over", cooled is None)
        yield finding, Verdict(rule.name, "suppressed", cooled or "")
    if rule.once is not None:
        value = facts.look(rule.once)
        has_run = value is not None and facts.known.ran(rule.name, str(value))
        finding = Finding("guard once", f"once per {rule.once}", "has run" if has_run else "did not run", not has_run)
        yield finding, Verdict(rule.name, "suppressed", f"once: has run for this {rule.once}")
    if rule.window:
        finding = _history(rule, facts)
        why = f"history: wanted {finding.wanted}, was {finding.found}"
        yield finding, Verdict(rule.name, "suppressed", why)
    if rule.hours != "ignore":
        is_open = ground.hours.is_open(ground.now)
        finding = Finding("guard hours", "open", "open" if is_open else "closed", is_open)
        skipped = Verdict(rule.name, "skipped", "hours: wanted open, was closed") if rule.hours == "skip" else None
        yield finding, skipped


def _fresh(rule: Rule, most: float, event: Event) -> tuple[Finding, Verdict]:
    age = max(0.0, event.received_at - event.began_at)
    found = f"{age:.0f}s" if event.age_known else "age unknown"
    fresh = event.age_known and age <= most
    wanted = f"at most {most:.0f}s old"
    why = f"fresh: wanted {wanted}, was {found}"
    said = say_span(age) if event.age_known else found
    finding = Finding("guard fresh", f"at most {say_span(most)} old on arrival", said, fresh)
    return finding, Verdict(rule.name, "suppressed", why)


def _history(rule: Rule, facts: Facts) -> Finding:
    """Whether calls are in the ledger for as long as the rule counts them: silence before that is no news."""
    lacking = facts.about.lacks(rule.window, facts.at)
    wanted, found = lacking or facts.about.knows(rule.window)
    return Finding("guard min_history", wanted, found, lacking is None)


def cooling(rule: Rule, known: TextFacts, now: float) -> str | None:
    """Why the cooldown of a rule stands in the way of another text to a person; None when it does not."""
    last = known.last_by_rule_at if rule.cooldown_scope == "rule" else known.last_at
    if rule.cooldown is None or last is None or now - last > rule.cooldown:
        return None
    who = rule.name if rule.cooldown_scope == "rule" else known.last_rule or rule.name
    return f"cooldown: texted {say_span(now - last)} ago by {who}; wanted none in {say_span(rule.cooldown)}"


def _begun(rule: Rule, event: Event, ground: Ground, began: float, opens: float) -> list[Delivery]:
    """The deliveries of a run that began when its event arrived, and that goes on when the business opens."""
    name = f"{event.id}.{rule.version[:8]}"
    new = [_new(rule, step, event, name, began) for step in rule.acting]
    if opens <= ground.now:
        return _apply(new, schedule(rule, new, began, ground))
    # What it would be without the hold is when a text first falls due: from there its at_most counts.
    free = {delivery.id: delivery.first_due_at for delivery in schedule(rule, new, began, ground)}
    held = [d.but(first_due_at=free[d.id]) for d in schedule(rule, new, opens, ground)]
    return _apply(new, [d if AWAITS in d.notes else d.moved(State.HELD, reason=CLOSED) for d in held])


def _sent_at_once(rule: Rule, event: Event, facts: Facts, ground: Ground, began: float) -> Delivery | None:
    """The only delivery of a rule that does nothing but send, now and for good; None where there is more to a rule.

    Most rules of most businesses are like this, and to play their runs costs more than to judge their conditions.
    """
    step = rule.steps[0] if len(rule.steps) == 1 else None
    if not isinstance(step, Step) or step.verb != "send" or step.connector == RELAY or step.condition is not ALWAYS:
        return None
    if rule.mode != "live" or event.late:
        return None
    try:
        action = render(step, (), rule, facts)
    except (Blank, TemplateError):
        return None  # told by the longer way
    new = _new(rule, step, event, f"{event.id}.{rule.version[:8]}", began)
    return new.but(state=State.DUE, due_at=ground.now, first_due_at=began, action=action)


def _forecasts(
    rule: Rule, run: Sequence[Delivery], event: Event, facts: Facts, judge_text: JudgeText
) -> dict[str, Forecast]:
    """What is known against the texts of a run whose time is known, by delivery."""
    found: dict[str, Forecast] = {}
    for delivery in run:
        step = rule.step(delivery.step)
        if step.verb != "text" or event.late or delivery.due_at is None or not step.condition.judge(facts.look):
            continue
        said = judge_text(rule, step, facts, delivery)
        if said is not None:
            found[delivery.id] = said
    return found


def _settled_now(
    rule: Rule, run: list[Delivery], facts: Facts, ground: Ground, forecasts: Mapping[str, Forecast]
) -> list[Delivery]:
    """The run with everything done that can be decided at once: what is due is rendered, the rest waits."""
    for step in rule.acting:
        delivery = next(d for d in run if d.step == step.index)
        if delivery.state.settled or delivery.due_at is None:
            continue
        forecast = forecasts.get(delivery.id)
        if forecast is not None and forecast.word == "go":
            forecast = None
        if forecast is not None and forecast.word == "never":
            gone = delivery.moved(State.SUPPRESSED, reason=forecast.reason, settled_at=ground.now)
            run = _apply(run, [gone])
            run = _apply(run, schedule(rule, run, delivery.born_at, ground))
            continue
        if delivery.state is State.WAITING and delivery.due_at <= ground.now:
            run = _apply(run, ripen(rule, run, delivery, facts, ground))
            delivery = next(d for d in run if d.step == step.index)
        if forecast is not None and not delivery.state.settled:
            run = _apply(run, [delivery.moved(State.HELD, due_at=forecast.until, reason=forecast.reason)])
    return run


def _new(rule: Rule, step: Step, event: Event, run: str, began: float) -> Delivery:
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
        born_at=began,
        shadow=rule.mode == "shadow",
    )


def _apply(run: list[Delivery], changed: Iterable[Delivery]) -> list[Delivery]:
    new = {delivery.id: delivery for delivery in changed}
    return [new.get(delivery.id, delivery) for delivery in run]


def _word(rule: Rule, run: Sequence[Delivery], opens: float | None) -> Verdict:
    """The verdict of a run, from where its deliveries stand after planning; `opens` where business hours hold it."""
    stopped = [d for d in run if d.state is State.SUPPRESSED]
    alive = [d for d in run if d.state not in (State.SUPPRESSED, State.CANCELLED)]
    if stopped and not alive:
        return Verdict(rule.name, "suppressed", stopped[0].reason or "")
    live = _live_word(rule, alive, stopped, opens)
    if rule.mode != "shadow":
        return live
    why = "nothing is sent in shadow mode" + (f"; it would be {live.word}" if live.word != "ran" else "")
    return replace(live, word="shadow", why=f"{why}: {live.why}" if live.why else why)


def _live_word(rule: Rule, alive: Sequence[Delivery], stopped: Sequence[Delivery], opens: float | None) -> Verdict:
    waiting = next((d for d in alive if d.state is State.HELD), None)
    if opens is not None and alive and (waiting is None or waiting.due_at is None or _is_held_by_hours(waiting)):
        return Verdict(rule.name, "held", CLOSED, until=opens)
    if waiting is not None:
        return Verdict(rule.name, "held", waiting.reason or "", until=waiting.due_at)
    if stopped:
        return Verdict(rule.name, "ran", f"but a step was suppressed: {stopped[0].reason}")
    return Verdict(rule.name, "ran")


def _is_held_by_hours(delivery: Delivery) -> bool:
    return delivery.reason == CLOSED


def _tags(rule: Rule, run: Sequence[Delivery], event: Event) -> list[tuple[str, str]]:
    if event.caller is None:
        return []
    done = [d for d in run if d.kind == "tag" and d.state is State.DELIVERED]
    return [(event.caller, rule.step(d.step).tags["caller"]) for d in done]


def _quarantine(rule: Rule, run: Sequence[Delivery]) -> float | None:
    spans = [rule.step(d.step).at_most for d in run if d.kind == "quarantine" and d.state is State.DELIVERED]
    return max((span for span in spans if span is not None), default=None)


def _in_quarantine(verdict: Verdict, until: float) -> Verdict:
    return replace(verdict, word="held", why="quarantined", until=until) if verdict.word != "shadow" else verdict


def _quarantined(delivery: Delivery, until: float) -> Delivery:
    if delivery.state.settled:
        return delivery
    notes = {**delivery.notes, QUARANTINED: True, DUE_OTHERWISE: delivery.due_at}
    return delivery.but(state=State.HELD, due_at=until, reason="quarantined", notes=notes)
