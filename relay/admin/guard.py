"""Who may ask what: by token or session, by host name, and never from a foreign page."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import math
import secrets
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from relay.access.guesses import Guesses
from relay.access.masking import masked_json
from relay.access.visitor import KEY, STILL, UNMASKED
from relay.admin.answers import problem
from relay.deeds import ACTOR
from relay.errors import StoreBusy
from relay.peers import is_loopback, sender
from relay.phone import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from relay.access import Access, Handler, Route, Sessions, Visitor
    from relay.peers import Networks

log = structlog.get_logger(__name__)

COOKIE = "relay"
BODY_SECONDS = 10.0
"""Seconds in which a body must have come, whoever sends it."""
_READING = {"GET", "HEAD", "OPTIONS"}
_FORM = "application/x-www-form-urlencoded"
_WITHIN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _WITHIN,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
_FOR_A_YEAR = "max-age=31536000"


class Faces(Protocol):
    """How the guard looks to a browser."""

    def signin(self, request: web.Request, *, status: int, wrong: str | None = None) -> web.Response:
        """The page that asks for the token."""

    def error(self, request: web.Request, status: int, title: str, detail: str) -> web.Response:
        """The page that says what went wrong."""


_BARE = {
    404: "There is nothing at this address.",
    405: "This address takes requests of another method: the Allow header names them.",
}
"""Words for answers that say nothing of their own, by status."""


class Guard:
    """Stands before every route."""

    def __init__(
        self,
        access: Access,
        sessions: Sessions,
        *,
        hosts: Collection[str],
        secure_hosts: Collection[str] = (),
        routes: Iterable[Route] = (),
        faces: Faces | None = None,
        trusted: Networks = (),
        ticks: Callable[[], float] = time.monotonic,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """`hosts` are names that reach the listener, `secure_hosts` those of them that do so over TLS.

        `trusted` are proxies before it; `ticks` is a clock that never jumps, in seconds.
        """
        self._body_seconds = body_seconds
        self._access = access
        self._sessions = sessions
        self._hosts = {"localhost", *hosts}
        self._secure_hosts = frozenset(secure_hosts)
        self._routes = {(route.method, route.path): route for route in routes}
        self._faces = faces
        self._trusted = trusted
        self._ticks = ticks
        self._guesses = Guesses()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every error in one form, and none with a trace."""
        try:
            return _for(request, await self._refusal(request) or await handler(request))
        except StoreBusy as error:
            return self._error(request, 503, "Not now", f"{error}; try again in a moment.")
        except web.HTTPException as error:
            if error.status < 400:  # noqa: PLR2004 - HTTP's own classes
                raise
            response = self._error(request, error.status, error.reason, _detail(error))
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception:
            name = secrets.token_hex(4)
            log.exception("an admin request could not be answered", path=request.path, error=name)
            detail = f"The relay made a mistake; its log tells more of error {name}."
            return self._error(request, 500, "Internal error", detail)

    async def headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Every answer with the same careful headers; asked just before they are sent."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if response.content_type not in {"text/html", "text/css", "text/javascript"}:
            response.headers["Content-Security-Policy"] = _NO_PAGE
        if response.content_type == "text/event-stream":
            response.headers["Cache-Control"] = _HEADERS["Cache-Control"]
        if self.is_secure(request):
            response.headers["Strict-Transport-Security"] = _FOR_A_YEAR
        response.headers.popall("Server", None)

    def is_secure(self, request: web.Request) -> bool:
        """Whether the browser speaks TLS to us, or to the proxy before us."""
        return request.secure or _name(request.host) in self._secure_hosts

    def cookie(self, request: web.Request) -> str:
        """The name of the session's cookie: one that only a TLS site can set, where there is TLS."""
        return f"__Host-{COOKIE}" if self.is_secure(request) else COOKIE

    async def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        """The answer to those who may not ask; None for everybody else."""
        if not self._known_host(request.host):
            return problem(421, "Misdirected request", "This host name does not belong to the relay.")
        route = self._route(request)
        silence = self.silence(request)
        if silence and "Authorization" in request.headers:
            return _too_many(silence)
        visitor = self._visitor(request, live=route is not None and route.live)
        if visitor is not None:
            request[KEY] = visitor
            request[STILL] = lambda: self._visitor(request, live=True) is not None
            ACTOR.set(f"{visitor.who}, from {self._address(request)}")
        elif "Authorization" in request.headers:
            wait = self.guessed(request)
            if wait:
                return _too_many(wait)
        if visitor is None and not (route is not None and route.open):
            return self._unknown(request)
        if route is not None and visitor is not None and not visitor.may(route.role):
            return self._error(request, 403, "Not allowed", "This needs the admin token; the view token only reads.")
        if request.match_info.http_exception is not None or request.method in _READING:
            return None
        refusal = await self._without_body(request)
        if refusal is not None:
            return refusal
        why = await self._not_to_change(request, None if route is not None and route.open else visitor)
        return None if why is None else self._error(request, 403, "Not allowed", why)

    async def _without_body(self, request: web.Request) -> web.Response | None:
        """The answer to whoever does not send the whole of what they announced; None where it is all here."""
        try:
            async with asyncio.timeout(self._body_seconds):
                await request.read()
        except TimeoutError:
            refusal = self._error(request, 408, "Too slow", f"No whole body came within {self._body_seconds:g} s.")
        except (web.RequestPayloadError, ConnectionError):
            refusal = self._error(request, 400, "Broken off", "The body broke off or was badly framed.")
        else:
            return None
        refusal.force_close()
        return refusal

    def silence(self, request: web.Request) -> float:
        """Seconds for which no token from this address is looked at; whoever is at the machine itself may try on."""
        address = self._address(request)
        return 0.0 if is_loopback(address) else self._guesses.silent_for(address, self._ticks())

    def guessed(self, request: web.Request) -> float:
        """Count a wrong token; answers the seconds for which its sender had been silenced before."""
        address, now = self._address(request), self._ticks()
        silent = self._guesses.silent_for(address, now)
        if not silent:
            self._guesses.wrong(address, now)
        return silent

    def _address(self, request: web.Request) -> str:
        return sender(request.remote, request.headers.getall("X-Forwarded-For", []), self._trusted)

    def _route(self, request: web.Request) -> Route | None:
        resource = request.match_info.route.resource
        method = "GET" if request.method == "HEAD" else request.method
        return None if resource is None else self._routes.get((method, resource.canonical))

    def _visitor(self, request: web.Request, *, live: bool) -> Visitor | None:
        if "Authorization" in request.headers and self._access.local is None:
            return self._access.bearer(request.headers["Authorization"])
        session = request.cookies.get(self.cookie(request))
        found = None if session is None else self._sessions.find(session, live=live)
        return found or self._access.local

    def _unknown(self, request: web.Request) -> web.Response:
        if self._faces is not None and _wants_page(request):
            return self._faces.signin(request, status=401)
        response = problem(401, "Not signed in", "Send the admin token as a bearer token.")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    async def _not_to_change(self, request: web.Request, visitor: Visitor | None) -> str | None:
        """Why this request may not change anything; None when it may."""
        if _is_foreign(request):
            return "Another site sent this. Changes are made from the relay's own pages, or with a token."
        if visitor is None:
            return None if request.content_type == _FORM else "Only the page's own form signs in."
        if request.content_type == "application/json" and not visitor.session:
            return None
        if request.content_type not in {_FORM, "application/json"}:
            return "Changes need the admin token, and JSON or a form that no other site sent."
        if visitor.csrf is None:
            return None
        given = request.headers.get("X-Relay-Csrf") or (await request.post()).get("csrf", "")
        if not hmac.compare_digest(str(given).encode(), visitor.csrf.encode()):
            return "This page is from an earlier sign-in. Load it again, and repeat what you did."
        return None

    def _error(self, request: web.Request, status: int, title: str, detail: str) -> web.Response:
        if self._faces is not None and _wants_page(request) and request.get(KEY) is not None:
            return self._faces.error(request, status, title, detail)
        return problem(status, title, detail)

    def _known_host(self, host: str) -> bool:
        name = _name(host)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return True


def _detail(error: web.HTTPException) -> str:
    """What whoever asked is told; ours where the library says no more than its status."""
    bare = not error.text or error.text == f"{error.status}: {error.reason}"
    return _BARE.get(error.status, error.reason) if bare else error.text or error.reason


def _for(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer as this visitor may see it."""
    visitor = request.get(KEY)
    if visitor is None or visitor.may_act or request.get(UNMASKED, False):
        return response
    if not isinstance(response, web.Response) or response.text is None:
        return response
    if response.content_type == "application/json":
        response.text = json.dumps(masked_json(json.loads(response.text)))
    elif response.content_type == "text/html":
        response.text = masked(response.text)
    return response


def _too_many(seconds: float) -> web.Response:
    response = problem(429, "Too many wrong tokens", f"No token from this address is looked at for {seconds:.0f} s.")
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response


def _name(host: str) -> str:
    """The host without its port."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.strip("[]").lower()


def _wants_page(request: web.Request) -> bool:
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def _is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another site's page sent this.

    Where it says so itself, that holds: a page of ours, which may name no referrer, has the origin `null`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"none", "same-origin"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
