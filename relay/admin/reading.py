"""The ledger as JSON."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from relay.admin.answers import json_answer
from relay.admin.route import Route
from relay.admin.shapes import delivery_json, event_json
from relay.models import State, iso

if TYPE_CHECKING:
    from relay.store import Store

PAGE = 50
_COUNT = re.compile(r"[0-9]{1,15}")
_MOST = 500


class Reading:
    """What can be read of the ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        return (
            Route("GET", "/api/events", self.events, "Events, newest first."),
            Route("GET", "/api/events/{reference}", self.event, "One event with its verdicts and deliveries."),
            Route("GET", "/api/deliveries", self.deliveries, "Deliveries, newest first."),
            Route("GET", "/api/texts", self.texts, "Texts, newest first."),
            Route("GET", "/api/refused", self.refused, "Refused requests, newest first."),
        )

    async def events(self, request: web.Request) -> web.Response:
        """Events, newest first; `before` is the `next` of the page before."""
        limit, before = _page(request)
        person = request.query.get("person")
        found = await self._store.events(limit=limit, before=before, person=person)
        return json_answer(
            {"events": [event_json(event) for event in found], "next": found[-1].seq if len(found) == limit else None}
        )

    async def event(self, request: web.Request) -> web.Response:
        """One event with its verdicts and deliveries."""
        found = await self._store.event(request.match_info["reference"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such event.")
        verdicts = await self._store.verdicts(found.id)
        owed = await self._store.deliveries(limit=_MOST, event=found.id)
        return json_answer(
            {
                "event": event_json(found),
                "verdicts": None if verdicts is None else [asdict(verdict) for verdict in verdicts],
                "deliveries": [delivery_json(delivery) for delivery in owed],
            }
        )

    async def deliveries(self, request: web.Request) -> web.Response:
        """Deliveries, newest first."""
        limit, before = _page(request)
        state = request.query.get("state")
        if state is not None and state not in set(State):
            raise web.HTTPBadRequest(text=f"state is one of {', '.join(State)}")
        found = await self._store.deliveries(limit=limit, state=state, before=before)
        return json_answer(
            {
                "deliveries": [delivery_json(item) for item in found],
                "next": found[-1].seq if len(found) == limit else None,
            }
        )

    async def texts(self, request: web.Request) -> web.Response:
        """Texts, newest first."""
        limit, _ = _page(request)
        found = await self._store.texts(limit=limit)
        return json_answer({"texts": [{**text, "at": iso(text["at"])} for text in found], "next": None})

    async def refused(self, request: web.Request) -> web.Response:
        """Refused requests, newest first."""
        limit, _ = _page(request)
        found = await self._store.requests(limit=limit, kind="refused")
        notes = [{**asdict(note), "at": iso(note.at), "body": note.body.decode("utf-8", "replace")} for note in found]
        return json_answer({"refused": notes, "next": None})


def _page(request: web.Request) -> tuple[int, int | None]:
    limit, before = request.query.get("limit", str(PAGE)), request.query.get("before")
    if (
        not _COUNT.fullmatch(limit)
        or not 1 <= int(limit) <= _MOST
        or (before is not None and not _COUNT.fullmatch(before))
    ):
        raise web.HTTPBadRequest(text=f"limit is 1 to {_MOST}, before a number from an earlier page")
    return int(limit), None if before is None else int(before)
