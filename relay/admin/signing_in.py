"""Signing in with the token, and out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.access import Role, Route, local_path
from relay.access.sessions import MOST

if TYPE_CHECKING:
    from relay.access import Access, Sessions
    from relay.admin.guard import Faces, Guard

_WRONG = "That is not the token. It is what RELAY_ADMIN_TOKEN (or RELAY_VIEW_TOKEN) is set to where the relay runs."

_LATER = "Too many wrong tokens came from your address. Try again in {:.0f} seconds."


class SigningIn:
    """Sessions for browsers."""

    def __init__(self, access: Access, sessions: Sessions, faces: Faces) -> None:
        self._access = access
        self._sessions = sessions
        self._faces = faces
        self.guard: Guard
        """Knows the name of the cookie; set by whoever puts both together."""

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        return (
            Route("POST", "/signin", self.sign_in, "Sign in with the token.", open=True, tells="text/html"),
            Route("POST", "/signout", self.sign_out, "Sign out.", needs=Role.VIEW, tells="text/html"),
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """A new session for whoever knows a token."""
        silence = self.guard.silence(request)
        if silence:
            return self._faces.signin(request, status=429, wrong=_LATER.format(silence))
        form = await request.post()
        role = self._access.role_of(str(form.get("token", "")).strip())
        if role is None:
            self.guard.guessed(request)
            return self._faces.signin(request, status=401, wrong=_WRONG)
        self._forget(request)
        response = web.HTTPSeeOther(local_path(str(form.get("next", "/"))))
        self._remember(request, response, role)
        raise response

    async def sign_out(self, request: web.Request) -> web.Response:
        """The session is over, wherever its id was copied to."""
        self._forget(request)
        response = web.HTTPSeeOther("/")
        response.del_cookie(self.guard.cookie(request), path="/")
        raise response

    def _remember(self, request: web.Request, response: web.StreamResponse, role: Role) -> None:
        response.set_cookie(
            self.guard.cookie(request),
            self._sessions.open(role),
            path="/",
            secure=self.guard.is_secure(request),
            httponly=True,
            samesite="Strict",
            max_age=int(MOST),
        )

    def _forget(self, request: web.Request) -> None:
        session = request.cookies.get(self.guard.cookie(request))
        if session is not None:
            self._sessions.close(session)
