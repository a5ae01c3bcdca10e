"""One thing that can be asked of the admin listener: what answers, who may ask, and how it is described."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from relay.access.visitor import Role

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that is named in the address."""

    name: str
    says: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    """query, path or header."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, what answers there, and what it is for, in one line."""

    method: str
    path: str
    handler: Handler
    says: str
    open: bool = False
    """Whether it needs no token."""
    needs: Role | None = None
    """Whose token; by default the full one for what changes something."""
    asks: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] | None = None
    """JSON schema of what is posted."""
    tells: str = "application/json"
    """Media type of its answer."""
    answer: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    """JSON schema of its answer, where that is JSON."""
    fails: tuple[int, ...] = ()
    """Statuses it may answer beside 200 and what every route may answer."""
    hidden: bool = False
    """Whether it is left out of the description, as others describe what it does."""
    live: bool = False
    """Whether it is a stream that a page holds open, and so no sign that somebody is there."""

    @property
    def role(self) -> Role:
        """Who may ask."""
        return self.needs or (Role.VIEW if self.method == "GET" else Role.ADMIN)
