"""The admin listener: readiness, metrics, and the ledger as JSON. Guarded by token, by host name, and by loopback."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from relay.deeds import BadDeed
from relay.errors import StoreBusy
from relay.models import State, iso

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from relay.deeds import Deeds
    from relay.metrics import Metrics
    from relay.models import Delivery, Event
    from relay.store import Store

log = structlog.get_logger(__name__)

OPEN = {"/healthz", "/readyz"}
"""Paths that need no token."""
PAGE = 50
_READING = {"GET", "HEAD", "OPTIONS"}
_COUNT = re.compile(r"[0-9]{1,15}")
_MOST = 500
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Admin:
    """Answers on the admin listener."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        token: str | None = None,
        view_token: str | None = None,
        hosts: Collection[str] = (),
        ready: Callable[[], list[str]] = list,
        deeds: Deeds | None = None,
    ) -> None:
        """`ready` answers why the relay is not ready: nothing when it is. `hosts` are names that reach it.

        Without `deeds` nothing can be changed from here.
        """
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._tokens = [_digest(value) for value in (token, view_token) if value]
        self._admin_token = _digest(token) if token else None
        self._deeds = deeds
        self._hosts = {"localhost", *hosts}
        self._ready = ready

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=64 * 1024, middlewares=[self._guard])
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/api/events", self.events)
        app.router.add_get("/api/events/{reference}", self.event)
        app.router.add_get("/api/deliveries", self.deliveries)
        app.router.add_get("/api/texts", self.texts)
        app.router.add_get("/api/refused", self.refused)
        app.router.add_post("/api/do/{deed}", self.do)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Every answer with the same careful headers, every error in one form, and none with a trace."""
        response = self._refuse(request)
        if response is None:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                if error.status < 400:  # noqa: PLR2004 - HTTP's own classes
                    raise
                response = _problem(error.status, error.reason, error.text or error.reason)
            except Exception:
                log.exception("an admin request could not be answered", path=request.path)
                response = _problem(500, "Internal error", "The relay made a mistake; its log says which.")
        response.headers.update(_HEADERS)
        return response

    def _refuse(self, request: web.Request) -> web.StreamResponse | None:
        """The answer to those who may not ask; None for everybody else."""
        if not self._known_host(request.host):
            return _problem(421, "Misdirected request", "This host name does not belong to the relay.")
        if self._tokens and request.path not in OPEN and not self._has_token(request):
            response = _problem(401, "Not signed in", "Send the admin token as a bearer token.")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if request.match_info.http_exception is None and request.method not in _READING and not self._may_act(request):
            return _problem(403, "Not allowed", "Changes need the admin token, and JSON that no other site sent.")
        return None

    def _may_act(self, request: web.Request) -> bool:
        """Whether a request may change something: with the full token if there is one, never from a foreign page."""
        if self._tokens and not (self._admin_token and self._has_token(request, [self._admin_token])):
            return False
        foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
        return request.content_type == "application/json" and not foreign

    def _known_host(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return True

    def _has_token(self, request: web.Request, tokens: Sequence[bytes] | None = None) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        digest = _digest(given.strip())
        matches = [hmac.compare_digest(digest, token) for token in (self._tokens if tokens is None else tokens)]
        return scheme.lower() == "bearer" and any(matches)

    async def healthz(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Whether the process answers at all."""
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Whether it does its work; with the reasons when not."""
        reasons = self._ready()
        return _json({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def do(self, request: web.Request) -> web.Response:
        """One deed of relay/deeds.py, told as JSON, as the command line does it."""
        if self._deeds is None:
            raise web.HTTPNotFound(text="Nothing can be changed from here.")
        try:
            given = await request.json()
            came = await self._deeds.do(request.match_info["deed"], given if isinstance(given, dict) else {})
        except (ValueError, BadDeed) as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        except StoreBusy as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        return _json(came)

    async def metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Figures for Prometheus."""
        states, oldest = await self._store.states(), await self._store.oldest_due()
        age = 0.0 if oldest is None else max(0.0, self._clock() - oldest)
        self._metrics.queue(states, State, age)
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def events(self, request: web.Request) -> web.Response:
        """Events, newest first; `before` is the `next` of the page before."""
        limit, before = _page(request)
        person = request.query.get("person")
        found = await self._store.events(limit=limit, before=before, person=person)
        return _json(
            {"events": [event_json(event) for event in found], "next": found[-1].seq if len(found) == limit else None}
        )

    async def event(self, request: web.Request) -> web.Response:
        """One event with its verdicts and deliveries."""
        found = await self._store.event(request.match_info["reference"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such event.")
        verdicts = await self._store.verdicts(found.id)
        owed = await self._store.deliveries(limit=_MOST, event=found.id)
        return _json(
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
        return _json(
            {
                "deliveries": [delivery_json(item) for item in found],
                "next": found[-1].seq if len(found) == limit else None,
            }
        )

    async def texts(self, request: web.Request) -> web.Response:
        """Texts, newest first."""
        limit, _ = _page(request)
        found = await self._store.texts(limit=limit)
        return _json({"texts": [{**text, "at": iso(text["at"])} for text in found], "next": None})

    async def refused(self, request: web.Request) -> web.Response:
        """Refused requests, newest first."""
        limit, _ = _page(request)
        found = await self._store.requests(limit=limit, kind="refused")
        notes = [{**asdict(note), "at": iso(note.at), "body": note.body.decode("utf-8", "replace")} for note in found]
        return _json({"refused": notes, "next": None})


def event_json(event: Event) -> dict[str, Any]:
    """An event for machines."""
    return event.public()


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery for machines; times in ISO 8601, the action without what is only the connector's."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "rule": delivery.rule,
        "step": delivery.step,
        "kind": delivery.kind,
        "connector": delivery.connector,
        "state": str(delivery.state),
        "reason": delivery.reason,
        "due_at": iso(delivery.due_at),
        "tries": delivery.tries,
        "shadow": delivery.shadow,
        "action": delivery.action,
        "receipt": delivery.receipt,
        "settled_at": iso(delivery.settled_at),
    }


def _page(request: web.Request) -> tuple[int, int | None]:
    limit, before = request.query.get("limit", str(PAGE)), request.query.get("before")
    if (
        not _COUNT.fullmatch(limit)
        or not 1 <= int(limit) <= _MOST
        or (before is not None and not _COUNT.fullmatch(before))
    ):
        raise web.HTTPBadRequest(text=f"limit is 1 to {_MOST}, before a number from an earlier page")
    return int(limit), None if before is None else int(before)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _json(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(body, default=str).encode(), content_type="application/json")


def _problem(status: int, title: str, detail: str) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/problem+json")
