"""What all stand-ins share: a server on loopback, a record of every request, and faults on request."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from random import Random

    from multidict import CIMultiDictProxy

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ACTED = 0.5
"""Share of the faults at random that lose the answer rather than the request."""
_KINDS = ("status", "reset", "html", "hang")
_REFUSED = 400
LARGEST_BODY = 16 * 1024 * 1024
HTML_PAGE = "<!doctype html><title>Sign in</title><p>Please sign in to the guest network."


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in; `status` is what was answered, 0 when the connection was cut instead."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        """The body as JSON; ValueError when it is something else."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: `kind` is status, reset, hang or html; none lets a request pass."""

    kind: str
    where: str = ""
    """Strikes only requests whose "METHOD /path" holds this text."""
    acted: bool = False
    """True when the service does what it was asked and only the answer is lost."""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)


class StandIn:
    """A pretend service; a subclass names its `routes` and keeps what it accepted."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        """Every request, those that were struck by a fault included."""
        self.down = False
        """While True, everything is answered 503 and nothing is done."""
        self.lost = 0
        """Answers that were lost after the service had done what it was asked."""
        self._faults: deque[Fault] = deque()
        self._share = 0.0
        self._dice: Random | None = None
        self._hangs = 0
        self._stopping = asyncio.Event()
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._url = ""

    def routes(self) -> list[web.RouteDef]:
        """What this service answers."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Address without a slash at its end; empty before the start."""
        return self._url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes any free one."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._watch])
        app.add_routes(self.routes())
        self._stopping.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, keepalive_timeout=15)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and let go of whatever hangs; what was kept stays readable."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def may_hang(self) -> bool:
        """Whether the request that comes next may be one that is never answered."""
        for fault in self._faults:
            if fault.kind == "hang" or not fault.where:
                return fault.kind == "hang"
        return False

    def fail_next(
        self,
        times: int = 1,
        status: int = 500,
        headers: Mapping[str, str] | None = None,
        *,
        where: str = "",
        acted: bool = False,
    ) -> None:
        """Answer the next requests with a status of your choosing."""
        self._plan(times, Fault("status", where, acted, status, headers or {}))

    def reset_next(self, times: int = 1, *, where: str = "", acted: bool = False) -> None:
        """Cut the connection of the next requests, before acting on them or after."""
        self._plan(times, Fault("reset", where, acted))

    def hang_next(self, times: int = 1, *, where: str = "", acted: bool = False) -> None:
        """Never answer the next requests."""
        self._plan(times, Fault("hang", where, acted))

    def html_next(self, times: int = 1, *, where: str = "", acted: bool = False) -> None:
        """Answer the next requests 200 with a web page, as a guest network or a proxy does."""
        self._plan(times, Fault("html", where, acted))

    def trouble(self, share: float, dice: Random, *, hangs: int) -> None:
        """Let this share of all requests go wrong, each in one of the ways above; `no_more_faults` ends it.

        Of those that are never answered there are `hangs` at most, as each costs whoever asked its whole patience.
        """
        self._share, self._dice, self._hangs = share, dice, hangs

    def let_next(self, times: int = 1) -> None:
        """Let the next requests pass, before whatever is planned after this."""
        self._plan(times, Fault("none"))

    def no_more_faults(self) -> None:
        """Forget the faults that have not struck yet."""
        self._faults.clear()
        self._share = 0.0

    async def wait_for(self, done: Callable[[], bool], seconds: float = 300.0) -> None:
        """Come back once `done()` is true, looking again after each request; TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(done)

    def _plan(self, times: int, fault: Fault) -> None:
        self._faults.extend([fault] * times)

    def _strike(self, request: web.Request) -> Fault | None:
        if self.down:
            return Fault("status", status=503)
        line = f"{request.method} {request.path}"
        for fault in self._faults:
            if fault.where in line:
                self._faults.remove(fault)
                return None if fault.kind == "none" else fault
        if self._dice is None or self._dice.random() >= self._share:
            return None
        kind = self._dice.choice(_KINDS if self._hangs else _KINDS[:-1])
        self._hangs -= kind == "hang"
        status = self._dice.choice((429, 500, 502, 503))
        return Fault(kind, acted=self._dice.random() < _ACTED, status=status)

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            body = await request.read()
        except (HttpProcessingError, ConnectionError):
            return web.Response(status=400)
        fault = self._strike(request)
        answer: web.StreamResponse | None = None
        if fault is None or fault.acted:
            answer = await _answered(handler, request)
            self.lost += fault is not None and answer.status < _REFUSED
        if fault is not None:
            answer = await self._faulty(fault, request)
        await self._keep(request, body, answer.status if answer is not None else 0)
        return answer if answer is not None else web.Response()

    async def _faulty(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        match fault.kind:
            case "status":
                return web.Response(status=fault.status, headers=fault.headers, text="made to fail")
            case "html":
                return web.Response(text=HTML_PAGE, content_type="text/html")
            case "hang":
                await self._stopping.wait()
        if request.transport is not None:
            request.transport.abort()
        return None

    async def _keep(self, request: web.Request, body: bytes, status: int) -> None:
        received = Received(request.method, request.path, dict(request.query), request.headers, body, status)
        async with self._came:
            self.requests.append(received)
            self._came.notify_all()


async def _answered(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refused:
        return web.json_response({"error": refused.reason}, status=refused.status)
