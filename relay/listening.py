"""Listeners: bounded in what a head may hold, how long anybody may stand there, and how many may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from relay.crowd import Crowd, room
from relay.problems import problem

if TYPE_CHECKING:
    from relay.peers import Networks

log = structlog.get_logger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
BACKLOG = 1024
KEEPALIVE = 15.0
"""Seconds after which whoever asks nothing is disconnected, before its first request too."""
LINGER = 2.0
"""Seconds for which the rest of a refused request is read and thrown away, so that its sender sees the answer."""
SHUTDOWN = 25.0


class _Guest(web.RequestHandler):
    """One connection."""

    def __init__(self, server: web.Server, crowd: Crowd[_Guest], **options: Any) -> None:
        super().__init__(server, **options)
        self._crowd = crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Come in, at the expense of whoever stands there longest where there is no more room."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) and peer else "unknown"
        goes = self._crowd.enter(self, address, self._loop.time())
        if goes is not None and goes.transport is not None:
            goes.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Go."""
        self._crowd.leave(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature; it quotes what a stranger wrote
    ) -> web.StreamResponse:
        """What is no sound HTTP is refused in the form of every refusal, and told of in one line."""
        log.debug("a request that is no sound HTTP was refused", status=status, why=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        response = problem(status, "This is no sound HTTP request.")
        response.force_close()
        return response


class _Site(web.BaseSite):
    """An address that is listened on."""

    def __init__(self, runner: web.AppRunner, connected: Callable[[], asyncio.Protocol], host: str, port: int) -> None:
        super().__init__(runner)
        self._connected = connected
        self._place = (host, port)

    @property
    def name(self) -> str:
        """Where it is."""
        return f"http://{self._place[0]}:{self._place[1]}"

    async def start(self) -> None:
        """Listen."""
        await super().start()
        host, port = self._place
        self._server = await asyncio.get_running_loop().create_server(self._connected, host, port, backlog=BACKLOG)


async def listen(
    app: web.Application,
    host: str,
    port: int,
    *,
    linger: float = LINGER,
    way: Callable[[Handler], Handler] = lambda handler: handler,
    keepalive: float = KEEPALIVE,
    proxies: Networks = (),
) -> tuple[web.AppRunner, int]:
    """Serve an application; answers its runner and the port, which the system chose where 0 was asked for.

    `way` may put a shorter way in front of the application's own handler; `proxies` may hold any number of connections.

    Raises:
        OSError: the address cannot be listened on.
    """
    app.on_response_prepare.append(_without_server)
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,
        "keepalive_timeout": keepalive,
        "lingering_time": linger,
        "max_line_size": 8190,
        "max_field_size": 8190,
        "max_headers": 64,
    }
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN, handler_cancellation=False, **options)
    await runner.setup()
    served = runner.server
    if not isinstance(served, web.Server):
        raise TypeError("aiohttp serves applications by a Server")  # pragma: no cover
    loop, crowd = asyncio.get_running_loop(), Crowd[_Guest](room(), spared=proxies)
    answer = way(served.request_handler)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, _Guest):
            crowd.asks(request.protocol, loop.time())
        if request.headers.get("Expect", "100-continue").lower() != "100-continue":
            return problem(417, "Of what a request may expect, only 100-continue is known here.")
        return await answer(request)

    served.request_handler = handle
    try:
        await _Site(runner, lambda: _Guest(served, crowd, loop=loop, **options), host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


async def _without_server(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 - aiohttp's signature
    """Nobody is told which programs answer, and in which version."""
    response.headers.popall("Server", None)
