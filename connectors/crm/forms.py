"""What people write for a CRM: its requests once under `connectors:`, and what to keep in each step."""

from __future__ import annotations

import base64
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field, field_validator, model_validator
from yarl import URL

from relay.connector import Form, PathTemplate, Secret

_LETTERS_OF_A_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


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
        for name, secret in (self.header or {}).items():
            if not name or not set(name.lower()) <= _LETTERS_OF_A_NAME:
                raise ValueError(f"{name!r} is no name for a header")
            if any(mark in secret.get_secret_value() for mark in "\r\n\0"):
                raise ValueError(f"the header {name} may not hold a line break")
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
        """Every text that must not be shown."""
        named = [*(self.header or {}).values(), *(self.query or {}).values()]
        return [secret.get_secret_value() for secret in (self.bearer, self.basic, *named) if secret is not None]


class Request(Form):
    """One request: where, and where in the answer the id stands (items.0.id)."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    path: PathTemplate
    id: str | None = None

    @field_validator("path")
    @classmethod
    def _beneath_the_base(cls, path: PathTemplate) -> PathTemplate:
        if not path.source.startswith("/") or path.source.startswith("//"):
            raise ValueError("a path begins with one / and is put behind base_url")
        return path


class Find(Request):
    """The search by phone; without a contact the answer holds nothing at the place of the id."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    id: str = "items.0.id"


class Create(Request):
    """Makes a contact of the fields."""

    id: str = "id"


class Update(Request):
    """Writes the fields into a contact."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "PATCH"


class CrmOptions(Form):
    """A CRM's address, key, and requests."""

    base_url: str = ""
    auth: Auth | None = None
    find: Find | None = None
    create: Create | None = None
    update: Update | None = None
    log: Request | None = None
    success_when: str | None = None
    """Where a 2xx answer must hold something true; for a CRM that says 200 and means an error."""
    preset: str | None = None
    token: Secret | None = None

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        target = URL(url)
        if url and (target.scheme not in {"https", "http"} or not target.host or target.query_string):
            raise ValueError("base_url must begin with https://, name a host, and hold no query")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _usable(self) -> CrmOptions:
        if self.preset is not None:
            what = "write base_url, auth, find, create, update and log out instead"
            raise ValueError(f"there is no preset {self.preset}; {what}")
        if self.token is not None:
            raise ValueError("token belongs to a preset; use auth: {bearer: …} instead")
        missing = [name for name in ("base_url", "find") if not getattr(self, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be written down")
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
