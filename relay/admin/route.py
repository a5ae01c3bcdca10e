"""One thing that can be asked of the admin listener."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, what answers there, and what it is for, in one line.

    What changes something needs the full token; what is `open` needs none.
    """

    method: str
    path: str
    handler: Handler
    says: str
    open: bool = False
