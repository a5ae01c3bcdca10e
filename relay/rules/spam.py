"""How likely a call is spam: points added up by the owner's own conditions, and from where on they count. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.rules.conditions import Condition, Lookup


@dataclass(frozen=True, slots=True)
class Spam:
    """What is said of a call."""

    word: str = "unlikely"
    """unlikely, likely or certain."""
    score: int = 0
    reasons: tuple[str, ...] = ()
    """In words: `+3: call.robo_score at least 70 (was 85)`."""


@dataclass(frozen=True)
class Scorecard:
    """The section `spam`; without lines the AI's word counts alone."""

    lines: tuple[tuple[Condition, int], ...] | None = None
    likely_from: int = 4
    certain_from: int = 8
    welcome: frozenset[str] = frozenset()
    """Numbers that are never spam, E.164."""

    def judge(self, look: Lookup) -> Spam:
        """What the card says of a call whose fields `look` answers."""
        if self.lines is None:
            is_spam = look("call.ai_category") == "spam"
            return Spam("certain", 0, ("call.ai_category is spam",)) if is_spam else Spam()
        if look("caller.number") in self.welcome:
            return Spam(reasons=("on the welcome list",))
        held = [(condition, points) for condition, points in self.lines if condition.judge(look)]
        score = sum(points for _, points in held)
        reasons = tuple(f"{points:+}: {_said(condition, look)}" for condition, points in held)
        if score >= self.certain_from:
            return Spam("certain", score, reasons)
        return Spam("likely" if score >= self.likely_from else "unlikely", score, reasons)


NO_CARD = Scorecard()
"""Where nobody wrote one: the AI's word counts alone."""


def _said(condition: Condition, look: Lookup) -> str:
    return "; ".join(f"{found.name} {found.wanted} (was {found.found})" for found in condition.findings(look))
