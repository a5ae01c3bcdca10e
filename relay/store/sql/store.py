"""The store protocol, in SQL."""

from __future__ import annotations

import secrets
import time
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from relay.store.sql import (
    alarms,
    answers,
    arrivals,
    audit,
    claiming,
    conversation,
    counts,
    facts,
    memories,
    modes,
    nodes,
    pages,
    people,
    planning,
    pruning,
    reading,
    replays,
    sealing,
    settling,
    standing,
    sums,
    texts,
    unconfirmed,
    upkeep,
)
from relay.store.sql.moving import SqlMoves

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from relay.models import Act, Alert, Attempt, Delivery, Event, Owned, Plan, SaidMode, Standing, Verdict
    from relay.store import (
        Accepted,
        Claimed,
        DecidePlan,
        DecideRipe,
        DecideText,
        Follow,
        ForeignText,
        Merge,
        RequestNote,
        Run,
        Settlement,
        Taken,
        TextAddress,
        Want,
        Windows,
        Wish,
    )
    from relay.store.answers import Asked
    from relay.store.nodes import Node
    from relay.store.pages import Glance, Traffic
    from relay.store.pages import Standing as OfPerson
    from relay.store.replays import DecideAgain, DecideRun
    from relay.store.sealing import Keys
    from relay.store.sql.connection import Connection
    from relay.store.upkeep import Balance, Prunable, Pruned, Sizes

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the I of item


class SqlStore(SqlMoves):
    """All that is the same on every backend: which piece of SQL does what, within one transaction each."""

    shared = False

    def __init__(self, keys: Keys | None = None) -> None:
        """With `keys` the ledger is sealed."""
        self.node = secrets.token_hex(6)
        self.clock: Callable[[], float] = time.time
        self._keys = keys

    @abstractmethod
    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work in a transaction; resumes after its commit."""

    async def _write_together(self, work: Callable[[Connection, Sequence[I]], Sequence[T]], item: I) -> T:
        """Run work that a backend may do for several items at once; by default for each alone."""
        return (await self._write(lambda connection: work(connection, [item])))[0]

    @abstractmethod
    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work that only reads."""

    @abstractmethod
    async def shrink(self, *, limit: int = 500) -> int:
        """As the protocol says; each engine gives room back in a way of its own."""

    @abstractmethod
    async def sizes(self) -> Sizes:
        """As the protocol says."""

    async def accept(self, event: Event, body: bytes, merge: Merge) -> Accepted:
        return await self._write_together(arrivals.accept_all, arrivals.Arrival(event, body, merge))

    async def accept_text(self, event: Event, body: bytes, wish: Wish | None, *, now: float) -> Accepted:
        return await self._write(partial(texts.accept_text, event=event, body=body, wish=wish, now=now))

    async def save_foreign_texts(self, listed: Sequence[ForeignText]) -> int:
        return await self._write(partial(texts.save_foreign_texts, texts=listed))

    async def known(self, source: str, key: str) -> list[Event]:
        return await self._write(partial(arrivals.known, source=source, key=key))

    async def note_request(self, note: RequestNote) -> None:
        await self._write(partial(arrivals.note_request, note=note))

    async def plan(
        self, decide: DecidePlan, *, now: float, config: str, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        return await self._write(
            partial(planning.plan, decide=decide, now=now, config=config, windows=windows, prefix=prefix, limit=limit)
        )

    async def ripen(
        self, decide: DecideRipe, *, now: float, windows: Windows, prefix: Callable[[str], str], limit: int
    ) -> int:
        return await self._write(
            partial(planning.ripen, decide=decide, now=now, windows=windows, prefix=prefix, limit=limit)
        )

    async def claim(self, wants: Mapping[str, Want], *, now: float) -> Taken:
        return await self._write(partial(claiming.claim, wants=wants, now=now))

    async def claim_unknown(self, *, now: float, lease: float, limit: int) -> list[Claimed]:
        return await self._write(partial(claiming.claim_unknown, now=now, lease=lease, limit=limit))

    async def begin_text(
        self,
        delivery: Delivery,
        address: TextAddress,
        decide: DecideText,
        follow: Follow,
        *,
        now: float,
        windows: Windows,
    ) -> Delivery:
        return await self._write(
            partial(
                settling.begin_text,
                delivery=delivery,
                address=address,
                decide=decide,
                follow=follow,
                now=now,
                windows=windows,
            )
        )

    async def settle(self, settlements: Sequence[Settlement], follow: Follow) -> int:
        return await self._write_together(settling.settle_all, (settlements, follow))

    async def free_leases(self, *, now: float, settle: float, everything: bool) -> int:
        return await self._write(partial(claiming.free_leases, now=now, settle=settle, everything=everything))

    async def next_due_at(self, connectors: Sequence[str], *, now: float) -> float | None:
        return await self._write(partial(claiming.next_due_at, connectors=connectors, now=now))

    async def save_rule(self, version: str, name: str, form: str, now: float) -> None:
        await self._write(partial(reading.save_rule, version=version, name=name, form=form, now=now))

    async def owed_versions(self) -> list[tuple[str, str]]:
        return await self._write(reading.owed_versions)

    async def owed_connectors(self) -> set[str]:
        return await self._write(reading.owed_connectors)

    async def bury(self, connector: str, reason: str, *, now: float) -> int:
        return await self._write(partial(settling.bury, connector=connector, reason=reason, now=now))

    async def save_numbers(self, numbers: Sequence[Owned]) -> None:
        await self._write(partial(reading.save_numbers, numbers=numbers))

    async def numbers(self) -> list[Owned]:
        return await self._read(reading.numbers)

    async def states(self) -> dict[str, int]:
        return await self._read(counts.states)

    async def oldest_due(self) -> float | None:
        return await self._read(reading.oldest_due)

    async def event(self, reference: str) -> Event | None:
        return await self._read(partial(reading.event, reference=reference))

    async def events(
        self,
        *,
        limit: int,
        before: int | None = None,
        person: str | None = None,
        number: str | None = None,
        kind: str | None = None,
    ) -> list[Event]:
        return await self._read(
            partial(reading.events, limit=limit, before=before, person=person, number=number, kind=kind)
        )

    async def verdicts(self, event: str) -> tuple[Verdict, ...] | None:
        return await self._read(partial(reading.verdicts, event_id=event))

    async def deliveries(
        self, *, limit: int, state: str | None = None, event: str | None = None, before: int | None = None
    ) -> list[Delivery]:
        return await self._read(partial(reading.deliveries, limit=limit, state=state, event_id=event, before=before))

    async def attempts(self, delivery: str) -> list[Attempt]:
        return await self._read(partial(reading.attempts, delivery=delivery))

    async def memories(self, connector: str, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
        return await self._read(partial(memories.memories, connector=connector, keys=keys))

    async def texts(self, *, limit: int) -> list[dict[str, Any]]:
        return await self._read(partial(reading.texts, limit=limit))

    async def requests(self, *, limit: int, kind: str | None = None, before: int | None = None) -> list[RequestNote]:
        return await self._read(partial(arrivals.requests, limit=limit, kind=kind, before=before))

    async def totals(self) -> dict[str, int]:
        return await self._read(counts.totals)

    async def opt_out(self, person: str, *, now: float, how: str) -> int:
        return await self._write(partial(upkeep.opt_out, number=person, now=now, how=how))

    async def opt_in(self, person: str) -> bool:
        return await self._write(partial(upkeep.opt_in, number=person))

    async def opt_outs(self, *, limit: int) -> list[dict[str, Any]]:
        return await self._read(partial(upkeep.opt_outs, limit=limit))

    async def switch_texts(self, *, off: bool) -> None:
        await self._write(partial(upkeep.switch_texts, off=off))

    async def texts_are_off(self) -> bool:
        return await self._read(upkeep.texts_are_off)

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        return await self._write(partial(upkeep.retry, ids=ids, now=now))

    async def cancel(self, ids: Sequence[str], follow: Follow, *, now: float) -> int:
        return await self._write(partial(upkeep.cancel, ids=ids, follow=follow, now=now))

    async def release(self, event: str, *, now: float) -> int:
        return await self._write(partial(upkeep.release, event=event, now=now))

    async def quarantined(self, *, limit: int) -> list[Event]:
        return await self._read(partial(upkeep.quarantined, limit=limit))

    async def mark(self, name: str) -> float | None:
        return await self._write(partial(upkeep.mark, name=name))

    async def set_mark(self, name: str, at: float) -> None:
        await self._write(partial(upkeep.set_mark, name=name, at=at))

    async def without_ai(self, source: str, *, since: float, until: float) -> list[Event]:
        return await self._write(partial(upkeep.without_ai, source=source, since=since, until=until))

    async def prune(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        return await self._write(partial(pruning.prune, kind=kind, before=before, after=after, limit=limit))

    async def prunable(self, kind: Prunable, *, before: float, after: float = -1.0, limit: int = 500) -> Pruned:
        return await self._read(partial(pruning.prunable, kind=kind, before=before, after=after, limit=limit))

    @property
    def engine(self) -> str:
        return "a database server"

    @property
    def engine_trouble(self) -> tuple[str, str] | None:
        return None

    async def damage(self) -> str | None:
        return None

    async def balance(self) -> Balance:
        return await self._read(counts.balance)

    async def restored(self) -> bool:
        return await self._read(upkeep.restored)

    async def texts_after_restore(self, follow: Follow, *, now: float) -> int:
        return await self._write(partial(upkeep.texts_after_restore, follow=follow, now=now))

    async def open_alert(self, cause: str, what: str, remedy: str, *, now: float) -> bool:
        return await self._write(partial(alarms.open_alert, cause=cause, what=what, remedy=remedy, now=now))

    async def close_alert(self, cause: str, *, now: float) -> bool:
        return await self._write(partial(alarms.close_alert, cause=cause, now=now))

    async def alert_told(self, alert: int, *, now: float) -> None:
        await self._write(partial(alarms.alert_told, alert=alert, now=now))

    async def owed_since(self) -> Mapping[str, float]:
        return await self._read(alarms.owed_since)

    async def alerts(self, *, open_only: bool = False, limit: int = 100) -> tuple[Alert, ...]:
        return await self._read(partial(alarms.alerts, open_only=open_only, limit=limit))

    async def say_mode(self, said: SaidMode) -> None:
        await self._write(partial(modes.say_mode, said=said))

    async def said_modes(self) -> tuple[SaidMode, ...]:
        return await self._read(modes.said_modes)

    async def unsay_modes(self, rules: Sequence[str]) -> None:
        await self._write(partial(modes.unsay_modes, rules=rules))

    async def begin_act(self, key: str, what: str, *, now: float) -> Asked | None:
        return await self._write(partial(answers.begin_act, key=key, what=what, now=now))

    async def end_act(self, key: str, answer: str | None) -> None:
        await self._write(partial(answers.end_act, key=key, answer=answer))

    async def traffic(self, *, since: float) -> list[Traffic]:
        return await self._read(partial(sums.traffic, since=since))

    async def ruled(self, *, since: float) -> dict[str, dict[str, int]]:
        return await self._read(partial(sums.ruled, since=since))

    async def backlog(self) -> dict[str, dict[str, int]]:
        return await self._read(sums.backlog)

    async def texts_since(self, at: float) -> int:
        return await self._read(partial(sums.texts_since, at=at))

    async def pulse(self) -> tuple[int, ...]:
        return await self._read(sums.pulse)

    async def glances(self, events: Sequence[str]) -> Mapping[str, Glance]:
        return await self._read(partial(pages.glances, events=events))

    async def of_call(self, source: str, key: str) -> list[Event]:
        return await self._read(partial(pages.of_call, source=source, key=key))

    async def delivery(self, name: str) -> Delivery | None:
        return await self._read(partial(pages.delivery, name=name))

    async def texts_page(
        self, *, limit: int, before: tuple[float, str] | None = None, person: str | None = None
    ) -> list[dict[str, Any]]:
        return await self._read(partial(pages.texts_page, limit=limit, before=before, whom=person))

    async def standing(self, person: str) -> OfPerson:
        return await self._read(partial(pages.standing, number=person))

    async def note_act(self, act: Act) -> None:
        await self._write(partial(audit.note_act, act=act))

    async def acts(self, *, limit: int, before: int | None = None) -> list[Act]:
        return await self._read(partial(audit.acts, limit=limit, before=before))

    def on_call(self, call: Callable[[], None]) -> None:
        pass

    async def report(self, node: Node, wants: Sequence[str], *, now: float, lease: float) -> frozenset[str]:
        return await self._write(
            partial(nodes.report, node=node, wants=wants, now=now, lease=lease, alone=not self.shared)
        )

    async def leave(self, node: str) -> None:
        await self._write(partial(nodes.leave, node=node))

    async def nodes(self) -> list[Node]:
        return await self._read(nodes.nodes)

    async def unconfirmed(self, *, limit: int) -> list[Event]:
        return await self._read(partial(unconfirmed.unconfirmed, limit=limit))

    async def confirm(self, event: Event) -> None:
        await self._write(partial(unconfirmed.confirm, event=event))

    async def forget(self, person: str, *, now: float) -> int:
        self._note_erasure(await self._write(partial(facts.person, number=person)))
        return await self._write(partial(people.forget, person=person, now=now))

    async def forget_again(self, *, now: float) -> int:
        digests = self._erasures()
        return await self._write(partial(people.forget_all, digests=digests, now=now)) if digests else 0

    def _note_erasure(self, digest: bytes) -> None:
        """Remember outside the ledger that somebody was erased, for when a copy from before is put back."""

    def _erasures(self) -> frozenset[bytes]:
        """The digests that were remembered so."""
        return frozenset()

    async def reseal(self) -> int:
        keys = self._keys
        return 0 if keys is None else await self._write(partial(sealing.reseal, keys=keys))

    @property
    def sealed(self) -> bool:
        return self._keys is not None

    async def dead(
        self,
        *,
        since: float | None = None,
        rule: str | None = None,
        event: str | None = None,
        connector: str | None = None,
        after: int = 0,
        limit: int,
    ) -> list[Delivery]:
        return await self._read(
            partial(replays.dead, since=since, rule=rule, event=event, connector=connector, after=after, limit=limit)
        )

    async def run(self, name: str) -> Run | None:
        return await self._read(partial(replays.run, name=name))

    async def amend(self, run: str, decide: DecideRun) -> int:
        return await self._write(partial(replays.amend, run=run, decide=decide))

    async def replan(
        self,
        event: str,
        decide: DecideAgain,
        *,
        now: float,
        windows: Windows,
        prefix: Callable[[str], str],
        keep: bool = True,
    ) -> Plan | None:
        return await self._write(
            partial(replays.replan, event=event, decide=decide, now=now, windows=windows, prefix=prefix, keep=keep)
        )

    async def rule_forms(self, versions: Collection[str]) -> list[tuple[str, str]]:
        return await self._read(partial(replays.rule_forms, versions=versions))

    async def standings(self) -> Mapping[str, Standing]:
        return await self._read(standing.standings)

    async def save_breaker(self, breaker: Standing) -> None:
        await self._write(partial(standing.save_breaker, standing=breaker))

    async def take_probe(self, connector: str, *, now: float, until: float) -> bool:
        return await self._write(partial(standing.take_probe, connector=connector, now=now, until=until))

    async def pause(self, connector: str, why: str, *, by: str, now: float) -> bool:
        return await self._write(partial(standing.pause, connector=connector, why=why, by=by, now=now))

    async def resume(self, connector: str) -> bool:
        return await self._write(partial(standing.resume, connector=connector))

    async def hasten(self, connector: str, *, now: float, limit: int) -> int:
        return await self._write(partial(standing.hasten, connector=connector, now=now, limit=limit))

    async def set_back(self, *, now: float) -> int:
        return await self._write(partial(standing.set_back, now=now))

    async def unanswered_texts(self, *, since: float, until: float) -> list[Event]:
        return await self._read(partial(conversation.unanswered_texts, since=since, until=until))

    async def doubtful_texts(self, *, since: float) -> list[Event]:
        return await self._read(partial(conversation.doubtful_texts, since=since))
