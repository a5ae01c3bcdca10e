"""What people do, asked over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.admin.answers import json_answer
from relay.admin.route import Route
from relay.deeds import BadDeed
from relay.errors import StoreBusy

if TYPE_CHECKING:
    from relay.deeds import Deeds


class Acting:
    """The deeds of relay/deeds.py."""

    def __init__(self, deeds: Deeds | None) -> None:
        """Without `deeds` nothing can be changed from here."""
        self._deeds = deeds

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        return (Route("POST", "/api/do/{deed}", self.do, "Do one thing, as the command line does it."),)

    async def do(self, request: web.Request) -> web.Response:
        """One deed of relay/deeds.py, told as JSON, as the command line does it."""
        if self._deeds is None:
            raise web.HTTPNotFound(text="Nothing can be changed from here.")
        try:
            given = await request.json()
            came = await self._deeds.do(request.match_info["deed"], given if isinstance(given, dict) else {})
        except (ValueError, BadDeed) as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        except StoreBusy as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        return json_answer(came)
