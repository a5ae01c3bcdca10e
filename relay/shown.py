"""What a running relay shows of itself: its rules as loaded, its connectors as they stand, its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.hours import Business

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Standing


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule in force."""

    name: str
    version: str
    mode: str
    """What holds: live, shadow, off."""
    file_mode: str
    """What the file says."""
    when: Sequence[str]
    """Event types, or times."""
    texts: bool
    """Whether it texts callers."""
    connectors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ShownConnector:
    """A connector as it stands."""

    name: str
    type: str
    under_way: int = 0
    """Tries that are being made."""
    concurrency: int = 0


@dataclass(frozen=True, slots=True)
class Stand:
    """How a connector stands."""

    state: str = "working"
    """working, probing, resting (its breaker is open), paused."""
    why: str = ""
    until: float | None = None
    """When it is tried again, Unix seconds."""


def stand_of(standing: Standing | None, now: float) -> Stand:
    """How a connector stands, from what the ledger remembers of it."""
    if standing is None:
        return Stand()
    if standing.paused:
        by = "It paused itself" if standing.paused_by == "relay" else "Paused by hand"
        return Stand("paused", f"{by}: {standing.paused_why}" if standing.paused_why else f"{by}.")
    if not standing.open:
        return Stand()
    state = "probing" if standing.probe_at is not None and standing.probe_at <= now else "resting"
    return Stand(state, f"It last answered: {standing.fault}" if standing.fault else "", standing.probe_at)


@dataclass(frozen=True, slots=True)
class Reload:
    """How the configuration was last read."""

    at: float
    """Unix seconds."""
    mistakes: Sequence[str] = ()
    """Why the changed file is not used; none when it is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One relay at this moment."""

    business: str = "Our business"
    hours: Business = field(default_factory=lambda: Business("UTC"))
    rules: Sequence[ShownRule] = ()
    connectors: Sequence[ShownConnector] = ()
    sources: Sequence[str] = ()
    groups: Sequence[str] = ()
    texts_total: int | None = None
    """How many texts may go out in `texts_window` seconds; None without a limit."""
    texts_window: float = 86400.0
    version: str = ""
    """Short name of the rules together."""
    file: str = ""
    """Where the configuration stands."""
    written: str = ""
    """The configuration as it is written, without the secrets that stand in it."""
    reload: Reload | None = None
    warnings: Sequence[str] = ()
    reasons: Sequence[str] = ()
    """Why the relay is not ready."""
