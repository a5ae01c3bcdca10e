"""The public listener: webhooks in, and a word on whether the relay lives."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import TYPE_CHECKING, Any

from aiohttp import HttpVersion10, HttpVersion11, web

from relay.intake import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.http import AnyNetwork
    from relay.intake import Intake, Source

BODY_MOST = 256 * 1024
BODY_SECONDS = 10.0
KEEPALIVE = 15.0
SHUTDOWN = 25.0
_TITLES = {
    400: "Bad request",
    401: "Not proved",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    413: "Too large",
    415: "Unsupported media type",
    421: "Misdirected request",
    422: "Not an event",
    429: "Too many refused requests",
    500: "Internal error",
    503: "Unavailable",
}
_RETRY = {429: {"Retry-After": "1"}, 503: {"Retry-After": "30"}}
# Said of every refusal alike: a stranger learns nothing from the words.
_DETAILS = {
    401: "The sender did not prove itself. See the relay's list of refused requests for the reason.",
    404: "There is nothing at this address.",
}


class Door:
    """Answers on the public listener. `sources` may be swapped while it runs."""

    def __init__(self, intake: Intake, sources: Mapping[str, Source], trusted: tuple[AnyNetwork, ...] = ()) -> None:
        self.sources = sources
        self.draining = False
        self._intake = intake
        self._trusted = trusted

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_MOST, middlewares=[guard])
        app.router.add_route("*", "/hooks/{source}", self.receive)
        app.router.add_get("/healthz", healthz)
        return app

    async def receive(self, request: web.Request) -> web.Response:
        """One webhook."""
        source = self.sources.get(request.match_info["source"])
        if source is None:
            return self._refused(request, 404, "unknown", "unknown source")
        if request.method != "POST":
            return self._refused(request, 405, source.name, f"method {request.method}", {"Allow": "POST"})
        if self.draining:
            return self._answer(Reply(503, detail="the relay is stopping; send it again"))
        if request.content_type != "application/json" and not request.content_type.endswith("+json"):
            return self._refused(request, 415, source.name, f"content type {request.content_type}")
        if "Content-Encoding" in request.headers:
            return self._refused(request, 415, source.name, "a compressed body")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            response = self._refused(request, 408, source.name, f"the body took longer than {BODY_SECONDS:g} s")
            response.force_close()
            return response
        except web.HTTPRequestEntityTooLarge:
            return self._refused(request, 413, source.name, f"a body larger than {BODY_MOST} bytes")
        reply = await self._intake.webhook(source, list(request.headers.items()), body, self._address(request))
        return self._answer(reply)

    def _answer(self, reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
        if reply.status >= 400:  # noqa: PLR2004 - HTTP's own classes
            return problem(reply.status, reply.detail, {**_RETRY.get(reply.status, {}), **(headers or {})})
        if reply.event is None:
            return _json(reply.status, {"event": None})
        return _json(reply.status, {"event": reply.event, "duplicate": reply.duplicate})

    def _refused(
        self, request: web.Request, status: int, source: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """Refuse before the body is looked at."""
        sent = list(request.headers.items())
        return self._answer(self._intake.refuse(status, source, reason, self._address(request), sent, b""), headers)

    def _address(self, request: web.Request) -> str:
        """The sender's address: the last one that no trusted proxy wrote."""
        peer = request.remote or "unknown"
        if not self._trusts(peer):
            return peer
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        return next((hop for hop in reversed(hops) if not self._trusts(hop)), peer)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted if network.version == parsed.version)


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every error in one form, and none with a trace."""
    if request.version not in (HttpVersion10, HttpVersion11):
        response = problem(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        response.force_close()
        return response
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - HTTP's own classes
            raise
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, error.reason, allowed)


async def healthz(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp hands it over
    """Whether the process answers at all."""
    return web.Response(text="ok\n")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error as application/problem+json (RFC 9457)."""
    body: dict[str, Any] = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status}
    body["detail"] = _DETAILS.get(status, detail)
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/problem+json", headers=headers
    )


def _json(status: int, body: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


async def listen(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve an application; answers its runner and the port, which the system chose where 0 was asked for.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE,
        shutdown_timeout=SHUTDOWN,
        handler_cancellation=False,
        max_line_size=8190,
        max_field_size=8190,
        max_headers=64,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    server = site._server  # noqa: SLF001 - aiohttp offers no public way to the bound port
    bound: int = server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    return runner, bound
