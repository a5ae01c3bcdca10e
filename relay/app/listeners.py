"""The addresses that a relay listens on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from relay import server
from relay.settings.forms import read_address

if TYPE_CHECKING:
    from aiohttp import web


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
        host, port = read_address(address)
        runner, port = await server.listen(app, host, port, **manners)
        self._own.add((host, port))
        self._runners.append(runner)
        return port

    async def close(self) -> None:
        """Let nobody in any more, and finish with those who are."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
