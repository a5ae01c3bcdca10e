"""Conditions as data: compiled once, judged in microseconds, explained in words.

A field without a value makes every positive word false, and `is_not` and `not_in` true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from relay import phone
from relay.forms import Complain, Path, nearest, unknown
from relay.models import Finding, seconds
from relay.rules.fields import FIELDS, Kind, complaint

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
_NEGATIVE = {"is_not", "not_in"}
_NUMERIC = {"at_least", "at_most", "above", "below"}
_MATCH_CAP = 1000
"""Characters of a value that a regular expression looks at; `re` has no time limit of its own."""


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
        value = look(self.name)
        if value is None:
            return self.word in _NEGATIVE or self.word == "missing"
        return _JUDGE[self.word](self, value)

    def findings(self, look: Lookup) -> list[Finding]:
        """What was wanted and what was there."""
        value = look(self.name)
        return [Finding(self.name, self.said, _say_found(value), self.judge(look))]


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
        word = "not" if self.negated else "any"
        return [Finding(word, said, "holds" if self.judge(look) else "does not hold", self.judge(look))]


Condition = Test | All | Either
ALWAYS = All(())


def fields_in(condition: Condition) -> set[str]:
    """Every field that a condition names."""
    if isinstance(condition, Test):
        return {condition.name}
    return {name for part in condition.parts for name in fields_in(part)}


def read_condition(
    written: Any, path: Path, complain: Complain, lists: Mapping[str, Collection[str]] | None = None
) -> Condition:
    """A condition from what people wrote; every mistake is told to `complain`, and the rest is read on."""
    if isinstance(written, list):
        return All(tuple(read_condition(part, (*path, i), complain, lists) for i, part in enumerate(written)))
    if not isinstance(written, Mapping):
        complain(path, "a condition is a mapping of field names to what they should be")
        return ALWAYS
    parts: list[Condition] = []
    for name, value in written.items():
        place = (*path, name)
        if name in {"all", "any", "not"}:
            parts.append(_combined(name, value, place, complain, lists))
        elif problem := complaint(name):
            complain(place, problem)
        elif name in FIELDS or name.startswith("call.raw."):
            parts.extend(_tests(name, value, place, complain, lists))
        else:
            complain(place, f"`{name}` cannot be compared; conditions cannot name the results of steps")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _combined(
    name: str, value: Any, path: Path, complain: Complain, lists: Mapping[str, Collection[str]] | None
) -> Condition:
    if name == "all":
        return read_condition(value, path, complain, lists)
    if name == "not":
        return Either((read_condition(value, path, complain, lists),), negated=True)
    if isinstance(value, Mapping):
        branches: list[tuple[Path, Any]] = [((*path, key), {key: part}) for key, part in value.items()]
        return Either(tuple(read_condition(part, path, complain, lists) for _, part in branches))
    if not isinstance(value, list):
        complain(path, "`any` takes a list of conditions")
        return ALWAYS
    return Either(tuple(read_condition(part, (*path, i), complain, lists) for i, part in enumerate(value)))


def _tests(
    name: str, value: Any, path: Path, complain: Complain, lists: Mapping[str, Collection[str]] | None
) -> list[Test]:
    kind = FIELDS[name].kind if name in FIELDS else Kind.TEXT
    if value in {"present", "missing"} if isinstance(value, str) else False:
        return [Test(name, value, None, value)]
    if isinstance(value, list):
        value = {"in": value}
    if not isinstance(value, Mapping):
        value = {"is": value}
    tests = []
    for word, wanted in value.items():
        if word not in WORDS:
            complain((*path, word), unknown(word, WORDS, "condition word"))
            continue
        test = _test(
            name, kind, word, wanted, (*path, word) if len(value) > 1 or word != "is" else path, complain, lists
        )
        if test is not None:
            tests.append(test)
    return tests


def _test(
    name: str,
    kind: Kind,
    word: str,
    wanted: Any,
    path: Path,
    complain: Complain,
    lists: Mapping[str, Collection[str]] | None,
) -> Test | None:
    try:
        if word == "in_list":
            return _list_test(name, wanted, path, complain, lists)
        if word in {"in", "not_in"}:
            values = wanted if isinstance(wanted, list) else [wanted]
            read = frozenset(_read(kind, item) for item in values)
            return Test(name, word, read, f"{word.replace('_', ' ')} {', '.join(str(item) for item in values)}")
        if isinstance(wanted, (list, Mapping)):
            complain(path, f"`{word}` takes one value")
            return None
        if word in _NUMERIC:
            if kind not in {Kind.NUMBER, Kind.SPAN, Kind.ANY, Kind.TEXT}:
                complain(path, f"`{name}` is no number, so `{word}` cannot compare it")
                return None
            return Test(
                name,
                word,
                _read(Kind.SPAN if kind is Kind.SPAN else Kind.NUMBER, wanted),
                f"{word.replace('_', ' ')} {wanted}",
            )
        if word == "matches":
            return Test(name, word, None, f"matches {wanted}", read_pattern(str(wanted)))
        if word in {"has", "starts_with"}:
            return Test(name, word, str(wanted).casefold(), f"{word.replace('_', ' ')} {wanted}")
        return Test(name, word, _read(kind, wanted), f"{word.replace('_', ' ')} {_say_found(wanted)}")
    except ValueError as error:
        complain(path, str(error))
        return None


def _list_test(
    name: str, wanted: Any, path: Path, complain: Complain, lists: Mapping[str, Collection[str]] | None
) -> Test | None:
    known = lists or {}
    if wanted not in known:
        near = nearest(str(wanted), known)
        complain(path, f"there is no list `{wanted}` under lists:" + (f"; did you mean `{near}`?" if near else ""))
        return None
    return Test(name, "in_list", frozenset(known[wanted]), f"in list {wanted}")


def read_pattern(source: str) -> re.Pattern[str]:
    """A regular expression that cannot run away.

    Raises:
        ValueError: it cannot be read, or repeats a repetition, which takes exponential time.
    """
    if re.search(r"[+*}]\)?[+*{]|\([^()]*[+*}][^()]*\)[+*{]", source):
        raise ValueError("this pattern repeats a repetition, like (a+)+, which can take for ever; write it without")
    try:
        return re.compile(source)
    except re.error as error:
        raise ValueError(f"this pattern cannot be read: {error}") from None


def _read(kind: Kind, written: Any) -> Any:
    text = "" if written is None else str(written).strip()
    match kind:
        case Kind.NUMBER:
            try:
                return float(text)
            except ValueError:
                raise ValueError(f"`{text}` is no number") from None
        case Kind.SPAN:
            return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else seconds(text)
        case Kind.FLAG:
            if text.casefold() not in _FLAGS:
                raise ValueError(f"`{text}` is neither true nor false")
            return _FLAGS[text.casefold()]
        case Kind.PHONE:
            number = phone.normalise(text)
            if number is None:
                raise ValueError(f"`{text}` is no telephone number; write it as +13125550101")
            return number
    return text


_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _say_found(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value) or "none"
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - a line of a trace


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _compare(holds: Callable[[float, float], bool]) -> Callable[[Test, Any], bool]:
    def judge(test: Test, value: Any) -> bool:
        number = _number(value)
        return number is not None and holds(number, test.wanted)

    return judge


def _equal(test: Test, value: Any) -> bool:
    if isinstance(test.wanted, str) and not isinstance(value, str):
        return _say_found(value) == test.wanted
    return bool(value == test.wanted)


def _among(test: Test, value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(item in test.wanted for item in value)
    return value in test.wanted


def _has(test: Test, value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(str(item).casefold() == test.wanted for item in value)
    return test.wanted in str(value).casefold()


_JUDGE: dict[str, Callable[[Test, Any], bool]] = {
    "present": lambda _test, value: value != "",
    "missing": lambda _test, value: value == "",
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
    "starts_with": lambda test, value: str(value).casefold().startswith(test.wanted),
    "matches": lambda test, value: (
        test.pattern is not None and test.pattern.search(str(value)[:_MATCH_CAP]) is not None
    ),
}
