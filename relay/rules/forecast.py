"""What texting says of a text before it falls due, as the rules ask for it: rules stand below texting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.models import Delivery
    from relay.rules.facts import Facts
    from relay.rules.rule import Rule
    from relay.rules.steps import Step


class Forecast(Protocol):
    """What texting says of a text before it falls due: `hold` until a moment, or `never`."""

    @property
    def guard(self) -> bool:
        """Whether a guard of the rule says so, which stops the whole rule, not the text alone."""

    @property
    def word(self) -> str:
        """Hold or never."""

    @property
    def reason(self) -> str:
        """In words."""

    @property
    def until(self) -> float | None:
        """The next allowed moment, Unix seconds."""


class JudgeText(Protocol):
    """Asks texting about a text that will fall due."""

    def __call__(self, rule: Rule, step: Step, facts: Facts, delivery: Delivery, /) -> Forecast | None:
        """None when nothing is known against it."""
