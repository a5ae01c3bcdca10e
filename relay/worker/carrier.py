"""What happens to deliveries between claim and settlement: judged, handed to their service, written down."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from relay import failpoints
from relay.connector import Job, Receipt
from relay.deadlines import Deadlines
from relay.errors import Blocked, Rejected, StoreBusy, Unclear
from relay.models import Attempt, Delivery, State
from relay.store import Settlement
from relay.texting import mute
from relay.traces import Untold
from relay.worker import moves
from relay.worker.memory import memory, with_known
from relay.worker.move import POISON, Outcome, move, plain, told
from relay.worker.recording import recording_of
from relay.worker.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from relay.metrics import Metrics
    from relay.planner import Planner
    from relay.store import Claimed, Store
    from relay.traces import Traces
    from relay.worker.channel import Channel
    from relay.worker.hold import Hold

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What whoever sets deliveries going is told while they are carried, and is asked."""

    channels: Callable[[], Mapping[str, Channel]]
    """The connectors as they are now."""
    went_well: Callable[[str], None]
    """A service is done with what it was handed, before that is written down."""
    took: Callable[[str, float], None]
    """How many seconds a service took."""
    may_be_more: Callable[[], None]
    """A later step of a run may have fallen due."""


class Carrier:
    """Carries claimed deliveries, a group that one request may hold at a time."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        clock: Callable[[], float],
        metrics: Metrics,
        dice: Callable[[], float],
        hooks: Hooks,
    ) -> None:
        self.traces: Traces = Untold()
        """Told of every try."""
        self._store = store
        self._planner = planner
        self._clock = clock
        self._metrics = metrics
        self._dice = dice
        self._hooks = hooks
        self._texts = Texts(store, planner, clock)
        self._deadlines = Deadlines()
        self._log: Any = log.bind()
        """The same logger, put together once: that takes longer than to say nothing."""

    async def carry(self, channel: Channel, group: Sequence[Claimed], hold: Hold) -> list[tuple[Delivery, Outcome]]:
        """Send a group and write down how it went; answers what was really tried, as it stands now."""
        ready, outcomes = [], dict[str, Outcome]()
        for claimed in group:
            try:
                if claimed.delivery.kind == "text":
                    begun = await self._texts.begin(channel, claimed) if hold.lasts() else None
                    if begun is not None:
                        ready.append(begun)
                    continue
                if claimed.delivery.kind in moves.KINDS:
                    noted = await moves.begin(self._store, self._planner, channel, claimed, self._clock())
                    if noted is not None:
                        ready.append(replace(claimed, delivery=noted))
                    continue
            except StoreBusy:
                raise
            except Exception as error:  # noqa: BLE001 - a judgement that fails must neither send nor be asked for ever
                outcomes[claimed.delivery.id] = Rejected(f"it could not be judged: {told(error)}", grace=POISON)
            ready.append(claimed)
        began, at = time.monotonic(), self._clock()
        sound = [claimed for claimed in ready if claimed.delivery.id not in outcomes]
        jobs = self._jobs(channel, sound, outcomes, at, hold)
        if jobs:
            jobs = await with_known(self._store, channel, jobs)
            outcomes |= zip(jobs, await self._send(channel, list(jobs.values())), strict=True)
        took = time.monotonic() - began
        moved = await self._settle_all(channel, ready, outcomes, jobs, at, took) if ready else []
        return [(delivery, outcomes[delivery.id]) for delivery in moved if delivery.id in jobs]

    def _jobs(
        self, channel: Channel, ready: Iterable[Claimed], outcomes: dict[str, Outcome], now: float, hold: Hold
    ) -> Mapping[str, Job[Any]]:
        """What the connector is handed; an action that it cannot read is Rejected among `outcomes`."""
        jobs: dict[str, Job[Any]] = {}
        for claimed in ready:
            delivery = claimed.delivery
            try:
                action = channel.connector.Action.model_validate(dict(delivery.action or {}))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                place = ".".join(str(part) for part in first["loc"])
                outcomes[delivery.id] = Rejected(f"the step cannot be read as filled in: {place}: {first['msg']}")
                continue
            notes = dict(delivery.notes)
            jobs[delivery.id] = Job(
                key=delivery.id,
                action=action,
                event=claimed.event.public(),
                raw=claimed.event.raw,
                recording=recording_of(self._hooks.channels(), claimed.event),
                tries=delivery.tries,
                notes=notes,
                note=moves.noter(self._store, delivery, notes),
                now=now,
                in_time=hold.lasts,
            )
        return jobs

    async def _send(self, channel: Channel, jobs: list[Job[Any]]) -> Sequence[Outcome]:
        try:
            with self._deadlines.within(channel.timeout):
                if len(jobs) == 1:
                    results: Sequence[Outcome] = [await channel.connector.send(jobs[0])]
                else:
                    results = await channel.connector.send_batch(jobs)
            if len(results) != len(jobs) or not all(isinstance(result, (Receipt, Exception)) for result in results):
                raise TypeError(f"{channel.name} did not answer with one receipt or failure for each delivery")  # noqa: TRY301 - told like any other failure
        except TimeoutError:
            return [Unclear(f"no answer within {channel.timeout:g} s")] * len(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises is the outcome of the try
            return [error] * len(jobs)
        if all(isinstance(result, Receipt) for result in results):
            self._hooks.went_well(channel.name)
        return results

    async def _settle_all(
        self,
        channel: Channel,
        ready: Sequence[Claimed],
        outcomes: Mapping[str, Outcome],
        jobs: Mapping[str, Job[Any]],
        at: float,
        took: float,
    ) -> list[Delivery]:
        now, settle = self._clock(), self._planner.book.policy.settle
        settlements = []
        for claimed in ready:
            delivery, outcome = claimed.delivery, outcomes[claimed.delivery.id]
            job = jobs.get(delivery.id)
            noted = delivery.but(notes=plain(delivery.notes if job is None else job.notes))
            moved = move(noted, outcome, channel.retry, now=now, dice=self._dice, settle=settle)
            attempt = Attempt(delivery.id, moved.tries, at, took, str(moved.state), told(outcome))
            if delivery.kind == "text":
                self._learn_block(delivery, outcome, now)
            provider = (moved.receipt or {}).get("id") if delivery.kind == "text" else None
            settlements.append(Settlement(moved, attempt, provider, memory(channel, job, outcome, now)))
            self._metrics.tried(channel.name, str(moved.state), took)
            self._hooks.took(channel.name, took)
            level = self._log.debug if moved.state is State.DELIVERED else self._log.warning
            ids = {"id": delivery.id, "run": delivery.run, "event_id": delivery.event}
            level("delivery", **ids, connector=channel.name, state=str(moved.state), tries=moved.tries)
            if self.traces.on:
                self._trace(delivery, moved, took, told(outcome))
        follow = self._planner.follow
        await self._store.settle(settlements, follow)
        if follow.notes:
            self._hooks.may_be_more()
        failpoints.reach("text_settled")
        return [settlement.delivery for settlement in settlements]

    def _learn_block(self, delivery: Delivery, outcome: Outcome, now: float) -> None:
        """What this text says of those after it: its sender may text, or may not for now."""
        planner, sender = self._planner, (delivery.action or {}).get("sender")
        if isinstance(outcome, Blocked):
            planner.blocks.hold(outcome.sender, str(outcome), now=now)
            planner.alarm(mute(sender, str(outcome)))
        elif isinstance(outcome, Receipt):
            planner.blocks.clear(sender)

    def _trace(self, tried: Delivery, moved: Delivery, took: float, answer: str) -> None:
        about: dict[str, str | int] = {"delivery": tried.id, "run": tried.run, "connector": tried.connector}
        failed = None if moved.state is State.DELIVERED else answer
        about |= {"try": moved.tries, "state": str(moved.state)}
        self.traces.tell("deliver", tried.event, took, failed=failed, **about)
