"""Conditions as people write them, read into conditions that can be judged; every mistake told with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from relay import phone
from relay.forms import Complain, Path, nearest, unknown
from relay.models import seconds
from relay.rules.conditions import ALWAYS, WORDS, All, Condition, Either, Test
from relay.rules.fields import FIELDS, complaint
from relay.rules.kinds import Field, Kind, Reader
from relay.rules.patterns import read_pattern

Lists = Mapping[str, Collection[str]]
_COMPARED = {"at_least", "at_most", "above", "below"}
_TEXTUAL = {"has", "starts_with", "matches"}
_COMBINING = ("all", "any", "not")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_condition(
    written: Any, path: Path, complain: Complain, lists: Lists | None = None, step_ids: tuple[str, ...] = ()
) -> Condition:
    """A condition from what people wrote; every mistake is told to `complain`, and the rest is read on.

    Only a step's own `if` can name the results of earlier steps, those with `step_ids`.
    """
    return _Reader(complain, lists or {}, step_ids).read(written, path)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whom to tell of mistakes, and the lists that may be named."""

    complain: Complain
    lists: Lists
    step_ids: tuple[str, ...]

    def read(self, written: Any, path: Path) -> Condition:
        """A mapping or a list, all of whose parts must hold."""
        if isinstance(written, list):
            return All(tuple(self.read(part, (*path, i)) for i, part in enumerate(written)))
        if not isinstance(written, Mapping):
            self.complain(path, "a condition is a mapping of field names to what they should be")
            return ALWAYS
        parts: list[Condition] = []
        for name, value in written.items():
            place = (*path, name)
            if name in _COMBINING:
                parts.append(self._combined(name, value, place))
            elif problem := _problem(name, self.step_ids):
                self.complain(place, problem)
            else:
                parts.extend(self._tests(FIELDS.get(name) or Field(name, Kind.ANY, "", _by_name(name)), value, place))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _combined(self, name: str, value: Any, path: Path) -> Condition:
        if not isinstance(value, (list, Mapping)) or not value:
            self.complain(path, f"`{name}` takes conditions: a list of them, or a mapping")
            return ALWAYS
        if name == "all":
            return self.read(value, path)
        if name == "not":
            return Either((self.read(value, path),), negated=True)
        if isinstance(value, Mapping):
            return Either(tuple(self.read({key: part}, path) for key, part in value.items()))
        return Either(tuple(self.read(part, (*path, i)) for i, part in enumerate(value)))

    def _tests(self, field: Field, value: Any, path: Path) -> list[Test]:
        if value in ("present", "missing"):
            return [Test(field.name, value, None, value)]
        if isinstance(value, list):
            return self._test(field, "in", value, path)
        if not isinstance(value, Mapping):
            return self._test(field, "is", value, path)
        if not value:
            self.complain(path, f"nothing is asked of `{field.name}`; write a value, present, missing, or {{is: …}}")
        tests: list[Test] = []
        for word, wanted in value.items():
            if word in WORDS:
                tests.extend(self._test(field, word, wanted, (*path, word)))
            else:
                self.complain((*path, word), unknown(str(word), WORDS, "condition word"))
        return tests

    def _test(self, field: Field, word: str, wanted: Any, path: Path) -> list[Test]:
        try:
            return [self._read_test(field, word, wanted)]
        except ValueError as error:
            self.complain(path, str(error))
            return []

    def _read_test(self, field: Field, word: str, wanted: Any) -> Test:
        """One word with its value.

        Raises:
            ValueError: what is wrong with it.
        """
        said = word.replace("_", " ")
        if word in {"in", "not_in"}:
            values = wanted if isinstance(wanted, list) else [wanted]
            if not values:
                raise ValueError(f"`{word}` takes a list with something in it")
            read = frozenset(_read_value(field, word, item) for item in values)
            return Test(field.name, word, read, f"{said} {', '.join(str(item) for item in values)}")
        _refuse_odd(word, wanted)
        if word == "in_list":
            return Test(field.name, word, self._list(wanted), f"in list {wanted}")
        if word in _COMPARED:
            return Test(field.name, word, _read_bound(field, word, wanted), f"{said} {wanted}")
        if word in _TEXTUAL and field.kind is Kind.FLAG:
            raise ValueError(f"`{field.name}` is true or false, so `{word}` cannot compare it")
        if word == "matches":
            return Test(field.name, word, None, f"{said} {wanted}", read_pattern(str(wanted)))
        if word in _TEXTUAL:
            return Test(field.name, word, str(wanted).casefold(), f"{said} {wanted}")
        return Test(field.name, word, _read_value(field, word, wanted), f"{said} {wanted}")

    def _list(self, wanted: Any) -> frozenset[str]:
        if wanted not in self.lists:
            near = nearest(str(wanted), self.lists)
            raise ValueError(
                f"there is no list `{wanted}` under lists:" + (f"; did you mean `{near}`?" if near else "")
            )
        return frozenset(self.lists[wanted])


def _problem(name: Any, step_ids: tuple[str, ...]) -> str | None:
    """What is wrong with a field's name in a condition."""
    problem = complaint(str(name), step_ids=step_ids)
    if problem is not None:
        near = nearest(str(name), _COMBINING)
        return f"`{name}` is not known; did you mean `{near}`?" if near else problem
    if name in FIELDS or str(name).startswith("call.raw.") or str(name).count(".") >= 2:  # noqa: PLR2004 - steps.<id>.<field>
        return None
    return f"`{name}` cannot be compared; name one of its fields"


def _refuse_odd(word: str, wanted: Any) -> None:
    if isinstance(wanted, (list, Mapping)):
        raise ValueError(f"`{word}` takes one value")  # noqa: TRY004 - what people wrote is told, not crashed on
    if wanted is None or str(wanted).strip() == "":
        raise ValueError("nothing is written here; write a value, or `missing` for a field without one")


def _read_bound(field: Field, word: str, wanted: Any) -> float:
    if field.kind not in {Kind.NUMBER, Kind.SPAN, Kind.ANY}:
        raise ValueError(f"`{field.name}` is no number, so `{word}` cannot compare it")
    return _span(str(wanted).strip()) if field.kind is Kind.SPAN else _number(str(wanted).strip())


def _read_value(field: Field, word: str, written: Any) -> Any:
    """A value in the field's own type.

    Raises:
        ValueError: it cannot be one.
    """
    _refuse_odd(word, written)
    text = str(written).strip()
    if field.choices and text not in field.choices:
        near = nearest(text, field.choices)
        hint = f"did you mean `{near}`?" if near else f"it is one of {', '.join(field.choices)}"
        if "," in text:
            hint = f"several stand in brackets: [{', '.join(part.strip() for part in text.split(','))}]"
        raise ValueError(f"`{field.name}` is never `{text}`; {hint}")
    match field.kind:
        case Kind.NUMBER:
            return _number(text)
        case Kind.SPAN:
            return _span(text)
        case Kind.FLAG:
            if text.casefold() not in _FLAGS:
                raise ValueError(f"`{text}` is neither true nor false")
            return _FLAGS[text.casefold()]
        case Kind.PHONE:
            number = phone.normalise(text)
            if number is None:
                raise ValueError(f"`{text}` is no telephone number; write it as +13125550101, or present, or missing")
            return number
    return text


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"`{text}` is no number")
    return float(text)


def _span(text: str) -> float:
    """Seconds, from a bare number of them or a span with units."""
    return float(text) if _NUMBER.fullmatch(text) else seconds(text)


def _by_name(name: str) -> Reader:
    """For a field as the sender wrote it, or the result of a step."""
    return lambda facts: facts.look(name)
