"""Three CRMs as their public documentation describes them, as far as the presets use them; see config/presets."""

from __future__ import annotations

import hmac
import json

from aiohttp import web

from relay.standins import StandIn

TOKEN = "not-a-real-preset-token"


class _Book(StandIn):
    """Contacts and what was logged with them, behind one header."""

    header = ("Authorization", f"Bearer {TOKEN}")

    def __init__(self):
        super().__init__()
        self.contacts = []
        self.calls = []

    def admit(self, request):
        name, value = self.header
        if not hmac.compare_digest(request.headers.get(name, "").encode(), value.encode()):
            raise web.HTTPUnauthorized

    def contact(self, name):
        for contact in self.contacts:
            if str(contact["id"]) == name:
                return contact
        raise web.HTTPNotFound

    async def told(self, request, *known):
        """The JSON of a request; a key that the service does not know is refused."""
        self.admit(request)
        body = json.loads(await request.read())
        if not isinstance(body, dict) or set(body) - set(known):
            raise web.HTTPBadRequest
        return body


class HubSpot(_Book):
    """POST searches with filter groups (or) of filters (and); numbers are also kept without their country code."""

    def routes(self):
        return [
            web.post("/crm/v3/objects/contacts/search", self._search),
            web.post("/crm/v3/objects/contacts", self._create),
            web.patch("/crm/v3/objects/contacts/{id}", self._change),
            web.post("/crm/v3/objects/calls", self._log),
            web.post("/crm/v3/objects/calls/search", self._search_calls),
        ]

    async def _search(self, request):
        body = await self.told(request, "filterGroups", "properties", "sorts", "limit")
        if not 1 <= len(body["filterGroups"]) <= 5 or not isinstance(body["limit"], int):
            raise web.HTTPBadRequest
        wanted = {"firstname", "lastname", "email", *body.get("properties", [])}
        found = [
            {"id": contact["id"], "properties": {key: contact["properties"].get(key) for key in wanted}}
            for contact in self.contacts
            if any(all(self._fits(contact, one) for one in group["filters"]) for group in body["filterGroups"])
        ]
        return web.json_response({"total": len(found), "results": found[: body["limit"]]})

    def _fits(self, contact, one):
        known = contact["properties"]
        copies = {"hs_searchable_calculated_phone_number": "phone", "hs_searchable_calculated_mobile_number": "mobile"}
        name = one["propertyName"]
        kept = known.get(copies.get(name, name)) or ""
        if name in copies:
            kept = "".join(mark for mark in kept if mark.isdigit())[-10:]
        return one["operator"] == "EQ" and kept == one["value"]

    async def _create(self, request):
        body = await self.told(request, "properties")
        contact = {"id": str(501 + len(self.contacts)), "properties": body["properties"]}
        self.contacts.append(contact)
        return web.json_response(contact, status=201)

    async def _change(self, request):
        body = await self.told(request, "properties")
        contact = self.contact(request.match_info["id"])
        contact["properties"] |= body["properties"]
        return web.json_response(contact)

    async def _log(self, request):
        body = await self.told(request, "properties", "associations")
        (tie,) = body["associations"]
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}
        if tie["types"] != [kind] or not body["properties"].get("hs_timestamp"):
            raise web.HTTPBadRequest
        call = {"id": str(901 + len(self.calls)), "contact": tie["to"]["id"], "properties": body["properties"]}
        self.calls.append(call)
        return web.json_response(call, status=201)

    async def _search_calls(self, request):
        body = await self.told(request, "filterGroups", "properties", "sorts", "limit")
        contact = body["filterGroups"][0]["filters"][0]["value"]
        return web.json_response({"results": [call for call in self.calls if call["contact"] == contact]})


class Pipedrive(_Book):
    """Version 2; numbers are searched for exactly as they are written, and the search tells few fields."""

    header = ("x-api-token", TOKEN)

    def routes(self):
        return [
            web.get("/api/v2/persons/search", self._search),
            web.get("/api/v2/persons/{id}", self._show),
            web.post("/api/v2/persons", self._create),
            web.patch("/api/v2/persons/{id}", self._change),
            web.get("/api/v2/activities", self._activities),
            web.post("/api/v2/activities", self._log),
        ]

    async def _search(self, request):
        self.admit(request)
        if request.query["fields"] != "phone" or request.query["exact_match"] != "true":
            raise web.HTTPBadRequest
        term = request.query["term"]
        found = [person for person in self.contacts if term in [each["value"] for each in person["phones"]]]
        items = [{"result_score": 1, "item": {"id": each["id"], "name": each["name"]}} for each in found]
        return web.json_response({"success": True, "data": {"items": items}})

    async def _show(self, request):
        self.admit(request)
        return web.json_response({"success": True, "data": self.contact(request.match_info["id"])})

    async def _create(self, request):
        body = await self.told(request, "name", "phones", "emails", "city")
        person = {**body, "id": 11 + len(self.contacts)}
        self.contacts.append(person)
        return web.json_response({"success": True, "data": person}, status=201)

    async def _change(self, request):
        body = await self.told(request, "name", "phones", "emails", "city")
        person = self.contact(request.match_info["id"])
        person |= body
        return web.json_response({"success": True, "data": person})

    async def _log(self, request):
        body = await self.told(request, "type", "done", "subject", "due_date", "note", "participants")
        (person,) = body["participants"]
        if body["done"] is not True or person != {"person_id": person["person_id"], "primary": True}:
            raise web.HTTPBadRequest
        activity = {**body, "id": 71 + len(self.calls), "person_id": person["person_id"]}
        self.calls.append(activity)
        return web.json_response({"success": True, "data": activity}, status=201)

    async def _activities(self, request):
        self.admit(request)
        person = int(request.query["person_id"])
        return web.json_response({"success": True, "data": [a for a in self.calls if a["person_id"] == person]})


class HighLevel(_Book):
    """A contact belongs to a location; upsert finds it by its number."""

    def routes(self):
        return [
            web.get("/contacts/search/duplicate", self._search),
            web.post("/contacts/upsert", self._upsert),
            web.put("/contacts/{id}", self._change),
            web.post("/contacts/{id}/notes", self._log),
            web.get("/contacts/{id}/notes", self._notes),
        ]

    def admit(self, request):
        super().admit(request)
        if request.headers.get("Version") != "2021-07-28":
            raise web.HTTPBadRequest

    def _of(self, location, number):
        pair = (location, number)
        return next((each for each in self.contacts if (each["locationId"], each["phone"]) == pair), None)

    async def _search(self, request):
        self.admit(request)
        return web.json_response({"contact": self._of(request.query["locationId"], request.query["number"])})

    async def _upsert(self, request):
        body = await self.told(request, "locationId", "phone", "firstName", "lastName", "name", "state", "city")
        known = self._of(body["locationId"], body["phone"])
        if known is None:
            known = {"id": f"contact{len(self.contacts)}"}
            self.contacts.append(known)
        known |= body
        return web.json_response({"new": len(known) == len(body) + 1, "contact": known})

    async def _change(self, request):
        body = await self.told(request, "firstName", "lastName", "name", "state", "city")
        contact = self.contact(request.match_info["id"])
        contact |= body
        return web.json_response({"succeded": True, "contact": contact})

    async def _log(self, request):
        body = await self.told(request, "body")
        contact = self.contact(request.match_info["id"])
        note = {"id": f"note{len(self.calls)}", "contactId": contact["id"], **body}
        self.calls.append(note)
        return web.json_response({"note": note}, status=201)

    async def _notes(self, request):
        self.admit(request)
        name = self.contact(request.match_info["id"])["id"]
        return web.json_response({"notes": [note for note in self.calls if note["contactId"] == name]})
