"""A stand-in for a CRM: contacts found by phone, created, changed, and the calls logged with them."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.standins.server import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "not-a-real-crm-token"  # noqa: S105 - false on purpose; the stand-in listens on loopback only


class CrmStandIn(StandIn):
    """Contacts under /api/contacts behind a bearer token; a contact's `phone` is what it is found by."""

    def __init__(self, *, token: str = TOKEN, keys_honoured: bool = True) -> None:
        super().__init__()
        self.token = token
        self.keys_honoured = keys_honoured
        """Whether a second write with the same Idempotency-Key is answered from memory; many real ones do not."""
        self.contacts: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        """What was logged; each with the `contact` it belongs to."""
        self._done: dict[str, tuple[int, dict[str, Any]]] = {}

    @property
    def base_url(self) -> str:
        """The address to put under `base_url:`."""
        return f"{self.url}/api"

    def routes(self) -> list[web.RouteDef]:
        """Find, create, read, change, log."""
        return [
            web.get("/api/contacts", self._find),
            web.post("/api/contacts", self._create),
            web.get("/api/contacts/{id}", self._read),
            web.patch("/api/contacts/{id}", self._change),
            web.post("/api/contacts/{id}/calls", self._log),
        ]

    async def _find(self, request: web.Request) -> web.Response:
        self._admit(request)
        phone = request.query.get("phone", "")
        items = [contact for contact in self.contacts if contact.get("phone") == phone]
        return web.json_response({"items": items, "total": len(items)})

    async def _create(self, request: web.Request) -> web.Response:
        self._admit(request)
        fields = await _fields(request)
        return self._once(request, lambda: (201, self._new(fields)))

    async def _read(self, request: web.Request) -> web.Response:
        self._admit(request)
        return web.json_response(self._contact(request))

    async def _change(self, request: web.Request) -> web.Response:
        self._admit(request)
        fields = await _fields(request)
        contact = self._contact(request)
        return self._once(request, lambda: (200, contact | _put(contact, fields)))

    async def _log(self, request: web.Request) -> web.Response:
        self._admit(request)
        fields = await _fields(request)
        contact = self._contact(request)
        return self._once(request, lambda: (201, self._logged(contact, fields)))

    def _new(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = f"c{len(self.contacts) + 1}"
        contact = {**fields, "id": name, "url": f"{self.base_url}/contacts/{name}"}
        self.contacts.append(contact)
        return dict(contact)

    def _logged(self, contact: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        call = {**fields, "id": f"l{len(self.calls) + 1}", "contact": contact["id"]}
        self.calls.append(call)
        return dict(call)

    def _admit(self, request: web.Request) -> None:
        shown = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self.token}".encode()):
            raise web.HTTPUnauthorized

    def _contact(self, request: web.Request) -> dict[str, Any]:
        for contact in self.contacts:
            if contact["id"] == request.match_info["id"]:
                return contact
        raise web.HTTPNotFound

    def _once(self, request: web.Request, act: Callable[[], tuple[int, dict[str, Any]]]) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not self.keys_honoured or not key:
            status, body = act()
            return web.json_response(body, status=status)
        if key not in self._done:
            self._done[key] = act()
        status, body = self._done[key]
        return web.json_response(body, status=status)


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        fields = json.loads(await request.read())
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(fields, dict):
        raise web.HTTPUnprocessableEntity
    return fields


def _put(contact: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    contact.update({name: value for name, value in fields.items() if name not in {"id", "url"}})
    return contact
