"""`proof:` as people write it under a source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from relay.models import Form, Seconds, Secret
from relay.proof.keys import standard_key, text_key
from relay.proof.proof import Proof
from relay.proof.schemes import GITHUB, SLACK, TOLERANCE, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.proof.keys import Key

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", re.ASCII)
_PLACES = re.compile(r"\{[^}]*\}?|\}")
_LAYOUTS = {"github": GITHUB, "slack": SLACK, "stripe": Layout()}
_KINDS = ("header", "standard_webhooks", "hmac", "preset", "bearer", "basic", "none")
_SHAPES = (
    "write one of {header: X-Relay-Secret, secret: …}, {standard_webhooks: whsec_…}, {hmac: {…}}, "
    "{preset: stripe, secret: …}, {bearer: …}, {basic: user:password}, or none"
)


def _header_name(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header; write one like X-Relay-Secret")
    return name


class HmacForm(Form):
    """`hmac:`: a signature over the body, or over a timestamp and the body."""

    header: str
    secret: Secret
    previous: Secret = Secret("")
    """The secret that is being replaced; empty for none."""
    hash: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = ""
    """`{body}`, or `{timestamp}.{body}`, which is the default once there is a timestamp_header."""
    timestamp_header: str = ""
    tolerance: Seconds = Field(TOLERANCE, gt=0, le=86400)

    @field_validator("header")
    @classmethod
    def _name(cls, name: str) -> str:
        return _header_name(name)

    @field_validator("timestamp_header")
    @classmethod
    def _name_or_none(cls, name: str) -> str:
        return _header_name(name) if name else name

    @model_validator(mode="after")
    def _sound(self) -> Self:
        places = _PLACES.findall(self.content)
        if places.count("{body}") != 1 or not set(places) <= {"{body}", "{timestamp}"}:
            raise ValueError("signed needs {body} once, and besides it may hold {timestamp} and plain text only")
        if ("{timestamp}" in places) != bool(self.timestamp_header):
            raise ValueError(
                "timestamp_header and {timestamp} in signed belong together: an unsigned timestamp proves nothing"
            )
        return self

    @property
    def content(self) -> str:
        """What is signed, with its places."""
        return self.signed or ("{timestamp}.{body}" if self.timestamp_header else "{body}")

    @property
    def layout(self) -> Layout:
        """The same for the check."""
        return Layout(
            header=self.header,
            hash=self.hash,
            encoding=self.encoding,
            prefix=self.prefix,
            signed=self.content,
            timestamp_header=self.timestamp_header,
            tolerance=self.tolerance,
        )


class ProofForm(Form):
    """`proof:` of a source; exactly one way, or the text `none`."""

    header: str | None = None
    secret: Secret | None = None
    previous: Secret = Secret("")
    """The secret that is being replaced; empty for none."""
    standard_webhooks: Secret | None = None
    hmac: HmacForm | None = None
    preset: Literal["stripe", "github", "slack"] | None = None
    bearer: Secret | None = None
    basic: Secret | None = None
    none: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _none_as_text(cls, written: Any) -> Any:
        if written == "none":
            return {"none": True}
        if isinstance(written, str):
            raise ValueError(f"this is no proof; {_SHAPES}")  # noqa: TRY004 - pydantic gathers ValueErrors
        return written

    @field_validator("header")
    @classmethod
    def _own_header(cls, name: str | None) -> str | None:
        if name is not None and name.lower() == "authorization":
            raise ValueError(
                "CallScaler drops a custom Authorization header; use a name of your own, like X-Relay-Secret"
            )
        return None if name is None else _header_name(name)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(ways) != 1:
            raise ValueError(f"{' and '.join(ways) or 'nothing'} is given; {_SHAPES}")
        if (self.secret is not None) != (ways[0] in {"header", "preset"}):
            raise ValueError("secret belongs to header and preset, and both need it")
        if self.previous.get_secret_value() and ways[0] in {"hmac", "none"}:
            raise ValueError("previous stands inside hmac" if ways[0] == "hmac" else "none has no previous secret")
        if self.basic is not None and ":" not in self.basic.get_secret_value():
            raise ValueError("basic is written as user:password")
        self.proof()
        return self

    def proof(self) -> Proof:
        """The proof, ready to judge requests.

        Raises:
            ValueError: a secret is empty or cannot be read.
        """
        if self.none:
            return Proof("none")
        if self.hmac is not None:
            return Proof("hmac", _keys(text_key, self.hmac.secret, self.hmac.previous), self.hmac.layout)
        if self.standard_webhooks is not None:
            return Proof("standard_webhooks", _keys(standard_key, self.standard_webhooks, self.previous))
        if self.bearer is not None:
            return Proof("bearer", _keys(text_key, self.bearer, self.previous))
        if self.basic is not None:
            return Proof("basic", _keys(text_key, self.basic, self.previous))
        keys = _keys(text_key, self.secret or Secret(""), self.previous)
        layout = _LAYOUTS[self.preset] if self.preset else Layout(header=self.header or "")
        return Proof(self.preset or "header", keys, layout)


def _keys(read: Callable[..., Key], secret: Secret, previous: Secret) -> tuple[Key, ...]:
    keys = [read(secret.get_secret_value())]
    if previous.get_secret_value():
        keys.append(read(previous.get_secret_value(), previous=True))
    return tuple(keys)
