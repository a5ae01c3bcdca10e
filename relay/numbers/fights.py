"""Two that fight over a number: found by trying the figures at which their conditions turn. Pure.

Two rules fight when there is a number that the first moves from the second's group, and the second from the first's,
with all else the same: it would go to and fro for ever. What calls say is not tried; rules that fight over it are
stopped when it happens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.numbers.groups import choose
from relay.rules import FIELDS, Kind, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from relay.numbers.groups import Declared
    from relay.rules import Condition, Rule

_MOST = 20_000
"""Numbers that are made up for one pair."""
_OTHER = "\x00something else"
GROUP = "number.group"
_DECLARED = "the declared groups"


@dataclass(frozen=True, slots=True)
class Fight:
    """Two that fight: what each is called, where the first rule stands in the file, and over what kind of number."""

    first: str
    second: str
    rule: str
    """The rule at whose place it is told."""
    over: str


@dataclass(frozen=True, slots=True)
class _Mover:
    """One that moves numbers: where to, given what is known of one; None where it leaves it."""

    name: str
    rule: Rule | None
    where: Callable[[Mapping[str, Any]], str | None]
    tests: tuple[Test, ...]
    targets: tuple[str, ...]


def fights(rules: Sequence[Rule], groups: Sequence[Declared]) -> list[Fight]:
    """Every pair of rules that fight, and every rule that fights the declared groups."""
    movers = [mover for rule in rules if rule.mode != "off" for mover in _of_rule(rule)]
    if groups:
        movers.append(_of_groups(groups))
    found = []
    for first, second in itertools.combinations(movers, 2):
        over = _fight(first, second) if _meet(first, second) else None
        if over is not None and first.rule is not None:
            found.append(Fight(first.name, second.name, first.rule.name, over))
    return found


def _meet(first: _Mover, second: _Mover) -> bool:
    """Whether both may judge the same number: at their times, or on the same kind of event."""
    if first.rule is None or second.rule is None:
        return True
    if first.rule.ticks and second.rule.ticks:
        return True
    return bool(first.rule.when & second.rule.when)


def _of_rule(rule: Rule) -> Iterator[_Mover]:
    for step in rule.acting:
        if step.verb != "regroup":
            continue
        template = step.filling.parts.get("to")
        to = getattr(template, "source", template)
        if not isinstance(to, str) or "{" in to:
            continue  # where it goes is not known before it is filled in
        conditions = (rule.condition, step.condition)

        def where(known: Mapping[str, Any], conditions: tuple[Condition, ...] = conditions, to: str = to) -> str | None:
            return to if all(condition.judge(known.get) for condition in conditions) else None

        yield _Mover(rule.name, rule, where, tuple(t for c in conditions for t in _tests(c)), (to,))
        return


def _of_groups(groups: Sequence[Declared]) -> _Mover:
    tests = [test for group in groups for test in _tests(group.condition)]
    tests += [Test(name, "at_least", least, "") for group in groups for name, least in group.leave_below.items()]

    def where(known: Mapping[str, Any]) -> str | None:
        chosen = choose(groups, _Known(known))  # type: ignore[arg-type] # only looked at
        return None if chosen is None else chosen[0].name

    return _Mover(_DECLARED, None, where, tuple(tests), tuple(group.name for group in groups))


@dataclass(frozen=True, slots=True)
class _Known:
    """Facts that were made up."""

    values: Mapping[str, Any]

    def look(self, name: str) -> Any:
        return self.values.get(name)


def _tests(condition: Condition) -> Iterator[Test]:
    if isinstance(condition, Test):
        yield condition
        return
    for part in condition.parts:
        yield from _tests(part)


def _fight(first: _Mover, second: _Mover) -> str | None:
    """What is known of a number that both would move, each out of the other's group; None where there is none."""
    values = _values((*first.tests, *second.tests))
    values.pop(GROUP, None)
    names = sorted(values)
    for tried, found in enumerate(itertools.product(*(values[name] for name in names))):
        if tried >= _MOST:
            return None
        known = dict(zip(names, found, strict=True))
        for here in first.targets:
            there = second.where({**known, GROUP: here})
            if there is None or there == here:
                continue
            if first.where({**known, GROUP: there}) == here:
                said = ", ".join(f"{name} {_say(value)}" for name, value in known.items() if value is not _OTHER)
                return said or "any number"
    return None


def _say(value: Any) -> str:
    return "missing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _values(tests: Sequence[Test]) -> dict[str, list[Any]]:
    """For each field the values at which a condition turns, and one beside each."""
    values: dict[str, list[Any]] = {}
    for test in tests:
        known = values.setdefault(test.name, [])
        known += [value for value in _turning(test) if value not in known]
    return values


def _turning(test: Test) -> list[Any]:
    field = FIELDS.get(test.name)
    wanted = list(test.wanted) if isinstance(test.wanted, (list, tuple, set, frozenset)) else [test.wanted]
    if field is not None and field.kind in (Kind.NUMBER, Kind.SPAN):
        figures = [float(value) for value in wanted if isinstance(value, (int, float))]
        return [value for figure in figures for value in (figure, figure + 1, figure - 1)] or [0.0]
    if field is not None and field.kind is Kind.FLAG:
        return [True, False]
    return [*(value for value in wanted if isinstance(value, str)), _OTHER, None]
