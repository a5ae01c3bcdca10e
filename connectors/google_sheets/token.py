"""Access tokens for a service account: asked for once, used for an hour."""

from __future__ import annotations

import io
import json
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from gcloud.aio.auth import AioSession, Token

from connectors.google_sheets.forms import FOUND_BY_GOOGLE, read_key
from relay.errors import Rejected, Unauthorized, Unavailable, Unclear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from gcloud.aio.auth.token import TokenResponse

    from relay.connector import Secret
    from relay.http import Answer, Http

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
SERVER_TROUBLE = 500
SPARE = 60.0
"""Seconds before its end at which a token counts as used up."""


class _Answered:
    """Our answer as gcloud-aio-auth reads it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def json(self) -> Any:
        return self._answer.json()


class _OurDoor(AioSession):
    """Lets gcloud-aio-auth post through the relay's own guarded requests: no redirects, bounded, errors told apart."""

    def __init__(self, http: Http) -> None:
        super().__init__(session=cast("Any", http.session))
        self._http = http

    async def post(  # type: ignore[override]  # ours answers our kind of answer
        self,
        url: str,
        headers: Mapping[str, str],
        data: Any = None,
        timeout: float = 10,  # noqa: ASYNC109 - the library's signature
        params: Any = None,  # noqa: ARG002 - the library's signature
    ) -> _Answered:
        answer = await self._http.request("POST", url, data=str(data).encode(), headers=headers, timeout=float(timeout))
        _require_token(answer)
        return _Answered(answer)


class Tokens(ABC):
    """One account's token. The library signs and asks; keeping and retrying are ours."""

    email: str
    """Whom a spreadsheet must be shared with, as far as it is known."""

    def __init__(self) -> None:
        self._token = ""
        self._good_until = 0.0

    async def get(self) -> str:
        """A token that is good for a while.

        Raises:
            Unauthorized: Google does not accept the account.
            Unavailable: Google cannot be asked now.
        """
        if time.monotonic() < self._good_until:
            return self._token
        # acquire_access_token() would try five times within minutes; the queue does that, visibly.
        try:
            fresh = await self._fresh()
        except Unclear as unclear:
            raise Unavailable(f"no token: {unclear}") from None
        except (ValueError, TypeError, LookupError):
            raise Unavailable("Google's token endpoint answered with no token") from None
        self._token = fresh.value
        self._good_until = time.monotonic() + fresh.expires_in - SPARE
        return self._token

    def forget(self, token: str) -> None:
        """Google no longer takes this one; the next `get` asks for another."""
        if token == self._token:
            self._good_until = 0.0

    @abstractmethod
    async def _fresh(self) -> TokenResponse: ...


class OfKeyFile(Tokens):
    """The account of a key file."""

    def __init__(self, key: Mapping[str, str], http: Http) -> None:
        super().__init__()
        self.email = key["client_email"]
        self._key = key
        self._http = http
        self._signing: PrivateKeyTypes | None = None

    async def _fresh(self) -> TokenResponse:
        if self._signing is None:
            try:
                self._signing = load_pem_private_key(self._key["private_key"].encode(), None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                raise Unauthorized("the private_key in the key file cannot be read; download the file again") from None
        source = Token(service_file=io.StringIO(json.dumps(dict(self._key))), scopes=[SCOPE])
        # To read it again, as text, would take the loop 30 ms for each token.
        source.service_data["private_key"] = self._signing
        source.session = _OurDoor(self._http)
        return await source.refresh(timeout=10)


class OfThisMachine(Tokens):
    """The account that Google's libraries find: a file that the environment names, or the machine's own.

    These few requests go past the guard on outgoing addresses, which refuses the machine's metadata server for good
    reason: their addresses are the library's and the file's, never a rule's.
    """

    email = "the service account of this machine"

    async def _fresh(self) -> TokenResponse:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            try:
                source = Token(session=cast("Any", session), scopes=[SCOPE])
                self.email = source.service_data.get("client_email") or self.email
                return await source.refresh(timeout=10)
            except aiohttp.ClientResponseError as refused:
                kind = Unauthorized if refused.status < SERVER_TROUBLE else Unavailable
                raise kind(f"Google gave no token: it answered {refused.status}") from None
            except (aiohttp.ClientError, TimeoutError, OSError) as broken:
                why = f"no credentials that Google's libraries can use on this machine ({type(broken).__name__})"
                raise Unavailable(why) from None


def tokens_of(credentials: Secret, http: Http) -> Tokens:
    """The tokens that an account's credentials stand for."""
    if credentials.get_secret_value() == FOUND_BY_GOOGLE:
        return OfThisMachine()
    return OfKeyFile(read_key(credentials), http)


def _require_token(answer: Answer) -> None:
    try:
        answer.raise_for_status()
    except Rejected as refusal:
        said = _said(answer)
        hint = "; is the clock of this machine right?" if "timeframe" in said else ""
        raise Unauthorized(f"Google gave no token: {said or refusal}{hint}", grace=refusal.grace) from None


def _said(answer: Answer) -> str:
    try:
        body = answer.json()
    except Unclear:
        return ""
    return str(body.get("error_description") or body.get("error", ""))[:200] if isinstance(body, dict) else ""
