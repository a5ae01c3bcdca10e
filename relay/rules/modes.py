"""The modes of rules: what the file says, and what a person said above it. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.models import SaidMode
    from relay.rules.rule import Rule


def in_force(rules: Iterable[Rule], said: Iterable[SaidMode]) -> tuple[Rule, ...]:
    """The rules with the modes that hold: a person's word, where the file still says what it said then."""
    words = {(word.rule, word.over): word.mode for word in said}
    return tuple(replace(rule, mode=words.get((rule.name, rule.mode), rule.mode)) for rule in rules)


def outdated(rules: Iterable[Rule], said: Iterable[SaidMode]) -> list[str]:
    """Names of rules whose mode in the file has changed since somebody said another; a missing rule may come back."""
    written = {rule.name: rule.mode for rule in rules}
    return [word.rule for word in said if written.get(word.rule, word.over) != word.over]


def named(rules: Sequence[Rule], name: str) -> Rule | None:
    """The rule that a person means: its name, in any case, or with hyphens for everything that is no letter or digit.

    None where none is meant, or more than one.
    """
    exact = next((rule for rule in rules if rule.name == name), None)
    if exact is not None:
        return exact
    close = [rule for rule in rules if slug(rule.name) == slug(name)]
    return close[0] if len(close) == 1 else None


def slug(name: str) -> str:
    """A name in small letters, with hyphens for everything that is no letter or digit."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
