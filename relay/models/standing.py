"""Whether a connector may be asked for anything now, as the ledger remembers it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """How a connector stands: its breaker, and whether it is paused; times in Unix seconds."""

    connector: str
    opened_at: float | None = None
    """Since when its breaker is open; None while it is closed."""
    probe_at: float | None = None
    """When the next single request may ask whether it works again."""
    wait: float = 0.0
    """Seconds between the last probe and the next."""
    fault: str | None = None
    """What it last answered, while the breaker is open."""
    paused_at: float | None = None
    """Since when nothing is sent to it; what is owed to it is kept."""
    paused_by: str | None = None
    """hand, or relay where it paused itself."""
    paused_why: str | None = None

    @property
    def paused(self) -> bool:
        """Whether it waits for somebody to resume it."""
        return self.paused_at is not None

    @property
    def open(self) -> bool:
        """Whether its breaker is open."""
        return self.opened_at is not None
