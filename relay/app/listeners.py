"""The addresses that a relay listens on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import http_parser

from relay import server
from relay.settings.forms import read_address

if TYPE_CHECKING:
    from aiohttp import web

log = structlog.get_logger(__name__)


class Listeners:
    """What listens, from its opening to its close."""

    def __init__(self, own: set[tuple[str, int]]) -> None:
        """`own` is told of every (host, port), so that no request of the relay's own reaches it."""
        self._own = own
        self._runners: list[web.AppRunner] = []

    async def open(self, app: web.Application, address: str, **manners: Any) -> int:
        """Listen on an address (`host:port`); answers the port. `manners` are those of `server.listen`.

        Raises:
            OSError: the address cannot be listened on.
        """
        if not self._runners and http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            remedy = "install aiohttp from a wheel for this machine, and unset AIOHTTP_NO_EXTENSIONS"
            log.warning("requests are read by aiohttp's slow parser, written in Python", remedy=remedy)
        host, port = read_address(address)
        runner, port = await server.listen(app, host, port, **manners)
        self._own.add((host, port))
        self._runners.append(runner)
        return port

    async def close(self) -> None:
        """Let nobody in any more, and finish with those who are."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
