"""What a field is: its type, its meaning, and the ways in which one is read from the facts of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.rules.facts import Facts

TEXTS = ("text.received", "text.unanswered")
"""Types of events that carry the fields of a text."""
Reader = Callable[["Facts"], Any]
"""Answers the value of a field in the facts of an event, None when it has none."""


class Kind(StrEnum):
    """What a field holds, which decides how a value written in a condition is read."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    PHONE = "phone"
    LIST = "list"
    SPAN = "span"
    """Seconds; a condition may write 2m for 120."""
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """One name."""

    name: str
    kind: Kind
    meaning: str
    read: Reader
    """Its value in the facts of an event, None when it has none."""
    choices: tuple[str, ...] = ()
    """All that it can say, where that is known."""
    window: float = 0.0
    """Seconds of calls that it is counted over, for what says something of a number; 0 for all else."""


def call(key: str) -> Reader:
    """A field of the call."""
    return lambda facts: facts.event.call.get(key)


def text(key: str) -> Reader:
    """A field of a text that came in."""
    return lambda facts: facts.event.call.get(key) if facts.event.type in TEXTS else None


def owned(key: str) -> Reader:
    """What the phone system says of the number."""
    return lambda facts: None if facts.line.owned is None else getattr(facts.line.owned, key)


def of_number(ask: Callable[[str], Any]) -> Reader:
    """What the caller's number says."""
    return lambda facts: ask(facts.event.caller) if facts.event.caller else None


def of_name(ask: Callable[[str], Any]) -> Reader:
    """What the caller's name says."""

    def read(facts: Facts) -> Any:
        name = facts.event.call.get("caller_name")
        return ask(name) if name else None

    return read


def person(key: str) -> Reader:
    """What the ledger knows of the caller."""
    return lambda facts: getattr(facts.person, key)


def line(key: str) -> Reader:
    """What the ledger knows of the number."""
    return lambda facts: getattr(facts.line, key)


def rate(answered: str, calls: str) -> Reader:
    """A share in percent, with one digit; None of nothing."""

    def read(facts: Facts) -> Any:
        part, whole = getattr(facts.line, answered), getattr(facts.line, calls)
        return round(100 * part / whole, 1) if whole else None

    return read


def week(key: str) -> Reader:
    """What the ledger knows of the last seven days of all numbers together."""
    return lambda facts: getattr(facts.week, key)


def week_rate(part: str, whole: str) -> Reader:
    """A share of those in percent, with one digit; None of nothing."""

    def read(facts: Facts) -> Any:
        of = getattr(facts.week, whole)
        return round(100 * getattr(facts.week, part) / of, 1) if of else None

    return read
