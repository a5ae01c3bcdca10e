"""The connector: find, then create or update, then log; each known step is done once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from connectors.crm.forms import CrmAction, CrmOptions, Request
from connectors.crm.paths import at, identity, others, record
from connectors.crm.spelling import digits, national, spelled
from relay.connector import Connector, Job, Receipt, hidden, quoted, unsaid
from relay.errors import Invalid, Rejected, TemplateError, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.http import Answer

NOBODY = "+12025550100"
"""A number set aside for examples (https://en.wikipedia.org/wiki/555_(telephone_number)); nobody is found by it."""

# What job.notes remembers between tries: once true, the step is never repeated.
CONTACT, URL, CREATED, WRITTEN, LOGGED = "contact", "url", "created", "written", "logged"
OTHERS = "others"
"""Contacts that share the number; the first one found is kept up to date, the rest are told in the receipt."""


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
        shared = {OTHERS: job.notes[OTHERS]} if job.notes.get(OTHERS) else None
        return Receipt(
            id=None if contact is None else str(contact),
            url=job.notes.get(URL),
            created=bool(job.notes.get(CREATED)),
            body=shared,
        )

    async def check(self) -> None:
        """Look for a number that nobody has: proves address, key, and the place of the id."""
        await self._find(Job("check", CrmAction(match=NOBODY), {}))

    async def _write(self, job: Job[CrmAction]) -> None:
        contact, known = await self._find(job)
        if contact is not None:
            self._keep(job, contact, known)
            if not job.notes.get(CREATED):
                await self._update(job, contact, known)
        elif job.notes.get(CREATED):
            raise Unavailable("the contact was created; the CRM's search does not show it yet")
        elif job.action.known:
            await self._create(job)
        job.notes[WRITTEN] = True

    async def _find(self, job: Job[CrmAction]) -> tuple[str | int | None, Mapping[str, Any]]:
        """The contact and its fields, looked for in one spelling of the number after another."""
        asked = self.options.find
        if asked is None:  # refused when the options are read
            raise Rejected("this CRM has no find request")
        for spelling in spelled(job.action.match, self.options.match_as):
            body = await self._look("find", asked, {**_names(job), "match": spelling})
            contact = identity(body, asked.id)
            if contact is not None:
                job.notes[OTHERS] = others(body, asked.id)
                return contact, record(body, asked.id, asked.record)
        return None, {}

    async def _look(self, step: str, asked: Request, names: Mapping[str, Any]) -> Any:
        """Ask a question that changes nothing: a lost answer is no more than a question to ask again."""
        try:
            return await self._ask(step, asked, names)
        except Unclear as unclear:
            raise Unavailable(f"{step}: {unclear}") from None

    async def _create(self, job: Job[CrmAction]) -> None:
        asked = self.options.create
        if asked is None:
            raise Rejected("nobody has this number, and this CRM has no create request under connectors")
        names = {**_names(job), "fields": job.action.known}
        body = await self._ask("create", asked, names, job.action.known, _key(job, "create"))
        job.notes[CREATED] = True
        contact = identity(body, asked.id)
        known: Mapping[str, Any] = record(body, asked.id, asked.record)
        if contact is None:
            contact, known = await self._find(job)
        if contact is None:
            raise Unavailable(f"the contact was created, but the answer holds no id at {asked.id!r}")
        self._keep(job, contact, known)

    async def _update(self, job: Job[CrmAction], contact: str | int, known: Mapping[str, Any]) -> None:
        asked, whole = self.options.update, self.options.read
        if asked is None or not job.action.known:
            return
        names = {**_names(job), "found": {"id": contact}}
        if job.action.only_if_empty and whole is not None:
            known = record(await self._look("read", whole, names), whole.record, whole.record)
        kept = {name for name in job.action.only_if_empty if known.get(name) not in (None, "", [], {})}
        fields = {name: value for name, value in job.action.known.items() if name not in kept}
        if fields:
            await self._ask("update", asked, {**names, "fields": fields}, fields, _key(job, "update"))

    async def _log(self, job: Job[CrmAction], contact: str | int) -> None:
        asked = self.options.log
        names = {**_names(job), "found": {"id": contact}, "log": job.action.log}
        if asked is not None and not (job.tries and await self._is_logged(names)):
            await self._ask("log", asked, names, job.action.log, _key(job, "log"))
        job.notes[LOGGED] = True

    async def _is_logged(self, names: Mapping[str, Any]) -> bool:
        """Whether an earlier try, whose answer was lost, put this call into the log."""
        asked = self.options.logged
        mark = None if asked is None else asked.holds.fill(names)
        if asked is None or not mark:
            return False
        answer = await self._look("logged", asked, names)
        entries = at(answer, asked.entries) if asked.entries else answer
        return any(str(mark) in json.dumps(entry, ensure_ascii=False) for entry in entries or [])

    async def _ask(
        self,
        step: str,
        asked: Request,
        names: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request, with `body` unless the request draws its own; answers its JSON, None for an empty body."""
        auth = self.options.auth
        url = self.options.base_url + _path(asked, names)
        sent = {"Accept": "application/json", **self.options.headers, **(headers or {})}
        if auth is not None:
            url, sent = auth.on(url), {**sent, **auth.headers()}
        if asked.body is not None:
            body = asked.body.fill(names) or {}
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
            raise type(refusal)(f"{step}: {refusal}{quoted(answer, self._ours)}", grace=refusal.grace) from None
        body = answer.json() if answer.body.strip() else None
        if self.options.success_when and not at(body, self.options.success_when):
            where = self.options.success_when
            raise Invalid(f"{step}: nothing true at {where!r} of the answer{quoted(answer, self._ours)}", grace=GRACE)
        return body

    @property
    def _ours(self) -> list[str]:
        auth = self.options.auth
        return [*hidden(self.options.headers), *([] if auth is None else auth.secrets())]

    def _keep(self, job: Job[CrmAction], contact: str | int, known: Mapping[str, Any]) -> None:
        job.notes[CONTACT] = contact
        page, url = self.options.contact_url, known.get("url")
        if page is not None:
            job.notes[URL] = page.render(found={"id": contact})
        elif isinstance(url, str) and url.startswith(("https://", "http://")):
            job.notes[URL] = unsaid(url, self._ours)


def _names(job: Job[CrmAction]) -> dict[str, Any]:
    """What every request may put in."""
    match = job.action.match
    return {
        "match": match,
        "digits": digits(match),
        "national": national(match),
        "wanted": job.action.only_if_empty,
        "call": {"id": job.event.get("call_id"), **(job.event.get("call") or {})},
    }


def _key(job: Job[CrmAction], step: str) -> dict[str, str]:
    return {"Idempotency-Key": f"{job.key}-{step}"}


def _path(asked: Request, names: Mapping[str, Any]) -> str:
    try:
        path = asked.path.render(**names)
    except TemplateError as error:
        raise Rejected(f"the path {asked.path.source} cannot be filled in: {error}") from None
    if {".", ".."} & set(unquote(path.partition("?")[0]).split("/")):
        raise Rejected(f"the path {asked.path.source} would lead elsewhere")
    return path
