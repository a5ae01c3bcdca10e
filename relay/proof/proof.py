"""One source's proof, ready to judge requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from relay.models import quick
from relay.proof import schemes
from relay.proof.schemes import Layout, Refused, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from relay.proof.keys import Key

Scheme = Literal["header", "bearer", "basic", "hmac", "stripe", "github", "slack", "standard_webhooks", "none"]

_SCHEMES: Mapping[str, Callable[[Layout, Request], schemes.Answer]] = {
    "header": schemes.token,
    "bearer": schemes.bearer,
    "basic": schemes.basic,
    "hmac": schemes.signature,
    "github": schemes.signature,
    "slack": schemes.signature,
    "stripe": schemes.stripe,
    "standard_webhooks": schemes.standard_webhooks,
}
_BODILESS = {"header", "bearer", "basic", "none"}
SHORTEST = 16
"""Characters below which a shared secret can be guessed; a shorter one is warned about."""


@quick
@dataclass(frozen=True, slots=True)
class ProofResult:
    """Whether the sender proved itself; `reason` is for our own records and holds no secret."""

    ok: bool
    reason: str = ""
    used_previous: bool = False
    """True when only the secret that is being replaced fits: the sender still has the old one."""
    needs_body: bool = True
    """False when the body plays no part, so that a refusal is final before it is read."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How senders of one source prove themselves."""

    scheme: Scheme
    keys: tuple[Key, ...] = ()
    layout: Layout = field(default_factory=Layout)

    @property
    def needs_body(self) -> bool:
        """Whether the body is signed, so that it must be read before `check`."""
        return self.scheme not in _BODILESS

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a careful owner would change."""
        if self.scheme == "none":
            return ("proof: none lets anybody post events; give the sender a secret",)
        if self.scheme != "standard_webhooks" and any(len(key.secret) < SHORTEST for key in self.keys):
            return (f"the secret has under {SHORTEST} characters; make one with `openssl rand -hex 32`",)
        return ()

    def check(self, headers: Iterable[tuple[str, str]], body: bytes, now: float) -> ProofResult:
        """Judge a request by its headers as they came, its raw body, and the clock (Unix seconds); never raises."""
        if self.scheme == "none":
            return ProofResult(ok=True, needs_body=False)
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name.lower(), []).append(value)
        try:
            answers = _SCHEMES[self.scheme](self.layout, Request(by_name, body, now))
        except Refused as refused:
            return ProofResult(ok=False, reason=str(refused), needs_body=self.needs_body)
        fitting = [key for key in self.keys if answers(key)]
        if not fitting:
            return ProofResult(ok=False, reason=schemes.MISMATCH, needs_body=self.needs_body)
        used_previous = all(key.previous for key in fitting)
        return ProofResult(ok=True, used_previous=used_previous, needs_body=self.needs_body)
