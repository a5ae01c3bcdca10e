"""What becomes of numbers: runs of moves as the ledger keeps them, and what it knows when one more is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models.facts import Owned

RunState = Literal["planned", "asking", "approved", "applying", "done", "stopped", "rejected", "expired"]
ChangeState = Literal["planned", "under_way", "done", "failed", "held"]
OVER = ("done", "failed", "held")
"""States of a change in which nothing more happens by itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """One number moved, renamed or put back, as the journal has it; times in Unix seconds."""

    id: str
    """Of a rule's step, the id of its delivery."""
    run: str
    number: str
    kind: str
    """regroup, update_number, restore, or accept: somebody's own move, taken for good."""
    action: Mapping[str, Any]
    """What the phone system is asked for; the same on every try."""
    because: str
    rule: str = ""
    """The rule that wants it; empty for declared groups."""
    source: str | None = None
    """The group it was in when this was decided; None for none."""
    to: str | None = None
    state: ChangeState = "planned"
    notes: Mapping[str, Any] = field(default_factory=dict)
    """How far it has come, and what was there before; written before each step is taken."""
    reason: str | None = None
    moved: bool = False
    """Whether the number's group is another one than before."""
    at: float = 0.0
    settled_at: float | None = None


@dataclass(frozen=True, slots=True)
class NumberRun:
    """Moves that belong together: of a plan, of a rule at one of its times, of an undo; or accepted. Unix seconds."""

    id: str
    kind: Literal["plan", "rule", "undo", "accept"]
    by: str
    """Who wants it: `groups and rules`, a rule's name, the run that is undone, or who accepts."""
    at: float
    state: RunState = "planned"
    key: str = ""
    """What a rule's run is recognised by; the version of what was declared, for a plan."""
    why: str = ""
    ask: str | None = None
    """The connector through which somebody is asked."""
    until: float | None = None
    """When an answer comes too late."""
    told_at: float | None = None
    answered_by: str | None = None
    answered_at: float | None = None
    moves: int = 0
    """How many moves it holds, those that were not made included."""


@dataclass(frozen=True, slots=True)
class PastMove:
    """The last time that a number came into another group, by a rule or a plan."""

    at: float
    source: str | None
    to: str | None
    by: str


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """What the ledger knows of a number's moves, read in the transaction that begins the next one."""

    owned: Owned | None = None
    last: PastMove | None = None
    flaps: int = 0
    """How often in a day it went back to where it had just come from."""
    under_way: str | None = None
    """Another change of the same number that has begun and not ended."""
    run: NumberRun | None = None
    """The run that the move belongs to, where it is known already."""
    siblings: int = 1
    """How many moves the run holds."""
    gathered: bool = True
    """Whether every event of the run is planned, so that its moves can be counted."""


@dataclass(frozen=True, slots=True)
class MoveJudgement:
    """go, hold (until a moment), never, or ask somebody, with the reason."""

    word: Literal["go", "hold", "never", "ask"]
    reason: str = ""
    until: float | None = None
    flapping: bool = False
    """Whether it is stopped because the number goes to and fro."""
    ask: str | None = None
    """The connector through which somebody is asked; None for the one that alerts go to."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A number's calls as the phone system counts them, and how many seconds ago it was asked."""

    calls_7d: int = 0
    calls_30d: int = 0
    answered_7d: int = 0
    answered_30d: int = 0
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class GroupOfNumbers:
    """A group as the phone system names it, with the ids of the numbers in it where they were read."""

    id: str
    name: str
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nobody listened and nothing was fetched since; Unix seconds."""

    since: float
    until: float
