"""What an operation of the API is: its place on the wire, what it takes, and whether it can be taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from relay.errors import Invalid

_LONGEST_ID = 200


class Deed(StrEnum):
    """What an operation does to the account; decides who may ask for it and what a lost answer means."""

    READ = "read"
    """Changes nothing: a lost answer may be asked for again."""
    WRITE = "write"
    """Changes something that can be put back: a lost answer is unclear."""
    FINAL = "final"
    """Costs money, hands out power or cannot be undone: off unless the client was built with everything=True."""


class Place(StrEnum):
    """Where a parameter travels."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"
    HEADER = "header"


class Kind(StrEnum):
    """What a parameter holds; open sets (statuses, categories) are text."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    YES_NO = "yes or no"
    LIST = "list"
    """Several texts: joined by commas in a query, an array in a body."""
    JSON = "json"
    FIELDS = "fields"
    """Further fields of the body under names of their own, where the documents do not list them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing an operation takes."""

    name: str
    place: Place
    kind: Kind = Kind.TEXT
    required: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it will be sent, but for the host and the key."""

    operation: Operation
    path: str
    """Percent-encoded, beginning with a slash, relative to the base address."""
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    resource: str
    """As the shell says it: number-groups."""
    action: str
    """As the shell says it: add-members."""
    method: str
    path: str
    """With names in braces where an id belongs: /numbers/{id}."""
    about: str
    parameters: tuple[Parameter, ...] = ()
    deed: Deed = Deed.READ
    call: str = ""
    """Where it lives on the client, when not `<resource>.<action>` with underscores."""
    seed: bool = True
    """True when the Resources API document lists it; false for what other documents add."""
    file: bool = False
    """True when the answer is a file (audio, CSV), not JSON."""

    @property
    def name(self) -> str:
        """Its name in the table and in the shell: `number-groups add-members`."""
        return f"{self.resource} {self.action}"

    @property
    def address(self) -> str:
        """Method and path without any id, for messages and logs."""
        return f"{self.method} {self.path}"

    @property
    def attribute(self) -> tuple[str, str]:
        """The client's attribute and its method: ("number_groups", "add_members")."""
        resource, _, action = (self.call or f"{self.resource}.{self.action}").replace("-", "_").partition(".")
        return resource, action

    def request(self, values: Mapping[str, Any]) -> Request:
        """Sort `values` into path, query, body and headers as the parameters say; None means not given.

        Raises:
            TypeError: for a name that the operation does not take.
            Invalid: for a required value that is missing or one that cannot be sent; nothing was asked.
        """
        given = {name: value for name, value in values.items() if value is not None}
        known = {parameter.name: parameter for parameter in self.parameters}
        if strange := sorted(given.keys() - known.keys()):
            raise TypeError(f"{self.name} does not take {', '.join(strange)}; it takes {', '.join(known) or 'nothing'}")
        if missing := [p.name for p in self.parameters if p.required and p.name not in given]:
            raise Invalid(f"{self.name} needs {', '.join(missing)}")
        path, query, body, headers = self.path, [], {}, {}
        for name, value in given.items():
            match known[name]:
                case Parameter(place=Place.PATH):
                    path = path.replace(f"{{{name}}}", _segment(name, value))
                case Parameter(place=Place.QUERY):
                    query.append((name, _in_query(value)))
                case Parameter(place=Place.HEADER):
                    headers[name.replace("_", "-").title()] = printable(name, str(value))
                case Parameter(kind=Kind.FIELDS):
                    body.update(value)
                case _:
                    body[name] = value
        posts_body = any(p.place is Place.BODY for p in self.parameters)
        return Request(self, path, tuple(query), body if posts_body else None, headers)


def printable(name: str, value: str) -> str:
    """The value, if it can travel in a header.

    Raises:
        Invalid: for an empty value or one with control characters.
    """
    if not value or not value.isascii() or not value.isprintable():
        raise Invalid(f"{name} must be one line of plain characters")
    return value


def _segment(name: str, value: Any) -> str:
    """One part of a path: an id can never reach another path than the one in the table."""
    text = str(value)
    if not text or text in {".", ".."} or len(text) > _LONGEST_ID or not text.isprintable():
        raise Invalid(f"{name} is no id: it must be one line, and neither empty nor . nor ..")
    return quote(text, safe="")


def _in_query(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(item) for item in value)
    return str(value)
