"""The connector: find, then create or update, then log; each known step is done once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from connectors.crm.forms import CrmAction, CrmOptions, Request
from connectors.crm.paths import at, identity, record
from relay.connector import Connector, Job, Receipt
from relay.errors import Invalid, Rejected, TemplateError, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.http import Answer

SAID_MOST = 200
NOBODY = "+12025550100"
"""A number set aside for examples (https://en.wikipedia.org/wiki/555_(telephone_number)); nobody is found by it."""

# What job.notes remembers between tries: once true, the step is never repeated.
CONTACT, URL, CREATED, WRITTEN, LOGGED = "contact", "url", "created", "written", "logged"


class Crm(Connector[CrmOptions, CrmAction]):
    """One CRM."""

    Options = CrmOptions
    Action = CrmAction

    def lane(self, action: CrmAction) -> str:
        """The contact: two at once could create it twice."""
        return action.match

    async def send(self, job: Job[CrmAction]) -> Receipt:
        """Bring the contact up to date, and log.

        Raises:
            Unavailable, Rejected, Unclear: by the table of `relay.http`; `job.notes` knows how far it came.
        """
        if job.action.log and self.options.log is None:
            raise Rejected("the step wants to log, but this CRM has no log request under connectors")
        if not job.notes.get(WRITTEN):
            await self._write(job)
        contact = job.notes.get(CONTACT)
        if contact is not None and job.action.log and not job.notes.get(LOGGED):
            await self._log(job, contact)
        return Receipt(id=contact, url=job.notes.get(URL), created=bool(job.notes.get(CREATED)))

    async def check(self) -> None:
        """Look for a number that nobody has: proves address, key, and the place of the id."""
        await self._find(NOBODY)

    async def _write(self, job: Job[CrmAction]) -> None:
        contact, known = await self._find(job.action.match)
        if contact is not None:
            job.notes[CONTACT] = contact
            _keep_url(job, known)
            if not job.notes.get(CREATED):
                await self._update(job, contact, known)
        elif job.notes.get(CREATED):
            raise Unavailable("the contact was created; the CRM's search does not show it yet")
        elif job.action.known:
            await self._create(job)
        job.notes[WRITTEN] = True

    async def _find(self, match: str) -> tuple[str | None, Mapping[str, Any]]:
        asked = self.options.find
        if asked is None:  # refused when the options are read
            raise Rejected("this CRM has no find request")
        try:
            body = await self._ask("find", asked, None, {}, match=match)
        except Unclear as unclear:  # searching changes nothing
            raise Unavailable(f"find: {unclear}") from None
        contact = identity(body, asked.id)
        return contact, record(body, asked.id) if contact is not None else {}

    async def _create(self, job: Job[CrmAction]) -> None:
        asked = self.options.create
        if asked is None:
            raise Rejected("nobody has this number, and this CRM has no create request under connectors")
        body = await self._ask("create", asked, job.action.known, _key(job, "create"), match=job.action.match)
        job.notes[CREATED] = True
        contact = identity(body, asked.id)
        known: Mapping[str, Any] = record(body, asked.id)
        if contact is None:
            contact, known = await self._find(job.action.match)
        if contact is None:
            raise Unavailable(f"the contact was created, but the answer holds no id at {asked.id!r}")
        job.notes[CONTACT] = contact
        _keep_url(job, known)

    async def _update(self, job: Job[CrmAction], contact: str, known: Mapping[str, Any]) -> None:
        kept = {name for name in job.action.only_if_empty if known.get(name) not in (None, "", [], {})}
        fields = {name: value for name, value in job.action.known.items() if name not in kept}
        asked = self.options.update
        if fields and asked is not None:
            headers = _key(job, "update")
            await self._ask("update", asked, fields, headers, match=job.action.match, found={"id": contact})

    async def _log(self, job: Job[CrmAction], contact: str) -> None:
        asked = self.options.log
        if asked is not None:
            headers = _key(job, "log")
            await self._ask("log", asked, job.action.log, headers, match=job.action.match, found={"id": contact})
        job.notes[LOGGED] = True

    async def _ask(
        self, step: str, asked: Request, body: Mapping[str, Any] | None, headers: Mapping[str, str], **names: Any
    ) -> Any:
        """Send one request; answers its JSON, None for an empty body."""
        auth = self.options.auth
        url = self.options.base_url + _path(asked, names)
        sent = {"Accept": "application/json", **headers}
        if auth is not None:
            url, sent = auth.on(url), {**sent, **auth.headers()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        # ASCII: a caller's name may hold halves of characters, which UTF-8 cannot carry
        data = None if body is None else json.dumps(body, separators=(",", ":"), default=str).encode()
        answer = await self.http.request(asked.method, url, data=data, headers=sent)
        return self._read(step, answer)

    def _read(self, step: str, answer: Answer) -> Any:
        try:
            answer.raise_for_status()
        except Rejected as refusal:
            raise type(refusal)(f"{step}: {refusal}{self._said(answer)}", grace=refusal.grace) from None
        body = answer.json() if answer.body.strip() else None
        if self.options.success_when and not at(body, self.options.success_when):
            where = self.options.success_when
            raise Invalid(f"{step}: nothing true at {where!r} of the answer{self._said(answer)}", grace=GRACE)
        return body

    def _said(self, answer: Answer) -> str:
        """The CRM's own words, short; empty when they hold one of our secrets or are a web page."""
        said = " ".join(answer.body.decode("utf-8", "replace").split())[:SAID_MOST]
        ours = self.options.auth.secrets() if self.options.auth is not None else []
        if not said or said.startswith("<") or any(word and word in said for word in ours):
            return ""
        return f"; it said: {said}"


def _key(job: Job[CrmAction], step: str) -> dict[str, str]:
    return {"Idempotency-Key": f"{job.key}-{step}"}


def _keep_url(job: Job[CrmAction], known: Mapping[str, Any]) -> None:
    url = known.get("url")
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        job.notes[URL] = url


def _path(asked: Request, names: Mapping[str, Any]) -> str:
    try:
        path = asked.path.render(**names)
    except TemplateError as error:
        raise Rejected(f"the path {asked.path.source} cannot be filled in: {error}") from None
    if {".", ".."} & set(unquote(path.partition("?")[0]).split("/")):
        raise Rejected(f"the path {asked.path.source} would lead elsewhere")
    return path
