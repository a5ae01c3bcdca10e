"""The methods of the store protocol that only look."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.store.sql import arrivals, conversation, counts, pages, reading, sums, upkeep
from relay.store.sql.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.models import Attempt, Delivery, Event, Verdict
    from relay.store import RequestNote
    from relay.store.pages import Glance, Traffic
    from relay.store.pages import Standing as OfPerson


class SqlLooks(Transactions):
    """What people and figures ask of the ledger."""

    async def states(self) -> dict[str, int]:
        return await self._read(counts.states)

    async def oldest_due(self) -> float | None:
        return await self._read(reading.oldest_due)

    async def totals(self) -> dict[str, int]:
        return await self._read(counts.totals)

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

    async def texts(self, *, limit: int) -> list[dict[str, Any]]:
        return await self._read(partial(reading.texts, limit=limit))

    async def requests(self, *, limit: int, kind: str | None = None, before: int | None = None) -> list[RequestNote]:
        return await self._read(partial(arrivals.requests, limit=limit, kind=kind, before=before))

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

    async def unanswered_texts(self, *, since: float, until: float) -> list[Event]:
        return await self._read(partial(conversation.unanswered_texts, since=since, until=until))

    async def doubtful_texts(self, *, since: float) -> list[Event]:
        return await self._read(partial(conversation.doubtful_texts, since=since))

    async def without_ai(self, source: str, *, since: float, until: float) -> list[Event]:
        return await self._write(partial(upkeep.without_ai, source=source, since=since, until=until))
