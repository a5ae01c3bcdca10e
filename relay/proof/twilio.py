"""Twilio's signature, which covers the public address and the fields of a form instead of the raw body.

Source: www.twilio.com/docs/usage/security (validating requests). It has no timestamp; a body that is no form is covered
by its SHA-256 in the address (`bodySHA256`), and one that is covered by nothing proves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from relay.proof.schemes import Refused, Request, raw, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from urllib.parse import SplitResult

    from relay.proof.keys import Key

_PORTS = {"https": 443, "http": 80}


def is_twilios(
    keys: Iterable[Key], headers: Iterable[tuple[str, str]], body: bytes, url: str | None, params: Any
) -> bool:
    """Whether the signature is that of a sender who knows one of the keys; never raises for what a sender sent."""
    by_name: dict[str, list[str]] = {}
    for name, value in headers:
        by_name.setdefault(name.lower(), []).append(value)
    try:
        given = raw(Request(by_name, body, 0.0).once("X-Twilio-Signature"))
        address = urlsplit(url or "")
        spellings = (url or "", *_with_and_without_port(address))
    except (Refused, ValueError):
        return False
    fields = _fields(params)
    if not address.scheme or (body and not fields and not _covers(address, body)):
        return False
    told = "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    expected = [
        base64.b64encode(hmac.digest(key.secret, raw(spelling + told), hashlib.sha1))
        for key in keys
        for spelling in spellings
    ]
    return any([same(given, one) for one in expected])  # noqa: C419 - no early exit


def _fields(params: Any) -> Mapping[str, Sequence[str]]:
    """The values of each field of a form, given by name or as pairs."""
    pairs = params.items() if isinstance(params, dict) else params or ()
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(str(name), []).extend(map(str, value) if isinstance(value, (list, tuple)) else [str(value)])
    return fields


def _covers(address: SplitResult, body: bytes) -> bool:
    """Whether the address names the digest of this body, once."""
    named = parse_qs(address.query).get("bodySHA256", [])
    return len(named) == 1 and same(raw(named[0].lower()), hashlib.sha256(body).hexdigest().encode())


def _with_and_without_port(address: SplitResult) -> tuple[str, ...]:
    """The address with its port written out, and without it: proxies add and take it."""
    usual = _PORTS.get(address.scheme)
    if address.port is None:
        return () if usual is None else (urlunsplit(address._replace(netloc=f"{address.netloc}:{usual}")),)
    return (urlunsplit(address._replace(netloc=address.netloc.rpartition(":")[0])),)
