"""What is owed, what was tried, and what was decided: the values of the queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from relay.models.quick import quick

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    WAITING = "waiting"
    HELD = "held"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    SHADOW = "shadow"
    ABANDONED = "abandoned"

    @property
    def settled(self) -> bool:
        """True when nothing more will happen by itself."""
        return self in _SETTLED


_SETTLED = {State.DELIVERED, State.DEAD, State.CANCELLED, State.SUPPRESSED, State.SHADOW, State.ABANDONED}
OWED = tuple(state for state in State if state not in _SETTLED)


ASKED = "asked"
"""Note on a text: what the phone system said when it was asked whether this person had been answered."""
QUARANTINED = "quarantined"
"""Note on a delivery that waits for a person to release it."""
DUE_OTHERWISE = "due_otherwise"
"""Note beside it: when it would be due without (Unix seconds), None below a gate that is open."""


@quick
@dataclass(frozen=True)
class Delivery:
    """One step of one rule for one event: the unit of the queue.

    Without slots, as it is copied with changes ten times on its way, which a dictionary does ten times as fast.
    """

    id: str
    event: str
    """The event's id."""
    run: str
    """One rule on one event; the deliveries of a run share it."""
    rule: str
    rule_version: str
    step: int
    """Place of the step in the rule's `then`, from 0."""
    kind: str
    """send, text, regroup, update_number."""
    connector: str
    state: State
    due_at: float | None = None
    """When it may be taken; None while a gate above it is open."""
    first_due_at: float | None = None
    """When it first fell due, after its waits, before any holding; `at_most` counts from here."""
    born_at: float = 0.0
    shadow: bool = False
    action: Mapping[str, Any] | None = None
    """The rendered step, None until it first falls due."""
    lane: str | None = None
    reason: str | None = None
    claims: int = 0
    """Raised by every claim; a settlement with an older count is refused (fencing)."""
    tries: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    settled_at: float | None = None
    seq: int = 0

    @property
    def quarantined(self) -> bool:
        """Whether it waits for a person to release it."""
        return bool(self.notes.get(QUARANTINED)) and not self.state.settled

    def moved(self, state: State, **changes: Any) -> Delivery:
        """The same delivery in another state."""
        return self.but(state=state, **changes)

    def but(self, **changes: Any) -> Delivery:
        """The same delivery but for these.

        Raises:
            TypeError: one of them is no field.
        """
        if not changes.keys() <= self.__dataclass_fields__.keys():
            raise TypeError(f"{', '.join(changes)}: a delivery has no such field")
        new = object.__new__(Delivery)
        vars(new).update(vars(self), **changes)
        return new


@quick
@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery; times in Unix seconds, `answer` redacted and capped."""

    delivery: str
    number: int
    started_at: float
    seconds: float
    outcome: str
    answer: str


@quick
@dataclass(frozen=True, slots=True)
class Finding:
    """One condition or guard of a rule as it was judged: what was wanted, what was there, whether it held."""

    name: str
    wanted: str
    found: str
    held: bool


VERDICTS = ("ran", "skipped", "held", "suppressed", "shadow", "error")
"""What may become of a rule on an event."""


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule on one event."""

    rule: str
    word: str
    """One of VERDICTS."""
    why: str = ""
    findings: tuple[Finding, ...] = ()
    until: float | None = None
    """For held: the moment it goes on, Unix seconds."""


@quick
@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided about one event."""

    verdicts: tuple[Verdict, ...]
    owed: tuple[Delivery, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    """(person, tag) pairs."""
    once: tuple[tuple[str, str, str], ...] = ()
    """(rule, value, run): a rule that runs once per value has run."""
