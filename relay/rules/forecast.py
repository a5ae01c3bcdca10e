"""What texting says of a text before it falls due, as the rules ask for it: rules stand below texting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.models import Delivery, Finding
    from relay.rules.facts import Facts
    from relay.rules.rule import Rule
    from relay.rules.steps import Step


class Forecast(Protocol):
    """What texting says of a text before it falls due: `hold` until a moment, `never`, or `go`."""

    @property
    def guard(self) -> bool:
        """Whether a guard of the rule says so, which stops the whole rule, not the text alone."""

    @property
    def word(self) -> str:
        """Hold, never or go."""

    @property
    def reason(self) -> str:
        """In words."""

    @property
    def until(self) -> float | None:
        """The next allowed moment, Unix seconds."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was looked at, whether it held or not."""


class JudgeText(Protocol):
    """Asks texting about a text that will fall due."""

    def __call__(self, rule: Rule, step: Step, facts: Facts, delivery: Delivery, /) -> Forecast | None:
        """What is known of it now; None where nobody is to be asked."""
