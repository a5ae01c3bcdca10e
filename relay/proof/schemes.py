"""What each scheme asks of a request: the headers it needs, the bytes that are signed, and how a key answers for them.

Sources: standardwebhooks.com (v1, v1a), docs.stripe.com/webhooks, docs.github.com (validating webhook deliveries),
docs.slack.dev (verifying requests). Common to all: raw bytes, every header exactly once, ASCII decimal seconds,
tolerance both ways with its edge inside, comparison in constant time on bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from relay.models import quick
from relay.proof.keys import Key

Headers = Mapping[str, Sequence[str]]
"""Values by lower-case name."""
Answer = Callable[[Key], bool]
"""Whether a key accounts for the request."""
TOLERANCE = 300.0

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_SECONDS = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_SIGNATURES_MOST = 16
"""Entries of a signature header that are looked at; an honest sender has one for each key in use."""


class Refused(Exception):
    """The request lacks something that the scheme needs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a scheme finds its parts; the named schemes are fixed, hmac is filled in by people."""

    header: str = ""
    hash: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    tolerance: float = TOLERANCE
    any_case: bool = True
    """Whether hex may come in capitals."""


@quick
@dataclass(frozen=True, slots=True)
class Request:
    """What a sender sent, as far as a proof looks at it; `now` in Unix seconds."""

    headers: Headers
    body: bytes
    now: float

    def once(self, name: str) -> str:
        """The value of a header.

        Raises:
            Refused: it is missing, empty, or there more than once.
        """
        values = self.headers.get(name.lower(), ())
        if len(values) > 1:
            raise Refused(f"the header {name} is there more than once")
        if not values or not values[0]:
            raise Refused(f"the header {name} is missing or empty")
        return values[0]

    def recent(self, text: str, tolerance: float) -> str:
        """The timestamp as it was written.

        Raises:
            Refused: it is no count of seconds, or too far from now either way.
        """
        if not _SECONDS.fullmatch(text):
            raise Refused("the timestamp is no plain count of seconds")
        off = self.now - int(text)
        if not abs(off) <= tolerance:
            side = "old" if off > 0 else "ahead"
            raise Refused(f"the timestamp is {abs(off):.0f} s {side}; {tolerance:g} s are allowed; check the clocks")
        return text


def raw(text: str) -> bytes:
    """A header's bytes as they came over the wire: aiohttp keeps what is no UTF-8 as lone surrogates."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in a time that tells neither their length nor where they part."""
    return hmac.compare_digest(hashlib.sha256(left).digest(), hashlib.sha256(right).digest())


def token(layout: Layout, request: Request) -> Answer:
    """The secret itself in a header of our own."""
    given = raw(request.once(layout.header))
    return lambda key: same(given, key.secret)


def bearer(_layout: Layout, request: Request) -> Answer:
    """Authorization: Bearer and the secret."""
    word, _, given = request.once("Authorization").partition(" ")
    if word.lower() != "bearer":
        raise Refused("the Authorization header is no Bearer")
    return lambda key: same(raw(given), key.secret)


def basic(_layout: Layout, request: Request) -> Answer:
    """Authorization: Basic and user:password in base64."""
    word, _, given = request.once("Authorization").partition(" ")
    if word.lower() != "basic":
        raise Refused("the Authorization header is no Basic")
    return lambda key: same(raw(given), base64.b64encode(key.secret))


def signature(layout: Layout, request: Request) -> Answer:
    """An HMAC over the body, or over a timestamp and the body, in a header."""
    given = request.once(layout.header)
    if not given.startswith(layout.prefix):
        raise Refused(f"the header {layout.header} does not start with {layout.prefix}")
    text = given.removeprefix(layout.prefix)
    if layout.encoding == "hex" and layout.any_case and _HEX.fullmatch(text):
        text = text.lower()
    timestamp = ""
    if layout.timestamp_header:
        timestamp = request.recent(request.once(layout.timestamp_header), layout.tolerance)
    before, _, after = layout.signed.replace("{timestamp}", timestamp).partition("{body}")
    signed = before.encode() + request.body + after.encode()
    return lambda key: same(raw(text), _encoded(key, signed, layout))


def _encoded(key: Key, signed: bytes, layout: Layout) -> bytes:
    digest = hmac.digest(key.secret, signed, layout.hash)
    return digest.hex().encode() if layout.encoding == "hex" else base64.b64encode(digest)


def stripe(layout: Layout, request: Request) -> Answer:
    """t=…,v1=…: only v1 counts, and exactly one t."""
    parts = [part.partition("=") for part in request.once("Stripe-Signature").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1:
        raise Refused("Stripe-Signature needs exactly one t=")
    timestamp = request.recent(times[0], layout.tolerance)
    given = [value for name, _, value in parts if name == "v1"][:_SIGNATURES_MOST]
    if not given:
        raise Refused("Stripe-Signature holds no v1= signature")
    signed = timestamp.encode() + b"." + request.body
    return lambda key: any([same(raw(text), _encoded(key, signed, layout)) for text in given])  # noqa: C419 - no early exit


def standard_webhooks(layout: Layout, request: Request) -> Answer:
    """webhook-id, webhook-timestamp, webhook-signature (or svix-…), with v1 (HMAC) and v1a (ed25519) entries."""
    family = "webhook" if any(name.startswith("webhook-") for name in request.headers) else "svix"
    name = request.once(f"{family}-id")
    if not _ID.fullmatch(name):
        raise Refused(f"{family}-id may hold letters, digits, - and _ only")
    timestamp = request.recent(request.once(f"{family}-timestamp"), layout.tolerance)
    entries = [entry.partition(",") for entry in request.once(f"{family}-signature").split(" ")][:_SIGNATURES_MOST]
    signed = b".".join((name.encode(), timestamp.encode(), request.body))

    def answers(key: Key) -> bool:
        wanted = "v1a" if key.public else "v1"
        given = [text for version, _, text in entries if version == wanted]
        if key.public:
            return any([_signed_by(key.secret, text, signed) for text in given])  # noqa: C419 - no early exit
        expected = base64.b64encode(hmac.digest(key.secret, signed, "sha256"))
        return any([same(raw(text), expected) for text in given])  # noqa: C419 - no early exit

    return answers


def _signed_by(public_key: bytes, text: str, signed: bytes) -> bool:
    """Whether an ed25519 signature in canonical base64 is that key's."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - 8 MB, and only this scheme needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    try:
        decoded = base64.b64decode(raw(text), validate=True)
        if base64.b64encode(decoded) != raw(text):
            return False
        Ed25519PublicKey.from_public_bytes(public_key).verify(decoded, signed)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


GITHUB = Layout(header="X-Hub-Signature-256", prefix="sha256=", any_case=False)
SLACK = Layout(
    header="X-Slack-Signature",
    prefix="v0=",
    any_case=False,
    signed="v0:{timestamp}:{body}",
    timestamp_header="X-Slack-Request-Timestamp",
)
MISMATCH = "the secret or signature does not match; check that both sides hold the same secret"
