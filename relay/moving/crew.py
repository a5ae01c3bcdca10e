"""Makes the moves of a run, one after another: each is noted as begun, then made, then noted as it ended.

A run that fell over half way is carried on from its notes; what was made is not made again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from relay.connector import Job
from relay.errors import DeliveryFailed, Forbidden, RateLimited, Rejected, Unauthorized
from relay.models import OVER, MoveJudgement
from relay.numbers import Wanted, judge
from relay.store import Decider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.models import Change, MoveFacts, NumberRun
    from relay.numbers import Brakes
    from relay.store import Store
    from relay.texting import PhoneConnector

log = structlog.get_logger(__name__)

TRIES = 3
PAUSE = 2.0
"""Seconds between two tries of one move."""
TIMEOUT = 60.0
"""Seconds for one try: a few requests, each with a bound of its own."""


class Stopped(Exception):
    """The run cannot go on now; what was begun is finished when it is carried on."""

    def __init__(self, why: str, *, for_good: bool) -> None:
        super().__init__(why)
        self.for_good = for_good
        """Whether somebody must see to it first, as to a key that was revoked."""


@dataclass(eq=False)
class _Judging(Decider):
    """Whether a move that was planned may still be made, judged where it is begun."""

    brakes: Brakes
    now: float

    def __call__(self, change: Change, facts: MoveFacts) -> MoveJudgement:
        """May it?"""
        if change.state == "under_way":
            return MoveJudgement("go")  # it has begun: whatever has changed since, it is finished
        if change.kind == "restore":
            busy = facts.under_way is not None
            return MoveJudgement("hold", "another change of this number is under way") if busy else MoveJudgement("go")
        by = change.rule or "groups"
        wanted = Wanted(change.number, change.to, by, counts=bool(change.notes.get("counts")), asks=False)
        return judge(wanted, facts, self.brakes, self.now)


class Crew:
    """Makes moves, one at a time; what carries deliveries is the worker's `Carrier`."""

    def __init__(
        self,
        store: Store,
        phone: PhoneConnector,
        brakes: Brakes,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._phone = phone
        self._brakes = brakes
        self._clock = clock
        self._sleep = sleep

    async def end(self, run: NumberRun) -> None:
        """Make what is left of a run that is being applied, and write down how it ended, or why it stands still."""
        try:
            await self.make(run.id)
        except Stopped as stopped:
            await self._stop(run, stopped)
            return
        ended = [change for change in await self._store.changes(run.id) if change.state != "done"]
        why, now = (f"{len(ended)} of {run.moves} were not made" if ended else ""), self._clock()
        await self._store.move_run(replace(run, state="done", why=why), ("applying",), now=now)
        await self._store.close_alert(f"numbers:{run.id}", now=now)

    async def _stop(self, run: NumberRun, stopped: Stopped) -> None:
        now = self._clock()
        why = str(stopped)
        ended = replace(run, state="stopped", why=why) if stopped.for_good else replace(run, why=why)
        await self._store.move_run(ended, ("applying",), now=now)
        if stopped.for_good:
            await self._store.open_alert(
                f"numbers:{run.id}",
                f"moves of numbers stopped: {stopped}",
                f"mend the key, then `relay numbers apply {run.id}`",
                now=now,
            )
        log.warning("moves of numbers stopped", run=run.id, why=str(stopped))

    async def make(self, run: str) -> None:
        """Make every move of a run that is not over, for as long as nobody stops it.

        Raises:
            Stopped: the phone system does not answer, or refuses the key.
        """
        for change in await self._store.changes(run):
            found = await self._store.number_run(run)
            if found is None or found.state != "applying":
                return
            if change.state not in OVER:
                await self._one(change)

    async def _one(self, change: Change) -> None:
        now = self._clock()
        begun = await self._store.begin_change(change.id, _Judging(self._brakes, now), now=now)
        if begun.state != "under_way":
            log.info("a number is not moved", change=begun.id, why=begun.reason)
            return
        notes = dict(begun.notes)
        try:
            await self._make(begun, notes)
        except (Unauthorized, Forbidden) as refused:
            raise Stopped(str(refused), for_good=True) from None
        except Rejected as refused:
            ended = replace(begun, state="failed", reason=str(refused), notes=notes, settled_at=self._clock())
        except DeliveryFailed as failure:
            raise Stopped(str(failure), for_good=False) from None
        else:
            moved = begun.kind != "update_number" and _moved(begun, notes)
            ended = replace(begun, state="done", reason=None, notes=notes, moved=moved, settled_at=self._clock())
        await self._store.settle_change(ended)
        log.info("a number was changed", change=ended.id, state=ended.state, why=ended.reason)

    async def _make(self, change: Change, notes: dict[str, Any]) -> None:
        async def note() -> None:
            await self._store.note_change(change.id, notes)

        try:
            action = self._phone.Action.model_validate(dict(change.action))
        except ValidationError as error:
            raise Rejected(f"the move cannot be read: {error.errors(include_input=False)[0]['msg']}") from None
        for left in reversed(range(TRIES)):
            job = Job(
                key=change.id,
                action=action,
                event={},
                tries=TRIES - 1 - left,
                notes=notes,
                note=note,
                now=self._clock(),
            )
            try:
                async with asyncio.timeout(TIMEOUT):
                    await self._phone.send(job)
            except TimeoutError:
                failure = DeliveryFailed(f"no answer within {TIMEOUT:g} s")
            except Rejected:
                raise
            except DeliveryFailed as error:
                failure = error
            else:
                return
            await note()
            if not left or isinstance(failure, RateLimited):
                raise failure
            await self._sleep(PAUSE)


def _moved(change: Change, notes: dict[str, Any]) -> bool:
    """Whether the number is in other groups than before."""
    before = {group["name"] for group in (notes.get("before") or {}).get("groups", ())}
    if change.kind == "regroup":
        return before != {change.to}
    return before != {group.get("name") for group in change.action.get("groups") or ()}
