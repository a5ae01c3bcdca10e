"""Whether the relay lives, whether it does its work, and its figures."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aiohttp import web

import relay
from relay.access import Route
from relay.admin.answers import json_answer
from relay.models import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.metrics import Metrics
    from relay.store import Store


class Health:
    """What machines ask that watch the relay."""

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], float], ready: Callable[[], list[str]]
    ) -> None:
        """`ready` answers why the relay is not ready: nothing when it is."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._ready = ready

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        lives, works = "Whether the process answers at all.", "Whether the relay does its work, and why not."
        return (
            Route("GET", "/healthz", self.healthz, lives, open=True, tells="text/plain"),
            Route("GET", "/readyz", self.readyz, works, open=True, fails=(503,)),
            Route("GET", "/metrics", self.metrics, "Figures for Prometheus.", tells="text/plain"),
            Route("GET", "/version", self.version, "Which relay this is."),
        )

    async def healthz(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Whether the process answers at all."""
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Whether it does its work; with the reasons when not."""
        reasons = self._ready()
        return json_answer({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def version(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Which relay this is."""
        return json_answer({"version": relay.__version__, "python": platform.python_version()})

    async def metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """Figures for Prometheus."""
        states, oldest = await self._store.states(), await self._store.oldest_due()
        age = 0.0 if oldest is None else max(0.0, self._clock() - oldest)
        self._metrics.queue(states, State, age)
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )
