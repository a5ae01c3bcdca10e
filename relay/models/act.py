"""Something that a person did to the relay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to what, and when; written before it is done, and never changed but for the outcome, told once."""

    at: float
    """Unix seconds."""
    who: str
    """With which right, and from where."""
    what: str
    """The name of the deed."""
    about: str
    """What it was given, as JSON; of telephone numbers only the last four digits."""
    config: str
    """The configuration that was in force, as verdicts name it."""
    seq: int = 0
    """Order in the ledger."""
    outcome: str | None = None
    """What came of it; None while it is done, and for good where the relay fell meanwhile."""
