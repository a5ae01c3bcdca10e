"""The methods of the store protocol that speak of numbers and their moves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.store.sql import moves, number_facts
from relay.store.sql.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.models import Change, Delivery, MoveJudgement, NumberFacts, NumberRun, Outage, Owned, PastMove
    from relay.store import Follow, Windows
    from relay.store.moves import JudgeChange, JudgeMove


class SqlMoves(Transactions):
    """`relay.store.moves.Moves`, in SQL."""

    async def number_facts(self, owned: Sequence[Owned], *, now: float) -> list[NumberFacts]:
        return await self._read(partial(number_facts.number_facts, owned=owned, now=now))

    async def last_moves(self, *, now: float) -> Mapping[str, tuple[PastMove, int]]:
        return await self._read(partial(moves.last_moves, now=now))

    async def add_run(self, run: NumberRun, changes: Sequence[Change]) -> None:
        await self._write(partial(moves.add_run, run=run, changes=changes))

    async def number_run(self, reference: str) -> NumberRun | None:
        return await self._read(partial(moves.number_run, reference=reference))

    async def number_runs(
        self, *, limit: int = 50, states: Collection[str] = (), before: tuple[float, str] | None = None
    ) -> list[NumberRun]:
        return await self._read(partial(moves.number_runs, limit=limit, states=states, before=before))

    async def changes(self, run: str, *, limit: int = 10_000) -> list[Change]:
        return await self._read(partial(moves.changes, run=run, limit=limit))

    async def number_changes(self, number: str, *, limit: int = 50) -> list[Change]:
        return await self._read(partial(moves.number_changes, number=number, limit=limit))

    async def move_run(self, run: NumberRun, was: Collection[str], *, now: float) -> bool:
        return await self._write(partial(moves.move_run, run=run, was=was, now=now))

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
        return await self._write(
            partial(
                moves.begin_move,
                delivery=delivery,
                run=run,
                draft=draft,
                judge=judge,
                follow=follow,
                now=now,
                windows=windows,
            )
        )

    async def begin_change(self, change: str, judge: JudgeChange, *, now: float) -> Change:
        return await self._write(partial(moves.begin_change, change=change, judge=judge, now=now))

    async def note_change(self, change: str, notes: Mapping[str, Any]) -> None:
        await self._write(partial(moves.note_change, change=change, notes=notes))

    async def settle_change(self, change: Change) -> None:
        await self._write(partial(moves.settle_change, change=change))

    async def alive(self, *, now: float) -> None:
        await self._write(partial(number_facts.alive, now=now))

    async def known_since(self) -> float | None:
        return await self._read(number_facts.known_since)

    async def outages(self, *, now: float) -> tuple[Outage, ...]:
        return await self._read(partial(number_facts.outages, now=now))

    async def fill_outages(self, *, since: float, until: float) -> None:
        await self._write(partial(number_facts.fill_outages, since=since, until=until))
