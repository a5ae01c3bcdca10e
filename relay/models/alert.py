"""Something that a person should see to, until it is over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause of trouble from its opening to its end; times in Unix seconds."""

    id: int
    cause: str
    """A kind, or a kind and a name: `disk`, `breaker:crm`. One alert at most is open for each."""
    what: str
    """What happened, in one plain sentence."""
    remedy: str
    """What to do about it."""
    opened_at: float
    closed_at: float | None = None
    told: int = 0
    """How often somebody was told of it."""
    told_at: float | None = None
    """When somebody was last told of it."""

    @property
    def kind(self) -> str:
        """The cause without the name."""
        return self.cause.partition(":")[0]
