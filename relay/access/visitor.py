"""Who asks: by which token, and what that allows."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class Role(StrEnum):
    """What somebody may do."""

    VIEW = "view"
    """Read; telephone numbers are masked."""
    ADMIN = "admin"
    """Read and change."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody whom the guard let in."""

    role: Role
    who: str
    """As the audit names them: `admin token`, `view token`, `this machine`."""
    csrf: str | None = None
    """What a form must carry to be this visitor's own; None for a bearer, whom no browser sends by itself."""
    session: bool = False
    """Whether they signed in, and so can sign out."""

    @property
    def may_act(self) -> bool:
        """Whether they may change something."""
        return self.role is Role.ADMIN

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return self.may_act or self.role is role


KEY = web.RequestKey("visitor", Visitor)
"""Where the guard leaves the visitor on a request."""
UNMASKED = web.RequestKey("unmasked", bool)
"""Set where a visitor who only looks is to see a number whole, once it is written down that they asked."""
STILL: web.RequestKey[Callable[[], bool]] = web.RequestKey("still", Callable)  # type: ignore[arg-type]
"""Where it leaves what tells whether the visitor is still signed in, for streams that stay open."""


def visitor_of(request: web.Request) -> Visitor:
    """Whom the guard let in."""
    return request[KEY]


class Access:
    """The tokens that open the admin listener; without any, this machine alone reaches it and may do everything."""

    def __init__(self, token: str | None, view_token: str | None) -> None:
        self._digests = [
            (role, _digest(value)) for role, value in ((Role.ADMIN, token), (Role.VIEW, view_token)) if value
        ]
        self._local = Visitor(Role.ADMIN, "this machine", csrf=secrets.token_urlsafe(32))

    @property
    def local(self) -> Visitor | None:
        """Whoever comes, where no token is set."""
        return None if self._digests else self._local

    def role_of(self, token: str) -> Role | None:
        """What this token allows; None when it is none of ours. Takes as long for a near miss as for a far one."""
        given = _digest(token)
        found = [role for role, digest in self._digests if hmac.compare_digest(given, digest)]
        return found[0] if found else None

    def bearer(self, header: str) -> Visitor | None:
        """Who sends this Authorization header."""
        scheme, _, token = header.partition(" ")
        role = self.role_of(token.strip()) if scheme.lower() == "bearer" else None
        return None if role is None else Visitor(role, f"{role} token")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
