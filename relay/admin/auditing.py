"""What people did, asked over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.access import Route
from relay.admin.answers import json_answer
from relay.admin.paging import BEFORE, LIMIT, next_of, page
from relay.store.audit import act_json

if TYPE_CHECKING:
    from aiohttp import web

    from relay.store import Store


class Auditing:
    """The audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        return (
            Route(
                "GET",
                "/api/acts",
                self.acts,
                "What people did, newest first, and what came of it.",
                asks=(LIMIT, BEFORE),
            ),
        )

    async def acts(self, request: web.Request) -> web.Response:
        """What people did, newest first; `before` is the `next` of the page before."""
        limit, before = page(request)
        found = await self._store.acts(limit=limit, before=before)
        return json_answer({"acts": [act_json(act) for act in found], "next": next_of(found, limit)})
