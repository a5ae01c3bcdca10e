"""Every error of the relay in one tree; a type says what to do next.

RelayError
├── ConfigError            mend the file: every mistake with its place
├── BadBody                400 or 422: the sender sent something that is no event
├── TemplateError          mend the template
│   └── Blank              a value was missing: the step is suppressed, never sent with a hole
├── StoreError             the ledger cannot be used as asked
│   ├── StoreBusy          503: nothing was written, ask again
│   └── StoreUnusable      exit 3: wrong file, newer schema
│       └── StoreHeld      another process has it: ask that one
└── DeliveryFailed
    ├── Unavailable        try again, later
    │   └── RateLimited    try again, after the time the service named
    ├── Blocked            hold it: the account or the number may not do this for now, and a person must see to it
    ├── Unclear            it may have happened: a text is never sent again, all else is tried again
    └── Rejected           give up: trying again cannot help
        ├── Unauthorized   the key is missing, wrong or revoked
        ├── Forbidden      the key is right and may not do this
        ├── NotFound       there is no such thing
        │   └── Gone       there never will be again: the connector pauses
        └── Invalid        the service did not accept what was sent
            └── Unfunded   the account's balance is too low
"""

from __future__ import annotations

from dataclasses import dataclass


class RelayError(Exception):
    """Anything the relay itself raises."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a configuration file; line and column count from 1, 0 when there is no place to point at."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(RelayError):
    """The configuration cannot be used; `mistakes` names every one of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class BadBody(RelayError):
    """The body is no event; `status` is 400 for what is not sound JSON, 422 for JSON that is no call."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class TemplateError(RelayError):
    """The template cannot be used as written; `column` is its offset in the source, from 0, when known."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


class Blank(TemplateError):
    """A name in the template has no value, and the template names no default."""


class StoreError(RelayError):
    """The ledger cannot be used as asked."""


class StoreBusy(StoreError):
    """Nothing was written (disk full, locked, closing): the sender is asked to come again."""


class StoreUnusable(StoreError):
    """The ledger cannot be opened; the message says why and what to do."""


class StoreHeld(StoreUnusable):
    """Another process holds the ledger; only one writes to a file. `admin` is the HOST:PORT that it listens on."""

    def __init__(self, said: str, admin: str | None = None, process: str = "unknown") -> None:
        """`admin` is None where the other does not listen, or not yet; `process` is its number."""
        super().__init__(said)
        self.process = process
        self.admin = admin


class DeliveryFailed(RelayError):
    """One try of a delivery did not succeed."""


class Unavailable(DeliveryFailed):
    """Nothing happened, or repeating is harmless: try again after `retry_after` seconds or back-off."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """The service asked for fewer requests; nothing was done."""


class Unclear(DeliveryFailed):
    """It may have happened: the request was sent and no readable answer came."""


class Blocked(DeliveryFailed):
    """It was not done, and will not be until a person sees to it; `sender` is whom it concerns, None for all."""

    def __init__(self, reason: str, *, sender: str | None = None) -> None:
        super().__init__(reason)
        self.sender = sender


class Rejected(DeliveryFailed):
    """The service said no. `grace` is how many tries are allowed in all before it counts as final."""

    def __init__(self, reason: str, *, grace: int = 1) -> None:
        super().__init__(reason)
        self.grace = grace


class Unauthorized(Rejected):
    """The key is missing, wrong or revoked."""


class Forbidden(Rejected):
    """The key is right but may not do this."""


class NotFound(Rejected):
    """There is no such thing on the other side."""


class Gone(NotFound):
    """The other side is gone for good: nothing more is sent there until somebody says so."""


class Invalid(Rejected):
    """The service did not accept what was sent."""


class Unfunded(Invalid):
    """The account's balance is too low for it."""
