"""One rule tried on one event, with nothing sent: what it would do, when, and why not."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field as Key

from relay import phone, sms
from relay.deeds import BadDeed, NoSuch
from relay.forms import unknown
from relay.intake import read_event
from relay.models import ENRICHED, Event, Finding, Form, State, Verdict, iso
from relay.rehearsal import Past, Rehearsal, read_past
from relay.rules import Wait, fields_in, named
from relay.rules.kinds import TEXTS
from relay.settings.samples import sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from relay.app import App
    from relay.connector import Connector
    from relay.models import Delivery
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.store import Store

NOTHING = Past()
TEXT = "text.received"
_SURE = {State.DELIVERED: "would go"}
_COUNTED = ("number.calls_", "number.answer_rate_")
MOST_BESIDE = 50_000
"""Events of a ledger up to which a service tries rules itself: a trial reads what the ledger knew."""
_HOW = "`relay try RULE --event ID`"


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one step."""

    step: int
    """From 1, as people count."""
    kind: str
    connector: str
    state: str
    """`would go`, or why it would not: suppressed, cancelled, dead."""
    at: float | None
    """When that would be, Unix seconds."""
    reason: str | None
    action: Mapping[str, Any] | None
    cost: sms.Cost | None = None
    """Of a text."""
    again_at: float | None = None
    """Until when the next text to this person would be suppressed by the rule's cooldown, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a rule on an event."""

    rule: str
    mode: str
    event: Event
    verdict: Verdict
    conditions: tuple[Finding, ...]
    guards: tuple[Finding, ...]
    """Empty where the conditions did not hold: nobody asked them."""
    steps: tuple[Tried, ...]


async def try_stored(
    rule: Rule,
    reference: str,
    ledger: Store,
    settings: Settings,
    connectors: Mapping[str, type[Connector[Any, Any]]],
) -> Trial | None:
    """The rule on a stored event (its id, its call's, `last`) with what the ledger knew then; None if unknown."""
    event = await ledger.event(reference)
    if event is None:
        return None
    asked = [*_names(rule), *_spam_names(settings)]
    whole = event.caller is None or any(name.startswith(_COUNTED) for name in asked)
    past = await read_past(ledger, event, person=None if whole else event.caller)
    return await try_rule(rule, event, settings, connectors, past)


class Try(Form):
    """What is to be tried on what."""

    rule: str = Key(min_length=1, max_length=200)
    event: str = Key(min_length=1, max_length=200)


def offer_trials(app: App, connectors: Mapping[str, type[Connector[Any, Any]]]) -> None:
    """Let rules be tried through a service's admin listener, one at a time, beside its work."""
    one = asyncio.Lock()

    async def tried(asked: Try) -> dict[str, Any]:
        rules = app.planner.book.rules
        rule = named(rules, asked.rule)
        if rule is None:
            raise NoSuch(unknown(asked.rule, [rule.name for rule in rules], "rule"))
        if (await app.store.totals())["events"] > MOST_BESIDE:
            raise BadDeed(f"this ledger is large, and the service has other work: use {_HOW}")
        async with one:
            trial = await try_stored(rule, asked.event, app.store, app.settings, connectors)
        if trial is None:
            raise NoSuch(f"there is no event {asked.event}; `relay events` lists them")
        return trial_json(trial)

    app.deeds.also("try", Try, tried)


def trial_json(trial: Trial) -> dict[str, Any]:
    """A trial for machines; times in ISO 8601."""
    return {
        "rule": trial.rule,
        "mode": trial.mode,
        "event": trial.event.public(),
        "verdict": trial.verdict.word,
        "why": trial.verdict.why,
        "until": iso(trial.verdict.until),
        "conditions": [asdict(finding) for finding in trial.conditions],
        "guards": [asdict(finding) for finding in trial.guards],
        "steps": [
            {
                **asdict(step),
                "at": iso(step.at),
                "again_at": iso(step.again_at),
                "body": (step.action or {}).get("body"),
            }
            for step in trial.steps
        ],
        "sent": 0,
    }


async def try_rule(
    rule: Rule,
    event: Event,
    settings: Settings,
    connectors: Mapping[str, type[Connector[Any, Any]]],
    past: Past = NOTHING,
) -> Trial:
    """The rule on an event that arrives at its own time; a rule that is off or in shadow is tried as if it were live.

    Raises:
        ValueError: something is owed for ever.
    """
    rehearsal = Rehearsal(settings, [replace(rule, mode="live")], connectors, past)
    try:
        await rehearsal.remember()
        await rehearsal.happen(event)
        await rehearsal.run_on()
        verdicts = await rehearsal.store.verdicts(event.id) or ()
        owed = await rehearsal.store.deliveries(limit=1000, event=event.id)
    finally:
        await rehearsal.close()
    verdict = verdicts[0] if verdicts else Verdict(rule.name, "skipped", "when: this is the time of another rule")
    conditions = tuple(found for found in verdict.findings if not found.name.startswith("guard"))
    guards = tuple(found for found in verdict.findings if found.name.startswith("guard"))
    steps = tuple(_tried(rule, delivery) for delivery in owed)
    return Trial(rule.name, rule.mode, event, verdict, conditions, guards, steps)


def sample_event(name: str, fields: Mapping[str, str], source: str, at: float) -> Event:
    """A sample by its name or the type of event it shows, as if it arrived at Unix second `at`.

    Raises:
        ValueError: there is no such sample, or a field makes it unreadable.
        BadBody: the same.
    """
    body = {**sample(name), "created_at": iso(at), **fields}
    if name in TEXTS:
        return replace(_sample_text(body, source, at), type=name)
    read = read_event(body, source, at)
    if read.event is None:
        raise ValueError(f"this is no call: {read.reason}")
    if name == ENRICHED:
        return replace(read.event, type=ENRICHED, call={**read.event.call, "event": ENRICHED})
    return read.event


def _sample_text(fields: Mapping[str, Any], source: str, at: float) -> Event:
    key, sender, to = str(fields["call_id"]), fields["caller_number"], fields["tracking_number"]
    sender, to = phone.normalise(sender), phone.normalise(to)
    text = {"id": key, "body": fields.get("body", ""), "from": sender, "to": to, "received_at": iso(at)}
    return Event(f"evt_{key}", source, TEXT, key, received_at=at, call=text, caller=sender, number=to)


def _tried(rule: Rule, delivery: Delivery) -> Tried:
    went = delivery.state is State.DELIVERED
    text = (delivery.action or {}).get("body") if delivery.kind == "text" else None
    again = went and text is not None and rule.cooldown is not None and delivery.settled_at is not None
    return Tried(
        step=delivery.step + 1,
        kind=delivery.kind,
        connector=delivery.connector,
        state=_SURE.get(delivery.state, str(delivery.state)),
        at=delivery.settled_at,
        reason=delivery.reason,
        action=delivery.action,
        cost=sms.measure(text) if isinstance(text, str) else None,
        again_at=(delivery.settled_at or 0.0) + (rule.cooldown or 0.0) if again else None,
    )


def _names(rule: Rule) -> Iterator[str]:
    """Every field that a rule looks at."""
    yield from fields_in(rule.condition)
    for step in rule.steps:
        if isinstance(step, Wait):
            yield from fields_in(step.cancel_if)
        else:
            yield from fields_in(step.condition)
            yield from step.filling.names


def _spam_names(settings: Settings) -> Iterator[str]:
    for condition, _ in settings.spam.lines or ():
        yield from fields_in(condition)
