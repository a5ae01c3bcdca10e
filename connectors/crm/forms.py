"""What people write for a CRM: its requests once under `connectors:`, and what to keep in each step."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field, field_validator, model_validator
from yarl import URL

from connectors.crm.spelling import SPELLINGS, Spelling
from relay.connector import Form, Names, PathTemplate, Secret, Shape

_LETTERS_OF_A_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def require_header(name: str, value: str) -> None:
    """Refuse what no header can hold.

    Raises:
        ValueError: the name or the value; the value is not told.
    """
    if not name or not set(name.lower()) <= _LETTERS_OF_A_NAME:
        raise ValueError(f"{name!r} is no name for a header")
    if any(mark in value for mark in "\r\n\0"):
        raise ValueError(f"the header {name} may not hold a line break")


class Auth(Form):
    """How to prove who we are: exactly one of these."""

    bearer: Secret | None = None
    basic: Secret | None = None
    """user:password."""
    header: dict[str, Secret] | None = None
    query: dict[str, Secret] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Auth:
        given = [name for name in ("bearer", "basic", "header", "query") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"auth needs exactly one of bearer, basic, header, query; given: {', '.join(given) or 'none'}"
            )
        if self.basic is not None and ":" not in self.basic.get_secret_value():
            raise ValueError("basic is written as user:password")
        if self.bearer is not None:
            require_header("Authorization", self.bearer.get_secret_value())
        for name, secret in (self.header or {}).items():
            require_header(name, secret.get_secret_value())
        return self

    def headers(self) -> dict[str, str]:
        """What goes into the headers of every request."""
        if self.bearer is not None:
            return {"Authorization": f"Bearer {self.bearer.get_secret_value()}"}
        if self.basic is not None:
            coded = base64.b64encode(self.basic.get_secret_value().encode()).decode()
            return {"Authorization": f"Basic {coded}"}
        return {name: secret.get_secret_value() for name, secret in (self.header or {}).items()}

    def on(self, url: str) -> str:
        """The address with what belongs into its query."""
        if not self.query:
            return url
        more = urlencode({name: secret.get_secret_value() for name, secret in self.query.items()})
        return f"{url}{'&' if '?' in url else '?'}{more}"

    def secrets(self) -> list[str]:
        """Every text that must not be shown, as a service may repeat it: from a header, or from an address."""
        named = [*(self.header or {}).values(), *(self.query or {}).values()]
        told = [secret.get_secret_value() for secret in (self.bearer, *named) if secret is not None]
        if self.basic is not None:
            pair = self.basic.get_secret_value()
            told += [pair, pair.partition(":")[2], self.headers()["Authorization"].partition(" ")[2]]
        quoted = [quote_plus(secret.get_secret_value()) for secret in (self.query or {}).values()]
        return [*told, *quoted, *(URL(f"?{part}").raw_query_string for part in quoted)]


NAMES = ("match", "digits", "national", "found", "fields", "log", "wanted", "call")
"""What the requests may put in; see docs/crm.md."""
Address = Annotated[PathTemplate, Names("match", "digits", "national", "found", "call")]


class Request(Form):
    """One request: where, what to send, and where in the answer the id stands (items.0.id)."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    path: Address
    body: Shape | None = None
    """What is sent, drawn as it should look; without one, the fields as they are."""
    id: str | None = None
    record: str | None = None
    """Where in the answer the contact's fields stand; by default the mapping that holds the id."""

    @field_validator("path")
    @classmethod
    def _beneath_the_base(cls, path: PathTemplate) -> PathTemplate:
        if not path.source.startswith("/") or path.source.startswith("//"):
            raise ValueError("a path begins with one / and is put behind base_url")
        return path

    @field_validator("body")
    @classmethod
    def _names_known(cls, body: Shape | None) -> Shape | None:
        strange = sorted(name for name in body.names if name.partition(".")[0] not in NAMES) if body else []
        if strange:
            raise ValueError(f"{strange[0]} is not known here; a body may use {', '.join(NAMES)}")
        return body


class Find(Request):
    """The search by phone; without a contact the answer holds nothing at the place of the id."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    id: str = "items.0.id"


class Read(Request):
    """Reads one contact, where the search does not tell all of its fields; asked only for `only_if_empty`."""

    method: Literal["GET", "POST"] = "GET"
    record: str = ""


class Create(Request):
    """Makes a contact of the fields."""

    id: str = "id"


class Update(Request):
    """Writes the fields into a contact."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "PATCH"


class Logged(Request):
    """Looks whether a call is in the log already; asked only when an earlier try may have put it there."""

    method: Literal["GET", "POST"] = "GET"
    entries: str
    """Where in the answer the entries stand; empty for the answer itself."""
    holds: Shape = Shape("{{ call.id }}")
    """What an entry of this call holds somewhere: whatever the log request put there."""


class CrmOptions(Form):
    """A CRM's address, key, and requests."""

    base_url: str = ""
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request: a version of the API, say."""
    match_as: list[Spelling] = Field(default=["e164"], min_length=1, max_length=len(SPELLINGS))
    """How the number is written in searches, one search after another until somebody is found."""
    find: Find | None = None
    read: Read | None = None
    create: Create | None = None
    update: Update | None = None
    log: Request | None = None
    logged: Logged | None = None
    contact_url: Annotated[PathTemplate, Names("found")] | None = None
    """The page of a contact, for people: {{ steps.crm.url }}."""
    success_when: str | None = None
    """Where a 2xx answer must hold something true; for a CRM that says 200 and means an error."""

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        target = URL(url)
        if url and (target.scheme not in {"https", "http"} or not target.host or target.query_string):
            raise ValueError("base_url must begin with https://, name a host, and hold no query")
        return url.rstrip("/")

    @field_validator("headers")
    @classmethod
    def _headers_that_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            require_header(name, value)
        return headers

    @model_validator(mode="after")
    def _usable(self) -> CrmOptions:
        missing = [name for name in ("base_url", "find") if not getattr(self, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be written down, or a preset named")
        return self


class CrmAction(Form):
    """Whom to look for, and what to keep of the call."""

    match: str = Field(min_length=1)
    """A phone number."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """A blank one is left out: what is not known must not erase what the CRM knows."""
    only_if_empty: list[str] = Field(default_factory=list)
    """Fields that are left alone once a contact has something in them."""
    log: dict[str, Any] = Field(default_factory=dict)

    @property
    def known(self) -> dict[str, Any]:
        """The fields that are not blank."""
        return {name: value for name, value in self.fields.items() if value not in (None, "")}

    @model_validator(mode="after")
    def _sensible(self) -> CrmAction:
        strange = [name for name in self.only_if_empty if name not in self.fields]
        if strange:
            raise ValueError(f"only_if_empty names {', '.join(strange)}, which is not among the fields")
        if not self.match.strip():
            raise ValueError("match is blank")
        return self
