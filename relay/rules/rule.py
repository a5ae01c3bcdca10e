"""A rule, read once from what people wrote: when, if, guards, then."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field as Key
from pydantic import field_validator

from relay.forms import Complain, Path, nearest, read_form, unknown
from relay.models import CALL_TYPES, ENRICHED, Form, Seconds
from relay.rules.conditions import ALWAYS, All, Condition, Test, fields_in
from relay.rules.fields import FIELDS
from relay.rules.steps import AT_MOST, AT_MOST_HELD, Step, Surroundings, read_steps
from relay.rules.ticks import Tick, read_tick, rule_of
from relay.rules.wording import read_condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.models import Event
    from relay.rules.waits import Wait

EVENT_TYPES = (*CALL_TYPES, ENRICHED, "text.received", "text.unanswered")
FRESH = 15 * 60.0
COOLDOWN = 24 * 3600.0
_CALLED = "called_number"
_COOLDOWN_LEAST, _COOLDOWN_MOST = 300.0, 365 * 86400.0


class CooldownForm(Form):
    """No second text to the same person within a time."""

    per: Literal["caller"] = "caller"
    span: Seconds = Key(default=COOLDOWN, alias="for")
    scope: Literal["everything", "rule"] = "everything"

    @field_validator("span")
    @classmethod
    def _bounds(cls, span: float) -> float:
        if not _COOLDOWN_LEAST <= span <= _COOLDOWN_MOST:
            raise ValueError("a cooldown is between 5m and 365d")
        return span


class GuardsForm(Form):
    """Whether now is the time; judges the whole rule."""

    fresh: Seconds | None = None
    hours: Literal["ignore", "skip", "hold"] = "ignore"
    cooldown: CooldownForm | None = None
    once: str | None = None

    @field_validator("once")
    @classmethod
    def _known(cls, once: str | None) -> str | None:
        if once is not None and once not in FIELDS:
            raise ValueError(unknown(once, FIELDS, "field"))
        return once


class RuleForm(Form):
    """What people write under rules:; `if` and `then` are read by their own readers."""

    name: str = Key(min_length=1, max_length=120)
    mode: Literal["live", "shadow", "off"] = "live"
    when: Any = None
    if_: Any = Key(default=None, alias="if")
    guards: GuardsForm = GuardsForm()
    then: Any = None
    for_each: Literal["number"] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be judged."""

    name: str
    version: str
    mode: str
    when: frozenset[str]
    """Event types; empty for a rule that runs by the clock."""
    ticks: tuple[Tick, ...]
    """Times it runs at."""
    each_number: bool
    """Whether it runs at its times once for each of the business's numbers."""
    condition: Condition
    steps: tuple[Step | Wait, ...]
    texts: bool
    """Whether it texts callers: the guards for texts have their defaults."""
    fresh: float | None
    hours: str
    cooldown: float | None
    cooldown_scope: str
    once: str | None
    at_most: float
    """How long a text of this rule may be held or retried, where its step does not say."""
    window: float
    """Seconds of calls that must be in the ledger before it may regroup numbers; 0 when it does not count calls."""

    def awaits(self, event: Event) -> bool:
        """Whether it runs for this event: one of its types, or its own time."""
        return event.type in self.when or (bool(self.ticks) and rule_of(event) == self.name)

    @property
    def acting(self) -> Iterator[Step]:
        """The steps that become deliveries."""
        return (step for step in self.steps if isinstance(step, Step))

    def patience(self, step: Step) -> float:
        """How long this text may be held or retried after it first fell due, in seconds."""
        return self.at_most if step.at_most is None else step.at_most

    def step(self, index: int) -> Step:
        """The acting step at this place in `then`."""
        found = self.steps[index] if index < len(self.steps) else None
        if isinstance(found, Step) and found.index == index:
            return found
        return next(step for step in self.acting if step.index == index)


def version_of(written: Any) -> str:
    """A short name for exactly this wording of a rule."""
    text = json.dumps(written, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def version_of_all(rules: Iterable[Rule]) -> str:
    """A short name for exactly these rules in these modes."""
    names = ",".join(rule.version + rule.mode for rule in rules)
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def read_rule(
    written: Any,
    path: Path,
    complain: Complain,
    around: Surroundings,
    *,
    staff: frozenset[str] = frozenset(),
    version: str = "",
) -> Rule | None:
    """A rule from what people wrote, or None after its mistakes were told to `complain`."""
    told: list[bool] = []

    def tell(place: Path, message: str) -> None:
        told.append(True)
        complain(place, message)

    if not isinstance(written, Mapping):
        tell(path, "a rule is a mapping with name, when, if, guards and then")
        return None
    form = read_form(RuleForm, written, path, tell)
    types, ticks = _read_when(written.get("when"), (*path, "when"), tell)
    condition = read_condition(written["if"], (*path, "if"), tell, around.lists) if "if" in written else ALWAYS
    steps = read_steps(written.get("then"), (*path, "then"), tell, around)
    if form is None or told:
        return None
    _combination(form, steps, path, tell)
    if ticks:
        _by_the_clock(form, steps, path, tell)
    elif form.for_each is not None:
        tell((*path, "for_each"), "`for_each` goes with a time, like when: {every: day, at: 06:10}")
    if told:
        return None
    texts = any(isinstance(s, Step) and s.verb == "text" and s.recipient not in staff for s in steps)
    guards = form.guards
    cooldown = guards.cooldown or (CooldownForm() if texts else None)
    return Rule(
        name=form.name,
        version=version or version_of(written),
        mode=form.mode,
        when=types,
        ticks=ticks,
        each_number=form.for_each is not None,
        condition=_with_defaults(condition) if texts and types else condition,
        steps=steps,
        texts=texts,
        fresh=FRESH if texts and guards.fresh is None else guards.fresh,
        hours=guards.hours,
        cooldown=None if cooldown is None else cooldown.span,
        cooldown_scope="everything" if cooldown is None else cooldown.scope,
        once=guards.once,
        at_most=AT_MOST_HELD if guards.hours == "hold" else AT_MOST,
        window=_window(condition, steps),
    )


def _combination(form: RuleForm, steps: tuple[Step | Wait, ...], path: Path, tell: Complain) -> None:
    """What is sound by itself, and not together."""
    if form.guards.hours == "hold" and any(isinstance(step, Step) and step.verb == "quarantine" for step in steps):
        tell((*path, "guards", "hours"), "a quarantine acts at once, so its rule cannot wait for business hours")


def _by_the_clock(form: RuleForm, steps: tuple[Step | Wait, ...], path: Path, tell: Complain) -> None:
    """A time has no caller, and no number but the one that `for_each` gives it."""
    for step in steps:
        if not isinstance(step, Step):
            continue
        place = (*path, "then", step.index)
        if step.verb == "text" and step.recipient == "caller":
            tell((*place, "text"), "a rule that runs by the clock has no caller to text; name a number")
        if form.for_each is not None:
            continue
        if step.verb in {"regroup", "update_number"}:
            tell((*place, step.verb), "a time has no number of its own; add `for_each: number`")
        sender = step.filling.parts.get("from")
        if step.verb == "text" and step.recipient != "caller" and getattr(sender, "source", _CALLED) == _CALLED:
            tell(place, "a time has no called number; write `from:` with one of your numbers")


def _window(condition: Condition, steps: tuple[Step | Wait, ...]) -> float:
    """The longest time that a rule which regroups numbers counts their calls over, in seconds."""
    conditions = [step.condition for step in steps if isinstance(step, Step) and step.verb == "regroup"]
    names = {name for part in (condition, *conditions) for name in fields_in(part)} if conditions else set()
    return max((FIELDS[name].window for name in names if name in FIELDS), default=0.0)


_TEXT_DEFAULTS = (
    Test("call.direction", "is", "inbound", "is inbound"),
    Test("call.spam", "is", "unlikely", "is unlikely"),
    Test("call.is_test", "is", wanted=False, said="is false"),
    Test("call.ai_category", "not_in", frozenset({"spam", "wrong_number"}), "not in spam, wrong_number"),
)


def _with_defaults(condition: Condition) -> Condition:
    """A rule that texts also demands what keeps strangers safe, for every field that its own `if` does not name."""
    named = set(fields_in(condition))
    extra = tuple(test for test in _TEXT_DEFAULTS if test.name not in named)
    return All((condition, *extra)) if extra else condition


def _read_when(written: Any, path: Path, complain: Complain) -> tuple[frozenset[str], tuple[Tick, ...]]:
    if written is None:
        complain(path[:-1], "`when` is missing here; it names event types, like [call.missed, call.voicemail]")
        return frozenset(), ()
    types: set[str] = set()
    ticks: list[Tick] = []
    entries = written if isinstance(written, list) else [written]
    if not entries:
        complain(path, "`when` is empty; it names event types, like [call.missed, call.voicemail]")
    for index, entry in enumerate(entries):
        place = (*path, index) if isinstance(written, list) else path
        if isinstance(entry, Mapping):
            tick = read_tick(entry, place, complain)
            ticks.extend([] if tick is None else [tick])
        elif entry == "call.*":
            types.update(CALL_TYPES)
        elif entry in EVENT_TYPES:
            types.add(entry)
        else:
            complain(place, _no_event(str(entry)))
    return frozenset(types), tuple(ticks)


def _no_event(written: str) -> str:
    """The complaint about what is no event type; several in one text are shown as they are meant."""
    known = (*EVENT_TYPES, "call.*")
    meant = [nearest(part, known) for part in re.split(r"[\s,;]+|\band\b", written) if part]
    if len(meant) > 1 and None not in meant:
        return f"`{written}` is one text; several stand in brackets: [{', '.join(map(str, meant))}]"
    return unknown(written, known, "event type")
