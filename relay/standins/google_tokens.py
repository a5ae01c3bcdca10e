"""The Google stand-in's service account: its key file, and tokens for assertions that its key signed.

The exchange: https://developers.google.com/identity/protocols/oauth2/service-account, section "HTTP/REST".
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
EMAIL = "relay@stand-in.iam.gserviceaccount.example"
LIFE = 3600
SKEW = 300
"""Seconds that the assertion's clock may differ from ours."""

_BAD_TIME = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."


@cache
def _private_key() -> rsa.RSAPrivateKey:
    """Made once a process: half a second, and every stand-in may share it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class ServiceAccount:
    """Signs nothing itself: it verifies what the other side signed with the key file it was given."""

    def __init__(self) -> None:
        self.email = EMAIL
        self._tokens: dict[str, float] = {}

    def key_file(self, token_uri: str) -> str:
        """The JSON text that Google's console hands out for a service account."""
        private = _private_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "relay-stand-in",
                "private_key_id": "stand-in",
                "private_key": private.decode(),
                "client_email": self.email,
                "client_id": "1",
                "token_uri": token_uri,
            }
        )

    def exchange(self, form: Mapping[str, Any], *, audience: str) -> tuple[int, dict[str, Any]]:
        """Status and body for a token request."""
        if form.get("grant_type") != GRANT:
            return 400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}
        wrong = self._what_is_wrong(str(form.get("assertion", "")), audience)
        if wrong:
            return 400, {"error": "invalid_grant", "error_description": wrong}
        token = "ya29." + secrets.token_urlsafe(16)
        self._tokens[token] = time.time() + LIFE
        return 200, {"access_token": token, "expires_in": LIFE - 1, "token_type": "Bearer"}

    def knows(self, token: str) -> bool:
        """Whether a token was handed out here and is still good."""
        return self._tokens.get(token, 0.0) > time.time()

    def revoke(self) -> None:
        """Make every token handed out so far useless."""
        self._tokens.clear()

    def _what_is_wrong(self, assertion: str, audience: str) -> str | None:
        signed, _, signature = assertion.rpartition(".")
        try:
            head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            _private_key().public_key().verify(
                _decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (ValueError, InvalidSignature):
            return "Invalid JWT Signature."
        if head.get("alg") != "RS256" or claims.get("iss") != self.email:
            return "Invalid JWT: not this account's."
        if claims.get("aud") != audience or SCOPE not in str(claims.get("scope", "")).split():
            return "Invalid JWT: wrong aud or scope."
        now = time.time()
        issued, expires = float(claims.get("iat", 0)), float(claims.get("exp", 0))
        if not (now - LIFE - SKEW < issued < now + SKEW and now - SKEW < expires <= issued + LIFE):
            return f"{_BAD_TIME} Check your iat and exp values in the JWT claim."
        return None


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
