"""Plans, applies and undoes, asks for approval, and sees what drifts; one of them for a relay, running or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import DeliveryFailed, StoreBusy
from relay.models import NumberRun, iso
from relay.moving.asking import Asker
from relay.moving.crew import Crew
from relay.moving.drafts import accepting, as_question, change_of, differs, new_id, restoring
from relay.moving.looking import look
from relay.moving.now import drift_now, planned_now
from relay.moving.refused import Refused
from relay.moving.telling import run_json
from relay.moving.turn import Turn, at_once
from relay.numbers import moved_by_hand, public
from relay.rules import say_span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.book import Book
    from relay.connector import Connector
    from relay.moving.looking import View
    from relay.moving.turn import Once
    from relay.numbers import Drift, Planned
    from relay.store import Store
    from relay.texting import PhoneConnector

log = structlog.get_logger(__name__)

POLL = 15.0
"""Seconds after which runs are looked at again: answers, questions, what was left half way."""
STALE = 86400.0
"""Seconds after which a plan is too old to be applied."""


@dataclass(frozen=True)
class Account:
    """What the moves of numbers work with, asked anew each time: a reload may have changed it."""

    book: Callable[[], Book]
    phone: Callable[[], PhoneConnector | None]
    """The phone system; None where no key is set."""
    connector: Callable[[str], Connector[Any, Any] | None]
    """A connector by its name."""
    alerts_to: Callable[[], str | None]
    admin_url: Callable[[], str]


class Numbers:
    """Everything that is done with numbers but by a rule's own step."""

    def __init__(
        self,
        store: Store,
        account: Account,
        clock: Callable[[], float],
        *,
        woken: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        once: Once = at_once,
    ) -> None:
        """`woken` is called when moves of rules that waited for an answer may go; `once` as `Turn` has it."""
        self._store = store
        self._account = account
        self._clock = clock
        self._woken = woken
        self._sleep = sleep
        self._asker = Asker(store, account.connector, account.alerts_to, account.admin_url, clock)
        self._called = asyncio.Event()
        self._busy = asyncio.Lock()
        self._turn = Turn(store, once)

    def call(self) -> None:
        """A run may have something to do."""
        self._called.set()

    async def run(self) -> None:
        """Carry on what was begun, ask and be answered, until cancelled."""
        with self._turn.serving():
            while True:
                self._called.clear()
                try:
                    await self.step()
                except (StoreBusy, DeliveryFailed) as error:
                    log.error("moves of numbers wait", why=str(error))
                try:
                    async with asyncio.timeout(POLL):
                        await self._called.wait()
                except TimeoutError:
                    continue

    async def step(self) -> None:
        """One look at the runs that are not over."""
        now = self._clock()
        for run in await self._store.number_runs(states=("asking",)):
            if run.until is not None and now >= run.until:
                await self._answered(replace(run, state="expired"), "nobody")
            elif run.told_at is None:
                await self._asker.ask(run)
        for run in await self._store.number_runs(states=("approved",)):
            if run.kind == "plan":
                try:
                    await self._begin(run)
                except Refused as refused:
                    await self._store.move_run(
                        replace(run, state="stopped", why=str(refused)), ("approved",), now=self._clock()
                    )
        for run in await self._store.number_runs(states=("applying",)):
            await self._carry(run)

    async def plan(self) -> dict[str, Any]:
        """What would move now: written down, so that exactly this can be applied. As JSON, with the run's id.

        Raises:
            DeliveryFailed: the phone system could not be asked.
        """
        view, planned = await self._plan()
        run = None
        for older in await self._store.number_runs(states=("planned",)):
            gone = replace(older, state="expired", why="a newer plan was made")
            await self._store.move_run(gone, ("planned",), now=self._clock())
        if planned.moves:
            now = self._clock()
            run = NumberRun(new_id(now), "plan", "groups and rules", now, moves=len(planned.moves))
            enforce = self._account.book().brakes.enforce
            inside = {s.facts.owned.number: s.groups for s in view.standings if s.facts.owned is not None}
            await self._store.add_run(
                run,
                [
                    change_of(run, n, move, inside.get(move.number), enforce=enforce)
                    for n, move in enumerate(planned.moves)
                ],
            )
        return {**public(planned), "run": None if run is None else run.id}

    async def _plan(self) -> tuple[View, Planned]:
        view, planned = await planned_now(self._store, self._account.phone(), self._account.book(), self._clock())
        if view.groups is not None:
            await self._store.save_numbers([one.facts.owned for one in view.standings if one.facts.owned is not None])
        return view, planned

    async def apply(self, reference: str | None = None) -> dict[str, Any]:
        """Make the moves of a plan, the last one where none is named.

        One that was left half way is carried on, and one that is done stays as it is.

        Raises:
            Refused: there is none, it is stale, it was rejected, or another process makes moves in a shell.
            DeliveryFailed: the phone system could not be asked.
        """
        return await self._turn.take(partial(self._apply, reference))

    async def _apply(self, reference: str | None) -> dict[str, Any]:
        run = await self._found(reference, "plan", ("planned", "approved", "asking", "applying", "stopped"))
        if run.state == "asking":
            raise Refused(f"{run.id} waits for an answer: {run.why}; `relay numbers approve {run.id}`")
        if run.state == "done":
            return await self.told(run.id)
        if run.state in {"rejected", "expired"}:
            raise Refused(f"{run.id} is {run.state}; make a new plan with `relay numbers plan`")
        if run.state in {"applying", "stopped"} and (run.kind != "plan" or await self._begun(run)):
            await self._store.move_run(replace(run, state="applying", why=""), (run.state,), now=self._clock())
            return await self._set_going(run.id)
        return await self._begin(run)

    async def _begun(self, run: NumberRun) -> bool:
        return any(change.state != "planned" for change in await self._store.changes(run.id))

    async def _begin(self, run: NumberRun) -> dict[str, Any]:
        now = self._clock()
        if self._account.phone() is None:
            raise Refused("the CallScaler API is not set up: set CALLSCALER_API_KEY")
        if now - run.at > STALE:
            raise Refused(
                f"the plan is stale: made {say_span(now - run.at)} ago; make a new one with `relay numbers plan`"
            )
        _, planned = await self._plan()
        if (why := differs(run, await self._store.changes(run.id), planned)) is not None:
            raise Refused(f"the plan is stale: {why}; make a new one with `relay numbers plan`")
        if (
            run.state != "approved"
            and (asking := as_question(run, planned, self._account.book().brakes, now)) is not None
        ):
            if await self._store.move_run(asking, (run.state,), now=now):
                await self._asker.ask(asking)
            return await self.told(run.id)
        if not await self._store.move_run(replace(run, state="applying", why=""), (run.state,), now=now):
            raise Refused(f"{run.id} was begun by somebody else a moment ago")
        return await self._set_going(run.id)

    async def undo(self, reference: str) -> dict[str, Any]:
        """Put every number of a run back as it was before, in the opposite order; what nobody changed since.

        Raises:
            Refused: there is no such run, it changed nothing, or somebody else is at it.
        """
        return await self._turn.take(partial(self._undo, reference))

    async def _undo(self, reference: str) -> dict[str, Any]:
        run = await self._found(reference, None, ("done", "stopped", "applying"))
        if run.state == "applying" and not (run.why or self._turn.ours):
            raise Refused(f"{run.id} is under way at another relay; once it has ended, `relay numbers undo {run.id}`")
        if self._account.phone() is None:
            raise Refused("the CallScaler API is not set up: set CALLSCALER_API_KEY")
        async with self._busy:
            await self._store.move_run(
                replace(run, state="stopped", why="undone half way"),
                ("planned", "asking", "approved", "applying"),
                now=self._clock(),
            )
            touched = [change for change in await self._store.changes(run.id) if change.notes.get("before")]
            now = self._clock()
            back = NumberRun(new_id(now), "undo", run.id, now, state="applying", moves=len(touched))
            changes = [restoring(back, place, change) for place, change in enumerate(reversed(touched))]
            if not changes:
                raise Refused(f"{run.id} changed nothing, so there is nothing to undo")
            await self._store.add_run(back, changes)
        return await self._set_going(back.id)

    async def accept(self, numbers: Sequence[str], by: str) -> dict[str, Any]:
        """Take for good what somebody moved by hand; of all numbers where none is named. Nothing is moved.

        From then on the number counts as moved there: the brake `stay` holds it, then rules and groups speak again.

        Raises:
            Refused: nobody moved any of these since the relay did.
            DeliveryFailed: the phone system could not be asked.
        """
        view = await look(self._store, self._account.phone(), self._account.book().about, self._clock())
        elsewhere = [one for one in view.standings if moved_by_hand(one) and not one.under_way]
        accepted = [one for one in elsewhere if not numbers or (one.facts.owned and one.facts.owned.number in numbers)]
        if not accepted:
            raise Refused("there is nothing to accept: every number is where the relay last put it, or was never moved")
        now = self._clock()
        run = NumberRun(new_id(now), "accept", by, now, state="done", moves=len(accepted))
        changes = [accepting(run, place, one) for place, one in enumerate(accepted)]
        await self._store.save_numbers([one.facts.owned for one in view.standings if one.facts.owned is not None])
        await self._store.add_run(run, changes)
        return await self.told(run.id)

    async def answer(self, reference: str, by: str, *, yes: bool) -> dict[str, Any]:
        """Approve or reject what waits for somebody's word.

        Raises:
            Refused: there is no such run, or it asks nothing (any more).
        """
        run = await self._found(reference, None, ("asking",))
        if run.state == "asking" and run.until is not None and self._clock() >= run.until:
            await self._answered(replace(run, state="expired"), "nobody")
            raise Refused(f"too late: {run.id} waited until {iso(run.until)}")
        if run.state != "asking":
            raise Refused(f"{run.id} is {run.state} and asks nothing")
        said = replace(run, state="approved", why="") if yes else replace(run, state="rejected")
        await self._answered(said, by)  # what it asked for is answered, and no longer why it stands still
        answered = await self._found(run.id, None, ())
        if answered.state == "approved" and run.kind == "plan" and not self._turn.serves:
            again = f"make its moves with `relay numbers apply {run.id}`: it is approved, and need not be again"
            return await self._turn.take(partial(self._approved, answered), again)
        return await self.told(run.id)

    async def _approved(self, run: NumberRun) -> dict[str, Any]:
        if self._turn.alone:
            return await self._begin(run)
        self._turn.call_others()
        return await self.told(run.id)

    async def _answered(self, run: NumberRun, by: str) -> None:
        now = self._clock()
        await self._store.move_run(replace(run, answered_by=by, answered_at=now), ("asking",), now=now)
        await self._store.close_alert(f"numbers:{run.id}", now=now)
        log.info("a run of moves was answered", run=run.id, state=run.state, by=by)
        self._woken()
        self.call()

    async def drift(self) -> tuple[Drift, ...]:
        """What the phone system says against what is declared.

        Raises:
            DeliveryFailed: it could not be asked.
        """
        return await drift_now(self._store, self._account.phone(), self._account.book(), self._clock())

    async def told(self, run: str) -> dict[str, Any]:
        """A run with its moves, as JSON."""
        found = await self._store.number_run(run)
        if found is None:
            raise Refused(f"there is no run {run}; `relay numbers history` lists them")
        return run_json(found, await self._store.changes(found.id))

    async def _set_going(self, run: str) -> dict[str, Any]:
        if self._turn.serves:
            self.call()
        elif not self._turn.alone:
            self._turn.call_others()
        elif (found := await self._store.number_run(run)) is not None:
            await self._carry(found)
        return await self.told(run)

    async def _carry(self, run: NumberRun) -> None:
        """Make what is left of a run, and say how it ended."""
        phone = self._account.phone()
        if phone is None:
            return
        async with self._busy:
            current = await self._store.number_run(run.id)
            if current is None or current.state != "applying":
                return
            await Crew(self._store, phone, self._account.book().brakes, self._clock, self._sleep).end(current)

    async def _found(self, reference: str | None, kind: str | None, states: Sequence[str]) -> NumberRun:
        """The run that is meant: that one, or the newest of these."""
        if reference is not None and reference != "last":
            found = await self._store.number_run(reference)
            if found is None:
                raise Refused(f"there is no run {reference}; `relay numbers history` lists them")
            return found
        runs = await self._store.number_runs(states=states)
        found = next((run for run in runs if kind is None or run.kind == kind), None)
        if found is None:
            raise Refused("there is no plan; make one with `relay numbers plan`" if kind else "there is no such run")
        return found
