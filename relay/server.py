"""The public listener: webhooks in, and a word on whether the relay lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic_core import to_json

from relay import failpoints
from relay.intake import Reply
from relay.listening import listen
from relay.peers import sender
from relay.problems import SERVER, problem
from relay.taken import Taken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.intake import Intake, Source
    from relay.listening import Handler
    from relay.peers import Networks

__all__ = ["BODY_MOST", "BODY_SECONDS", "Door", "guard", "healthz", "listen"]

Request = TypeVar("Request", bound=web.BaseRequest)

log = structlog.get_logger(__name__)

_HOOKS = "/hooks/"
_AS_JSON = {"Content-Type": "application/json", **SERVER}
BODY_MOST = 256 * 1024
BODY_SECONDS = 10.0
_RETRY = {429: {"Retry-After": "1"}, 503: {"Retry-After": "30"}}


class Door:
    """Answers on the public listener. `sources` may be swapped while it runs."""

    def __init__(
        self,
        intake: Intake,
        sources: Mapping[str, Source],
        trusted: Networks = (),
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """`trusted` are the proxies whose word on the sender's address counts."""
        self.sources = sources
        self.draining = False
        self._intake = intake
        self._trusted = trusted
        self._body_seconds = body_seconds

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_MOST, middlewares=[guard])
        app.router.add_route("*", "/hooks/{source}", self.receive)
        app.router.add_get("/healthz", healthz)
        return app

    def quickly(self, otherwise: Handler) -> Handler:
        """The handler of the whole listener: webhooks to a plain address past the router, all else by `otherwise`."""

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            path = request.raw_path
            source = self.sources.get(path[len(_HOOKS) :]) if path.startswith(_HOOKS) else None
            if source is None or "Expect" in request.headers:
                return await otherwise(request)
            return await self._take(source, request)

        return lambda request: guard(request, handle)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """One webhook."""
        source = self.sources.get(request.match_info["source"])
        if source is None:
            return self._refused(request, 404, "unknown", "unknown source")
        return await self._take(source, request)

    async def _take(self, source: Source, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return self._refused(request, 405, source.name, f"method {request.method}", {"Allow": "POST"})
        if self.draining:
            return self._answer(Reply(503, detail="the relay is stopping; send it again"))
        if request.content_type != "application/json" and not request.content_type.endswith("+json"):
            return self._refused(request, 415, source.name, f"content type {request.content_type}")
        if "Content-Encoding" in request.headers:
            return self._refused(request, 415, source.name, "a compressed body")
        try:
            body = await self._read(request)
        except TimeoutError:
            return _last(self._refused(request, 408, source.name, f"no whole body within {self._body_seconds:g} s"))
        except web.HTTPRequestEntityTooLarge:
            return _last(self._refused(request, 413, source.name, f"a body larger than {BODY_MOST} bytes"))
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            return _last(self._refused(request, 400, source.name, "the body broke off or was badly framed"))
        failpoints.reach("webhook_read")
        reply = await self._intake.webhook(source, list(request.headers.items()), body, self._address(request))
        if reply.event is not None and request.version == HttpVersion11:
            return Taken(reply.status, to_json({"event": reply.event, "duplicate": reply.duplicate}))
        return self._answer(reply)

    async def _read(self, request: web.BaseRequest) -> bytes:
        if request.content.is_eof():  # it is all here; the clock need not be set
            body = request.content.read_nowait()
            if len(body) > BODY_MOST:
                raise web.HTTPRequestEntityTooLarge(BODY_MOST, len(body))
            return body
        if (announced := request.content_length or 0) > BODY_MOST:
            raise web.HTTPRequestEntityTooLarge(BODY_MOST, announced)
        async with asyncio.timeout(self._body_seconds):
            return await request.read()

    def _answer(self, reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
        if reply.status >= 400:  # noqa: PLR2004 - HTTP's own classes
            return problem(reply.status, reply.detail, {**_RETRY.get(reply.status, {}), **(headers or {})})
        if reply.event is None:
            return _json(reply.status, {"event": None})
        return _json(reply.status, {"event": reply.event, "duplicate": reply.duplicate})

    def _refused(
        self, request: web.BaseRequest, status: int, source: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """Refuse before the body is looked at."""
        sent = list(request.headers.items())
        return self._answer(self._intake.refuse(status, source, reason, self._address(request), sent, b""), headers)

    def _address(self, request: web.BaseRequest) -> str:
        return sender(request.remote, request.headers.getall("X-Forwarded-For", []), self._trusted)


def _last(response: web.Response) -> web.Response:
    """Close the connection behind it: what is still to come of the request is not wanted."""
    response.force_close()
    return response


@web.middleware
async def guard(request: Request, handler: Callable[[Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Every error in one form, and none with a trace."""
    if request.version not in (HttpVersion10, HttpVersion11):
        return _last(problem(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here."))
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - HTTP's own classes
            raise
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, error.reason, allowed)
    except Exception:
        log.exception("a request could not be answered", path=request.path)
        return problem(500, "The relay made a mistake; its log says which.")


async def healthz(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp hands it over
    """Whether the process answers at all."""
    return web.Response(text="ok\n")


def _json(status: int, body: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=to_json(body), headers=_AS_JSON)
