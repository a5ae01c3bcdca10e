"""The methods of the store protocol that an event passes through: at the door, planned, claimed, settled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.store.sql import (
    arrivals,
    claiming,
    memories,
    planning,
    reading,
    replays,
    settling,
    standing,
    texts,
    unconfirmed,
)
from relay.store.sql.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from relay.models import Delivery, Event, Standing
    from relay.store import (
        Accepted,
        Claimed,
        DecidePlan,
        DecideRipe,
        DecideText,
        Follow,
        ForeignText,
        Merge,
        Planned,
        RequestNote,
        Settlement,
        Taken,
        TextAddress,
        Want,
        Windows,
        Wish,
    )


class SqlWork(Transactions):
    """What the door, the planner and the worker ask of the ledger."""

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
        planned = await self.plan_and_take(
            decide, {}, now=now, config=config, windows=windows, prefix=prefix, limit=limit
        )
        return planned.events

    async def plan_and_take(
        self,
        decide: DecidePlan,
        wants: Mapping[str, Want],
        *,
        now: float,
        config: str,
        windows: Windows,
        prefix: Callable[[str], str],
        limit: int,
    ) -> Planned:
        told: dict[str, Any] = {"now": now, "config": config, "windows": windows, "prefix": prefix, "limit": limit}
        return await self._write(partial(planning.plan, decide=decide, wants=wants, **told))

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

    async def give_back(self, deliveries: Sequence[Delivery]) -> int:
        return await self._write(partial(claiming.give_back, deliveries=deliveries))

    async def free_leases(self, *, now: float, settle: float, everything: bool) -> int:
        return await self._write(partial(claiming.free_leases, now=now, settle=settle, everything=everything))

    async def next_due_at(self, connectors: Sequence[str], *, now: float, unknown: bool = True) -> float | None:
        return await self._write(partial(claiming.next_due_at, connectors=connectors, now=now, unknown=unknown))

    async def save_rule(self, version: str, name: str, form: str, now: float) -> None:
        await self._write(partial(reading.save_rule, version=version, name=name, form=form, now=now))

    async def owed_versions(self) -> list[tuple[str, str]]:
        return await self._write(reading.owed_versions)

    async def rule_forms(self, versions: Collection[str]) -> list[tuple[str, str]]:
        return await self._read(partial(replays.rule_forms, versions=versions))

    async def owed_connectors(self) -> set[str]:
        return await self._write(reading.owed_connectors)

    async def bury(self, connector: str, reason: str, *, now: float) -> int:
        return await self._write(partial(settling.bury, connector=connector, reason=reason, now=now))

    async def memories(self, connector: str, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
        return await self._read(partial(memories.memories, connector=connector, keys=keys))

    async def unconfirmed(self, *, limit: int) -> list[Event]:
        return await self._read(partial(unconfirmed.unconfirmed, limit=limit))

    async def confirm(self, event: Event) -> None:
        await self._write(partial(unconfirmed.confirm, event=event))

    async def standings(self) -> Mapping[str, Standing]:
        return await self._read(standing.standings)

    async def save_breaker(self, breaker: Standing) -> None:
        await self._write(partial(standing.save_breaker, standing=breaker))

    async def take_probe(self, connector: str, *, now: float, until: float) -> bool:
        return await self._write(partial(standing.take_probe, connector=connector, now=now, until=until))

    async def hasten(self, connector: str, *, now: float, limit: int) -> int:
        return await self._write(partial(standing.hasten, connector=connector, now=now, limit=limit))

    async def set_back(self, *, now: float) -> int:
        return await self._write(partial(standing.set_back, now=now))
