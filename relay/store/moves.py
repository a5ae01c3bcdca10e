"""The part of the ledger that keeps the moves of numbers: what was planned, how far each came, what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from relay.models import (
        Change,
        Delivery,
        Event,
        Known,
        MoveFacts,
        MoveJudgement,
        NumberFacts,
        NumberRun,
        Outage,
        Owned,
        PastMove,
    )
    from relay.store import Follow, Windows

    JudgeMove = Callable[[Event, Known, MoveFacts], MoveJudgement]
    JudgeChange = Callable[[Change, MoveFacts], MoveJudgement]


class Moves(Protocol):
    """Moves of numbers. A run's id may be given as its beginning, or as `last`."""

    async def number_facts(self, owned: Sequence[Owned], *, now: float) -> list[NumberFacts]:
        """What the ledger knows of these numbers, a thousand at most; calls that are not planned yet are counted."""

    async def last_moves(self, *, now: float) -> Mapping[str, tuple[PastMove, int]]:
        """Of every number that was ever moved: the last time, and how often it went to and fro in the last day."""

    async def add_run(self, run: NumberRun, changes: Sequence[Change]) -> None:
        """Write down a run and all its moves, in one transaction."""

    async def number_run(self, reference: str) -> NumberRun | None:
        """One run; None when there is none, or more than one that begins like this."""

    async def number_runs(
        self, *, limit: int = 50, states: Collection[str] = (), before: tuple[float, str] | None = None
    ) -> list[NumberRun]:
        """Runs, newest first; those in these states where some are named; `before` is an earlier page's last."""

    async def changes(self, run: str, *, limit: int = 10_000) -> list[Change]:
        """The moves of a run, in the order in which they are made."""

    async def number_changes(self, number: str, *, limit: int = 50) -> list[Change]:
        """What was done with one number, newest first."""

    async def move_run(self, run: NumberRun, was: Collection[str], *, now: float) -> bool:
        """Save a run whose state was one of these; False when it is another one by now, and nothing was changed.

        What a rule's run holds back is looked at again.
        """

    async def begin_move(
        self,
        delivery: Delivery,
        run: NumberRun,
        draft: Change,
        judge: JudgeMove,
        follow: Follow,
        *,
        now: float,
        windows: Windows,
    ) -> tuple[Delivery, MoveJudgement | None]:
        """Judge a rule's move that was claimed, in the transaction that notes it as begun.

        Answers the delivery as it stands, with the notes of earlier tries where it may go; no judgement where somebody
        else has claimed it meanwhile.
        """

    async def begin_change(self, change: str, judge: JudgeChange, *, now: float) -> Change:
        """The same for a move of a plan or an undo: it is under way, or held with the reason."""

    async def note_change(self, change: str, notes: Mapping[str, Any]) -> None:
        """Remember how far a move has come."""

    async def settle_change(self, change: Change) -> None:
        """Write down how a move ended, and the group that its number is in now."""

    async def alive(self, *, now: float) -> None:
        """Somebody listens. After more than a few minutes without this word, what was between is an outage."""

    async def known_since(self) -> float | None:
        """Since when calls are in the ledger, Unix seconds; None while that is not known."""

    async def outages(self, *, now: float) -> tuple[Outage, ...]:
        """Times of which nothing is known, oldest first, the one that goes on now included."""

    async def fill_outages(self, *, since: float, until: float) -> None:
        """Every call between these moments was fetched: no outage within them is one any more."""
