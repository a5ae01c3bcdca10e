"""Doing again: from the step that died, as it was planned or by today's wording; or a whole event once more. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.models import State
from relay.rules.judging import plan
from relay.rules.runs import REPLAYED, called_off_by, runs_late
from relay.rules.steps import RELAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from relay.models import Delivery, Event, Plan
    from relay.rules.facts import Facts
    from relay.rules.rule import Rule
    from relay.rules.runs import Ground
    from relay.rules.steps import Step

AGAIN = 60.0
"""Seconds within which a second replay of the same is the same replay."""
_OLD = "its rule is not known any more"
_CHANGED = "the rule no longer has this step"
_TEXT = "a text: --texts lets it go, if every guard still does"
_NUMBERS = "it changes a number: only a new event does that"
_PEOPLE = "late: its connector rings people; `relay retry` sends it all the same"
_GONE = "there is no such connector any more"


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants things done again."""

    texts: bool = False
    """Whether texts may go, under every guard."""
    today: bool = False
    """By the wording of today, not the one that planned it."""


@dataclass(frozen=True, slots=True)
class Revived:
    """What a run becomes: its changed deliveries, and why others stay dead, by delivery."""

    changed: tuple[Delivery, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def revive(
    run: Sequence[Delivery],
    chosen: Collection[str],
    then: Callable[[Delivery], Rule | None],
    today: Mapping[str, Rule],
    ground: Ground,
    wish: Wish,
    connectors: Collection[str],
) -> Revived:
    """Let the chosen dead deliveries of a run go on, and what was called off below them wait for them again.

    `then` finds a rule as it was worded, `today` holds those in force by name.
    """
    changed: list[Delivery] = []
    left: list[tuple[str, str]] = []
    for delivery in run:
        if delivery.id not in chosen or delivery.state is not State.DEAD:
            continue
        rule = today.get(delivery.rule) if wish.today else then(delivery)
        step = None if rule is None else _step(rule, delivery)
        if rule is None or step is None:
            left.append((delivery.id, _OLD if rule is None else _CHANGED))
            continue
        why = _barred(step, ground, wish, connectors)
        if why is not None:
            left.append((delivery.id, why))
            continue
        changed.append(_due(delivery, rule, ground.now, wish))
        changed.extend(_below(delivery, run, rule, wish))
    return Revived(tuple(changed), tuple(left))


def _step(rule: Rule, delivery: Delivery) -> Step | None:
    """The step of a rule that this delivery is, if it still is one."""
    found = next((step for step in rule.acting if step.index == delivery.step), None)
    same = found is not None and (found.verb, found.connector) == (delivery.kind, delivery.connector)
    return found if same else None


def _barred(step: Step, ground: Ground, wish: Wish, connectors: Collection[str]) -> str | None:
    if step.connector not in connectors and step.connector != RELAY:
        return _GONE
    if runs_late(step, ground, texts=wish.texts):
        return None
    return {"send": _PEOPLE, "text": _TEXT}.get(step.verb, _NUMBERS)


def _due(delivery: Delivery, rule: Rule, now: float, wish: Wish) -> Delivery:
    """A dead delivery with another schedule of tries; a text is as old as it is, so that at_most still counts."""
    first = delivery.first_due_at if delivery.kind == "text" else now
    again = delivery.moved(
        State.WAITING if wish.today else State.DUE,
        due_at=now,
        first_due_at=first,
        tries=0,
        settled_at=None,
        reason="replayed",
        notes={**delivery.notes, REPLAYED: "texts" if wish.texts else "late"},
    )
    return replace(again, action=None, lane=None, rule_version=rule.version) if wish.today else again


def _below(gate: Delivery, run: Sequence[Delivery], rule: Rule, wish: Wish) -> list[Delivery]:
    """What was called off because this step failed, waiting for it again."""
    called_off = [delivery for delivery in run if called_off_by(gate, delivery)]
    notes = {REPLAYED: "texts" if wish.texts else "late"}
    waiting = [
        d.moved(State.WAITING, due_at=None, first_due_at=None, settled_at=None, reason=None, notes={**d.notes, **notes})
        for d in called_off
        if not wish.today or _step(rule, d) is not None
    ]
    return [replace(d, rule_version=rule.version) for d in waiting] if wish.today else waiting


def again(
    rules: Iterable[Rule], event: Event, facts: Facts, ground: Ground, earlier: Sequence[Delivery], wish: Wish
) -> Plan:
    """An event judged once more, as one that arrives late now; its deliveries are new ones beside the earlier.

    A rule that is at it again already, or was within the last minute, is left alone: an impatient second replay is the
    first one.
    """
    fresh = [rule for rule in rules if not _at_it(rule, earlier, ground.now)]
    decided = plan(fresh, event, facts, replace(ground, late_texts=wish.texts), lambda *_: None)
    marked = tuple(_numbered(delivery, earlier, wish) for delivery in decided.owed)
    verdicts = tuple(
        replace(verdict, why=f"replayed; {verdict.why}".removesuffix("; ")) for verdict in decided.verdicts
    )
    once = tuple((rule, value, f"{run}.r{_nth(run, earlier)}") for rule, value, run in decided.once)
    return replace(decided, owed=marked, verdicts=verdicts, once=once)


def _numbered(delivery: Delivery, earlier: Sequence[Delivery], wish: Wish) -> Delivery:
    nth = _nth(delivery.run, earlier)
    notes = {**delivery.notes, REPLAYED: "texts" if wish.texts else "late"}
    return replace(delivery, id=f"{delivery.id}-r{nth}", run=f"{delivery.run}.r{nth}", notes=notes)


def _nth(run: str, earlier: Sequence[Delivery]) -> int:
    """Which replay of a run this is, from 1."""
    return 1 + len({d.run for d in earlier if d.run.startswith(f"{run}.r")})


def _at_it(rule: Rule, earlier: Sequence[Delivery], now: float) -> bool:
    replays = [d for d in earlier if d.rule == rule.name and d.notes.get(REPLAYED) and ".r" in d.run]
    return any(not d.state.settled or now - d.born_at < AGAIN for d in replays)
