"""What a receiver holds: secrets and public keys, read from the spellings of their schemes."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

_SECRET, _PUBLIC, _PRIVATE = "whsec_", "whpk_", "whsk_"
_SHORTEST, _LONGEST = 16, 64
"""Bytes of a shared secret. The standard asks for 24; what somebody already signs with, and is no shorter than an HMAC
needs, is taken."""
_PUBLIC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key; never printed."""

    secret: bytes = field(repr=False)
    """The bytes of the secret, or of an ed25519 public key."""
    public: bool = False
    previous: bool = False
    """True for the key that is being replaced."""


def text_key(secret: str, *, previous: bool = False) -> Key:
    """A secret that is used as it is written.

    Raises:
        ValueError: it is empty.
    """
    if not secret.strip():
        raise ValueError("the secret is empty, which would let anybody in; is its environment variable set?")
    return Key(secret.encode(errors="surrogatepass"), previous=previous)


def standard_key(text: str, *, previous: bool = False) -> Key:
    """A key of Standard Webhooks: whsec_ and base64 (both may be left out: prefix, padding), or whpk_ and base64.

    Raises:
        ValueError: it is empty, no base64, of a wrong length, or a private key.
    """
    written = text.strip()
    if not written:
        raise ValueError("the secret is empty, which would let anybody in; is its environment variable set?")
    if written.startswith(_PRIVATE):
        raise ValueError(
            "whsk_ is the sender's private key and stays with the sender; a receiver needs whpk_ or whsec_"
        )
    public = written.startswith(_PUBLIC)
    secret = _decode(written.removeprefix(_PUBLIC if public else _SECRET))
    if public and len(secret) != _PUBLIC_BYTES:
        raise ValueError(f"a whpk_ key has {_PUBLIC_BYTES} bytes in base64")
    if not public and not _SHORTEST <= len(secret) <= _LONGEST:
        raise ValueError(
            f"a whsec_ secret has 24 to {_LONGEST} bytes in base64 ({_SHORTEST} at least); "
            "make one with `openssl rand -base64 32`"
        )
    return Key(secret, public=public, previous=previous)


def _decode(text: str) -> bytes:
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the secret is no base64 behind its prefix; copy it whole from the sender") from None
