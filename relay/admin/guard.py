"""Who may ask what: by token, by host name, and never from a foreign page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from relay.admin.answers import problem

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relay.admin.route import Handler

log = structlog.get_logger(__name__)

_READING = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Guard:
    """Stands before every route."""

    def __init__(
        self, *, token: str | None, view_token: str | None, hosts: Collection[str], open_paths: Collection[str]
    ) -> None:
        """`hosts` are names that reach the listener; `open_paths` need no token."""
        self._tokens = [_digest(value) for value in (token, view_token) if value]
        self._admin_token = _digest(token) if token else None
        self._hosts = {"localhost", *hosts}
        self._open = frozenset(open_paths)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer with the same careful headers, every error in one form, and none with a trace."""
        response = self._refuse(request)
        if response is None:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                if error.status < 400:  # noqa: PLR2004 - HTTP's own classes
                    raise
                response = problem(error.status, error.reason, error.text or error.reason)
            except Exception:
                log.exception("an admin request could not be answered", path=request.path)
                response = problem(500, "Internal error", "The relay made a mistake; its log says which.")
        response.headers.update(_HEADERS)
        return response

    def _refuse(self, request: web.Request) -> web.StreamResponse | None:
        """The answer to those who may not ask; None for everybody else."""
        if not self._known_host(request.host):
            return problem(421, "Misdirected request", "This host name does not belong to the relay.")
        if self._tokens and request.path not in self._open and not self._has_token(request):
            response = problem(401, "Not signed in", "Send the admin token as a bearer token.")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if request.match_info.http_exception is None and request.method not in _READING and not self._may_act(request):
            return problem(403, "Not allowed", "Changes need the admin token, and JSON that no other site sent.")
        return None

    def _may_act(self, request: web.Request) -> bool:
        """Whether a request may change something: with the full token if there is one, never from a foreign page."""
        if self._tokens and not (self._admin_token and self._has_token(request, [self._admin_token])):
            return False
        foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
        return request.content_type == "application/json" and not foreign

    def _known_host(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return True

    def _has_token(self, request: web.Request, tokens: Sequence[bytes] | None = None) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        digest = _digest(given.strip())
        matches = [hmac.compare_digest(digest, token) for token in (self._tokens if tokens is None else tokens)]
        return scheme.lower() == "bearer" and any(matches)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
