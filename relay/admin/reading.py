"""What happened, as JSON: events, deliveries, texts, requests that made no event."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.access import Parameter, Route
from relay.access.places import place_after
from relay.admin.answers import json_answer
from relay.admin.paging import (
    BEFORE,
    LIMIT,
    PLACE,
    limit_of,
    next_of,
    number_asked,
    page,
    place,
)
from relay.models import State, iso
from relay.trace import attempt_json, delivery_json, read_trace

if TYPE_CHECKING:
    from relay.store import RequestNote, Store

_HELD = 10_000
"""Events in quarantine that are looked at."""
_PERSON = Parameter("person", "A caller's number.", {"type": "string", "maxLength": 100})
_NUMBER = Parameter("number", "One of the business's numbers.", {"type": "string", "maxLength": 100})
_TYPE = Parameter("type", "A type of event.", {"type": "string", "pattern": "^[a-z_.]{1,64}$"})
_STATE = Parameter("state", "Only those in this state.", {"enum": [str(state) for state in State]})
_REFERENCE = Parameter("reference", "An event's id, its call's id, or `last`.", place="path")
_ID = Parameter("id", "A delivery's id.", place="path")
_KIND = Parameter("kind", "refused, or test.", {"enum": ["refused", "test"]})
_TYPES = re.compile(r"[a-z_.]{1,64}")


class Reading:
    """What can be read of what happened."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        get = "GET"
        return (
            Route(
                get,
                "/api/events",
                self.events,
                "Events, newest first.",
                asks=(LIMIT, BEFORE, _PERSON, _NUMBER, _TYPE),
                answer=_list_of("events"),
                fails=(400,),
            ),
            Route(
                get,
                "/api/events/{reference}",
                self.event,
                "One event: its verdicts, deliveries and tries; a `step` counts from 0.",
                asks=(_REFERENCE,),
                answer=_object("event", "verdicts", "deliveries", "call"),
                fails=(404,),
            ),
            Route(
                get,
                "/api/deliveries",
                self.deliveries,
                "Deliveries, newest first; a `step` counts from 0.",
                asks=(LIMIT, BEFORE, _STATE),
                answer=_list_of("deliveries"),
                fails=(400,),
            ),
            Route(
                get,
                "/api/deliveries/{id}",
                self.delivery,
                "One delivery with its tries; its `step` counts from 0.",
                asks=(_ID,),
                answer=_object("id", "state", "attempts"),
                fails=(404,),
            ),
            Route(
                get,
                "/api/texts",
                self.texts,
                "Texts, newest first.",
                asks=(LIMIT, PLACE, _PERSON),
                answer=_list_of("texts"),
                fails=(400,),
            ),
            Route(
                get,
                "/api/requests",
                self.requests,
                "Requests that made no event, newest first.",
                asks=(LIMIT, BEFORE, _KIND),
                answer=_list_of("requests"),
                fails=(400,),
            ),
            Route(
                get,
                "/api/refused",
                self.refused,
                "Refused requests, newest first.",
                asks=(LIMIT, BEFORE),
                answer=_list_of("refused"),
                fails=(400,),
            ),
            Route(
                get,
                "/api/quarantine",
                self.quarantine,
                "Events that wait for somebody to release them.",
                asks=(LIMIT, BEFORE),
                answer=_list_of("events"),
                fails=(400,),
            ),
        )

    async def events(self, request: web.Request) -> web.Response:
        """Events, newest first; `before` is the `next` of the page before."""
        limit, before = page(request)
        kind = request.query.get("type")
        if kind is not None and not _TYPES.fullmatch(kind):
            raise web.HTTPBadRequest(text="type is a type of event, like call.missed")
        found = await self._store.events(
            limit=limit,
            before=before,
            person=number_asked(request, "person"),
            number=number_asked(request, "number"),
            kind=kind,
        )
        return json_answer({"events": [event.public() for event in found], "next": next_of(found, limit)})

    async def event(self, request: web.Request) -> web.Response:
        """One event with its verdicts, deliveries and tries."""
        trace = await read_trace(self._store, request.match_info["reference"])
        if trace is None:
            raise web.HTTPNotFound(text="There is no such event.")
        return json_answer(trace.public())

    async def deliveries(self, request: web.Request) -> web.Response:
        """Deliveries, newest first."""
        limit, before = page(request)
        state = request.query.get("state")
        if state is not None and state not in set(State):
            raise web.HTTPBadRequest(text=f"state is one of {', '.join(State)}")
        found = await self._store.deliveries(limit=limit, state=state, before=before)
        return json_answer({"deliveries": [delivery_json(item) for item in found], "next": next_of(found, limit)})

    async def delivery(self, request: web.Request) -> web.Response:
        """One delivery with its tries."""
        found = await self._store.delivery(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such delivery.")
        tries = [attempt_json(tried) for tried in await self._store.attempts(found.id)]
        return json_answer({**delivery_json(found), "attempts": tries})

    async def texts(self, request: web.Request) -> web.Response:
        """Texts, newest first."""
        limit = limit_of(request)
        person = number_asked(request, "person")
        found = await self._store.texts_page(limit=limit, before=place(request), person=person)
        told = [{**text, "at": iso(text["at"])} for text in found]
        return json_answer({"texts": told, "next": place_after(found, limit)})

    async def requests(self, request: web.Request) -> web.Response:
        """Requests that made no event, newest first."""
        kind = request.query.get("kind")
        if kind not in {None, "refused", "test"}:
            raise web.HTTPBadRequest(text="kind is refused or test")
        return await self._requests(request, kind, "requests")

    async def refused(self, request: web.Request) -> web.Response:
        """Refused requests, newest first."""
        return await self._requests(request, "refused", "refused")

    async def _requests(self, request: web.Request, kind: str | None, name: str) -> web.Response:
        limit, before = page(request)
        found = await self._store.requests(limit=limit, kind=kind, before=before)
        return json_answer({name: [request_json(note) for note in found], "next": next_of(found, limit)})

    async def quarantine(self, request: web.Request) -> web.Response:
        """Events that a rule holds back until somebody has looked."""
        limit, before = page(request)
        held = await self._store.quarantined(limit=_HELD)
        found = [event for event in held if before is None or event.seq < before][:limit]
        return json_answer({"events": [event.public() for event in found], "next": next_of(found, limit)})


def request_json(note: RequestNote) -> dict[str, Any]:
    """A request that made no event."""
    return {**asdict(note), "at": iso(note.at), "body": note.body.decode("utf-8", "replace")}


def _list_of(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name, "next"],
        "properties": {
            name: {"type": "array", "items": {"type": "object"}},
            "next": {"type": ["integer", "string", "null"], "description": "`before` of the next page."},
        },
    }


def _object(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names)}
