"""The admin listener put together: its guard, and the table of what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.admin.acting import Acting
from relay.admin.guard import Guard
from relay.admin.health import Health
from relay.admin.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from relay.deeds import Deeds
    from relay.metrics import Metrics
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
        ready: Callable[[], list[str]] = list,
        deeds: Deeds | None = None,
    ) -> None:
        """`ready` answers why the relay is not ready: nothing when it is. `hosts` are names that reach it.

        Without `deeds` nothing can be changed from here.
        """
        parts = (Health(store, metrics, clock, ready), Reading(store), Acting(deeds))
        self.routes = tuple(route for part in parts for route in part.routes())
        open_paths = {route.path for route in self.routes if route.open}
        self._guard = Guard(token=token, view_token=view_token, hosts=hosts, open_paths=open_paths)

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_MOST, middlewares=[self._guard.middleware])
        for route in self.routes:
            methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
            for method in methods:
                app.router.add_route(method, route.path, route.handler)
        return app
