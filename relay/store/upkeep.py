"""The part of the ledger that keeps it small, sound, and its sums right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.store import Follow

Prunable = Literal["transcripts", "bodies", "texts", "attempts", "requests", "events"]
"""What can be let go of: words of calls, what senders wrote, words of texts, tries, refused requests, whole events."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of one batch: rows that went (or would go), and the place to go on from; None when all are done."""

    rows: int
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes: of the file, of what is used in it, and of the log of what is not in it yet."""

    file: int
    used: int
    wal: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What was accepted and owed, against what is accounted for; counted as it happens, so it costs nothing to ask."""

    accepted: int = 0
    """Events that the door ever wrote down."""
    unplanned: int = 0
    planned: int = 0
    pruned: int = 0
    """Events that went by retention."""
    owed: int = 0
    """Deliveries ever planned."""
    states: Mapping[str, int] = field(default_factory=dict)
    forgotten: int = 0
    """Deliveries that went with their events."""

    @property
    def wrong(self) -> str | None:
        """Which sum is not what it should be; None when all are."""
        events = self.unplanned + self.planned + self.pruned
        if events != self.accepted:
            return f"{self.accepted} events were accepted, and {events} are accounted for"
        deliveries = sum(self.states.values()) + self.forgotten
        if deliveries != self.owed:
            return f"{self.owed} deliveries were owed, and {deliveries} are accounted for"
        return None


class Kept(Protocol):
    """Upkeep."""

    @property
    def engine(self) -> str:
        """The database under the ledger, by name and version."""

    @property
    def engine_trouble(self) -> tuple[str, str] | None:
        """What is to be known of that database, and what to do about it; None for nothing."""

    def unfit(self, decisions: object) -> str | None:
        """Why what decisions hang on could not be carried to the process that takes them; None where none need be."""

    async def damage(self) -> str | None:
        """What is wrong with the pages that hold the ledger; None where nothing is, or the database sees to it.

        Raises:
            StoreBusy: it is too large to be looked at whole in a moment.
        """

    async def prune(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        """Let go of one batch of what is older than `before` (Unix seconds), oldest first, never of anything owed.

        What recognises an event when it comes again, last texts, opt-outs and calls stay.
        """

    async def prunable(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        """What `prune` would let go of."""

    async def shrink(self, *, limit: int = 500) -> int:
        """Give pages that hold nothing back to the disk, `limit` at most; answers how many are left."""

    async def sizes(self) -> Sizes:
        """How large the ledger is."""

    async def balance(self) -> Balance:
        """Whether the sum of states is what was accepted."""

    async def restored(self) -> bool:
        """Whether this ledger is a copy from earlier, put back: it sends no text until somebody allows it."""

    async def texts_after_restore(self, follow: Follow, *, now: float) -> int:
        """Allow texts again after a restore; those that the copy owed may have gone out since, and are suppressed.

        Answers how many these were.
        """
