"""A stand-in for any receiver of webhooks: it takes whatever comes, on any path."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.standins.server import StandIn


class SinkStandIn(StandIn):
    """Answers `status` and `answer` to everything; `requests` holds method, path, headers and raw body."""

    def __init__(self, *, status: int = 200, answer: Any = None) -> None:
        super().__init__()
        self.status = status
        self.answer = {"ok": True} if answer is None else answer
        """Sent as JSON; bytes are sent as they are."""
        self.bodies: list[bytes] = []
        """What was taken in; a request that a fault struck before it was acted on is only among `requests`."""

    def routes(self) -> list[web.RouteDef]:
        """Every method on every path."""
        return [web.route("*", "/{anything:.*}", self._take)]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if request.method != "OPTIONS":
            self.bodies.append(await request.read())
        if isinstance(self.answer, bytes):
            return web.Response(status=self.status, body=self.answer)
        return web.json_response(self.answer, status=self.status)
