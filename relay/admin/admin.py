"""The admin listener put together: its guard, and the table of what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.access import Access, Route, Sessions
from relay.admin.acting import Acting
from relay.admin.answers import json_answer
from relay.admin.auditing import Auditing
from relay.admin.guard import BODY_SECONDS, Guard
from relay.admin.health import Health
from relay.admin.openapi import describe
from relay.admin.reading import Reading
from relay.admin.signing_in import SigningIn
from relay.admin.standing import Standing
from relay.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from relay.admin.guard import Faces
    from relay.deeds import Deeds
    from relay.metrics import Metrics
    from relay.peers import Networks
    from relay.store import Store

BODY_MOST = 64 * 1024


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
        secure_hosts: Collection[str] = (),
        ready: Callable[[], list[str]] = list,
        deeds: Deeds | None = None,
        shown: Callable[[], Shown] = Shown,
        faces: Faces | None = None,
        pages: Iterable[Route] = (),
        trusted: Networks = (),
        ended: Callable[[], None] = lambda: None,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """`ready` answers why the relay is not ready: nothing when it is. `hosts` are names that reach it.

        Without `deeds` nothing can be changed from here; without `faces` and `pages` there is nothing to look at.
        `trusted` are the proxies whose word on an address counts.
        `ended` is called when the listener closes, so that streams end.
        """
        access, sessions = Access(token, view_token), Sessions(clock)
        parts = (Health(store, metrics, clock, ready), Reading(store), Standing(store, clock, shown), Auditing(store))
        acting = Acting(store, deeds, clock)
        own = Route("GET", "/openapi.json", self.openapi, "This description.")
        signing_in = None if faces is None else SigningIn(access, sessions, faces)
        self.routes = (
            *(route for part in parts for route in part.routes()),
            *acting.routes(),
            own,
            *(() if signing_in is None else signing_in.routes()),
            *pages,
        )
        self._guard = Guard(
            access,
            sessions,
            hosts=hosts,
            secure_hosts=secure_hosts,
            routes=self.routes,
            faces=faces,
            trusted=trusted,
            body_seconds=body_seconds,
        )
        self._ended = ended
        if signing_in is not None:
            signing_in.guard = self._guard

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_MOST, middlewares=[self._guard.middleware])
        app.on_response_prepare.append(self._guard.headers)
        app.on_shutdown.append(self._end)
        for route in self.routes:
            methods = ("GET", "HEAD") if route.method == "GET" and not route.live else (route.method,)
            for method in methods:
                app.router.add_route(method, route.path, route.handler)
        return app

    async def _end(self, _: web.Application) -> None:
        self._ended()

    async def openapi(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """The description of what machines may ask."""
        return json_answer(describe(self.routes))
