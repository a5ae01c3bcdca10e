"""What a person said of a rule's mode, above what the file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["live", "shadow", "off"]


@dataclass(frozen=True, slots=True)
class SaidMode:
    """A mode said by hand; it holds until the file's own `mode:` of that rule changes."""

    rule: str
    mode: Mode
    over: str
    """What the file said when it was said."""
    at: float
    """Unix seconds."""
