"""Conditions that nothing can fulfil: worth a warning, as the rule they stand in never runs. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from relay.rules.conditions import All, Condition, Test, say
from relay.rules.fields import FIELDS
from relay.rules.kinds import TEXTS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.rules.rule import Rule

_WITHOUT_VALUE = frozenset({"is_not", "not_in", "missing"})
_OUTCOMES = {
    "call.missed": "missed",
    "call.completed": "answered",
    "call.voicemail": "voicemail",
    "call.failed": "failed",
}
"""The outcome that each type of call has."""


def never(rule: Rule) -> Iterator[tuple[str, str]]:
    """(field, what is wrong) for every field of which a rule asks what nothing can be."""
    tests: defaultdict[str, list[Test]] = defaultdict(list)
    for test in _all(rule.condition):
        tests[test.name].append(test)
    for name, asked in tests.items():
        said = f"`{name}` {' and '.join(test.said for test in asked)}"
        if _contradict(name, asked):
            yield name, f"{said}: nothing is both, so this rule never runs; alternatives stand under `any:`"
        elif any(test.word not in _WITHOUT_VALUE for test in asked) and (why := _absent(name, asked, rule)):
            yield name, f"{said}: {why}, so this rule never runs"


def _all(condition: Condition) -> Iterator[Test]:
    """The tests that must hold whatever else does."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, All):
        for part in condition.parts:
            yield from _all(part)


def _contradict(name: str, asked: Sequence[Test]) -> bool:
    words = {test.word for test in asked}
    if "missing" in words and words - _WITHOUT_VALUE:
        return True
    field = FIELDS.get(name)
    if field is None or field.kind in {Kind.LIST, Kind.ANY}:
        return False  # of several values, each test may mean another
    allowed = [_values(test) for test in asked if test.word in {"is", "in"}]
    barred = {value for test in asked if test.word in {"is_not", "not_in"} for value in _values(test)}
    if not allowed:
        return _empty(asked)
    left = set.intersection(*allowed) - barred
    return not any(_within(value, asked) for value in left)


def _values(test: Test) -> set[Any]:
    return set(test.wanted) if test.word in {"in", "not_in"} else {test.wanted}


def _within(value: Any, asked: Iterable[Test]) -> bool:
    return _fits(value, [test for test in asked if test.word in {"at_least", "at_most", "above", "below"}])


def _empty(asked: Sequence[Test]) -> bool:
    """Whether no number lies between the bounds."""
    least = [(float(test.wanted), test.word == "above") for test in asked if test.word in {"at_least", "above"}]
    most = [(float(test.wanted), test.word == "below") for test in asked if test.word in {"at_most", "below"}]
    return any(low > high or (low == high and (a or b)) for low, a in least for high, b in most)


def _absent(name: str, asked: Sequence[Test], rule: Rule) -> str | None:
    """Why a field has no fitting value in any event that the rule waits for."""
    when = rule.when
    if name.startswith("text.") and not when & set(TEXTS):
        return "only a text that came in has it, and the rule waits for none"
    told = name == "call.outcome" and bool(when) and when <= set(_OUTCOMES)
    if told and not any(_fits(_OUTCOMES[of_type], asked) for of_type in when):
        return f"the rule waits for {say(sorted(when))}"
    return None


def _fits(value: Any, asked: Iterable[Test]) -> bool:
    return all(test.judge(lambda _: value) for test in asked)
