"""A proof from loose settings, for signature vectors and senders' self-tests: one call, yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.proof.keys import Key, standard_key, text_key
from relay.proof.proof import SHORTEST, Proof
from relay.proof.schemes import GITHUB, SLACK, Layout
from relay.proof.twilio import is_twilios

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def verify(
    scheme: str,
    config: Mapping[str, Any],
    headers: Sequence[Sequence[str]],
    body: bytes,
    now: float,
    url: str | None = None,
    params: Any = None,
) -> bool:
    """Whether a request proves its sender; keys that cannot be read are left out, and nothing raises.

    A setting of another kind than its scheme's is no setting: nothing is guessed.

    `scheme` is standard-webhooks, stripe, github, slack, shared-token, generic-hmac or twilio; `config` holds
    `secrets`, and as the scheme needs them `public_keys`, `header`, `hash`, `encoding`, `prefix`, `timestamp_header`.
    Shared tokens under 16 characters never verify. `url` and `params` (the fields of a form, by name) are what twilio
    signs.
    """
    try:
        given = [(name, value) for name, value in headers]
        if scheme == "twilio":
            return is_twilios(_texts(config), given, body, url, params)
        return scheme in _BUILD and _BUILD[scheme](config).check(given, body, now).ok
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False  # settings of another shape than these prove nothing


def _readable(texts: Sequence[str], read: Callable[[str], Key]) -> list[Key]:
    keys = []
    for text in texts:
        try:
            keys.append(read(text))
        except (AttributeError, ValueError):
            continue
    return keys


def _listed(config: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list. A text itself is none: read as one, each of its letters would be a key."""
    given = config.get(name, ())
    return [text for text in given if isinstance(text, str)] if isinstance(given, (list, tuple)) else []


def _texts(config: Mapping[str, Any], shortest: int = 1) -> tuple[Key, ...]:
    return tuple(key for key in _readable(_listed(config, "secrets"), text_key) if len(key.secret) >= shortest)


def _standard(config: Mapping[str, Any]) -> Proof:
    secrets = _readable(_listed(config, "secrets"), standard_key)
    # A public key written without its whpk_ would read as a secret that everybody knows.
    written = [text if text.startswith("wh") else f"whpk_{text}" for text in _listed(config, "public_keys")]
    public = [key for key in _readable(written, standard_key) if key.public]
    return Proof("standard_webhooks", (*secrets, *public))


def _generic(config: Mapping[str, Any]) -> Proof:
    stamped = config.get("timestamp_header", "")
    hashed, encoding = config.get("hash", "sha256"), config.get("encoding", "hex")
    if hashed not in {"sha256", "sha512"} or encoding not in {"hex", "base64"}:
        raise ValueError("a hash or an encoding that is none of ours")
    layout = Layout(
        header=config.get("header", ""),
        hash=hashed,
        encoding=encoding,
        prefix=config.get("prefix", ""),
        timestamp_header=stamped,
        signed="{timestamp}.{body}" if stamped else "{body}",
    )
    return Proof("hmac", _texts(config), layout)


_BUILD: Mapping[str, Callable[[Mapping[str, Any]], Proof]] = {
    "standard-webhooks": _standard,
    "stripe": lambda config: Proof("stripe", _texts(config)),
    "github": lambda config: Proof("github", _texts(config), GITHUB),
    "slack": lambda config: Proof("slack", _texts(config), SLACK),
    "shared-token": lambda config: Proof("header", _texts(config, SHORTEST), Layout(header=config.get("header", ""))),
    "generic-hmac": _generic,
}
