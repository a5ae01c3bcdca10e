"""Conditions as data: judged in microseconds, explained in words.

A field without a value makes every positive word false, and `is_not` and `not_in` true.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.models import Finding
from relay.rules.patterns import LOOKED_AT

if TYPE_CHECKING:
    import re

Lookup = Callable[[str], Any]
"""Answers a field's value by its name, None when it has none."""
WORDS = (
    "is",
    "is_not",
    "in",
    "not_in",
    "at_least",
    "at_most",
    "above",
    "below",
    "has",
    "starts_with",
    "matches",
    "in_list",
)
_ABSENT: tuple[Any, ...] = ("", (), [], {})
_TRUE_WITHOUT_VALUE = {"is_not", "not_in", "missing"}
_SAID_MOST = 80
"""Characters of a value in a line of a trace."""


@dataclass(frozen=True, slots=True)
class Test:
    """One field, one word, one wanted value."""

    name: str
    word: str
    wanted: Any
    said: str
    pattern: re.Pattern[str] | None = None

    def judge(self, look: Lookup) -> bool:
        """Whether it holds."""
        return self._holds(look(self.name))

    def findings(self, look: Lookup) -> list[Finding]:
        """What was wanted and what was there."""
        value = look(self.name)
        return [Finding(self.name, self.said, say(value), self._holds(value))]

    def _holds(self, value: Any) -> bool:
        if value is None or (not value and value in _ABSENT):
            return self.word in _TRUE_WITHOUT_VALUE
        return _JUDGE[self.word](self, value)


@dataclass(frozen=True, slots=True)
class All:
    """Every part must hold."""

    parts: tuple[Condition, ...]

    def judge(self, look: Lookup) -> bool:
        """Whether it holds."""
        return all(part.judge(look) for part in self.parts)

    def findings(self, look: Lookup) -> list[Finding]:
        """What was wanted and what was there."""
        return [finding for part in self.parts for finding in part.findings(look)]


@dataclass(frozen=True, slots=True)
class Either:
    """One part must hold, or (as `not`) none."""

    parts: tuple[Condition, ...]
    negated: bool = False

    def judge(self, look: Lookup) -> bool:
        """Whether it holds."""
        return any(part.judge(look) for part in self.parts) is not self.negated

    def findings(self, look: Lookup) -> list[Finding]:
        """What was wanted and what was there."""
        inner = [finding for part in self.parts for finding in part.findings(look)]
        said = "; ".join(f"{f.name} {f.wanted} (was {f.found})" for f in inner)
        word, held = "not" if self.negated else "any", self.judge(look)
        return [Finding(word, said, "holds" if held else "does not hold", held)]


Condition = Test | All | Either
ALWAYS = All(())


def all_held(findings: Iterable[Finding]) -> bool:
    """Whether the condition holds that these findings are of: each of its parts that all must hold is one of them."""
    return all([finding.held for finding in findings])  # noqa: C419 - a generator costs more than most conditions


def fields_in(condition: Condition) -> set[str]:
    """Every field that a condition names."""
    if isinstance(condition, Test):
        return {condition.name}
    return {name for part in condition.parts for name in fields_in(part)}


def say(value: Any) -> str:
    """A value as a trace says it: true, 42 (not 42.0), missing."""
    if value is None or (not value and value in _ABSENT):
        return "missing"
    text = value if isinstance(value, str) else _word_for(value)
    return text if len(text) <= _SAID_MOST else text[: _SAID_MOST - 1] + "…"


def _word_for(value: Any) -> str:
    """How people write a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(_word_for(item) for item in value)
    return str(value)


def _members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _same(value: Any, wanted: Any) -> bool:
    """Equal as people see it: a number or a truth value in a raw field equals the text that says so."""
    if isinstance(wanted, str) and not isinstance(value, str):
        return _word_for(value) == wanted
    return bool(value == wanted)


def _equal(test: Test, value: Any) -> bool:
    """Equality; of a list of values, that one of them is equal."""
    return any(_same(item, test.wanted) for item in _members(value))


def _among(test: Test, value: Any) -> bool:
    wanted: Collection[Any] = test.wanted
    return any(
        (item if isinstance(item, (str, int, float)) else "") in wanted or _word_for(item) in wanted
        for item in _members(value)
    )


def _has(test: Test, value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(str(item).casefold() == test.wanted for item in value)
    return test.wanted in str(value).casefold()


def _matches(test: Test, value: Any) -> bool:
    return test.pattern is not None and test.pattern.search(_word_for(value)[:LOOKED_AT]) is not None


def _compare(holds: Callable[[float, float], bool]) -> Callable[[Test, Any], bool]:
    def judge(test: Test, value: Any) -> bool:
        try:
            return holds(float(value), test.wanted)
        except (TypeError, ValueError, OverflowError):
            return False

    return judge


_JUDGE: dict[str, Callable[[Test, Any], bool]] = {
    "present": lambda _test, _value: True,
    "missing": lambda _test, _value: False,
    "is": _equal,
    "is_not": lambda test, value: not _equal(test, value),
    "in": _among,
    "in_list": _among,
    "not_in": lambda test, value: not _among(test, value),
    "at_least": _compare(lambda value, wanted: value >= wanted),
    "at_most": _compare(lambda value, wanted: value <= wanted),
    "above": _compare(lambda value, wanted: value > wanted),
    "below": _compare(lambda value, wanted: value < wanted),
    "has": _has,
    "starts_with": lambda test, value: _word_for(value).casefold().startswith(test.wanted),
    "matches": _matches,
}
