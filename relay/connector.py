"""The seam: all that a connector knows of the relay, and all that the relay knows of a connector."""

from __future__ import annotations

import base64
import contextlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from relay.errors import DeliveryFailed, NotFound
from relay.models import Form, LocalPath, Secret, quick
from relay.templates import HEADER, HTML, PLAIN, URL_PART, Escaping, Names, PathTemplate, Shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from relay.http import Answer, Http

__all__ = [
    "HEADER",
    "HTML",
    "PLAIN",
    "URL_PART",
    "Batch",
    "Connector",
    "Escaping",
    "Form",
    "Job",
    "LocalPath",
    "Names",
    "PathTemplate",
    "Receipt",
    "Secret",
    "Shape",
    "hidden",
    "quoted",
    "unsaid",
]

SAID_MOST = 200
"""Characters of a refusing answer that go into the error."""
_OPEN = {"accept", "accept-language", "content-language", "content-type", "user-agent"}
"""Headers that never hold a secret."""
_SHORTEST = 4
"""Characters below which a text of ours is no secret, and may stand in any answer."""


async def no_recording() -> bytes:
    """What a job's recording answers where there is no phone system to ask.

    Raises:
        NotFound: always.
    """
    raise NotFound("there is no phone system to fetch a recording from: set CALLSCALER_API_KEY")


A = TypeVar("A", bound=Form)
O = TypeVar("O", bound=Form)  # noqa: E741 - the O of Options


async def _kept_later() -> None:
    """Notes are kept when the try settles."""


@quick
@dataclass(frozen=True, slots=True)
class Job(Generic[A]):
    """One delivery on its way out; the same on every try but for `tries`, `notes` and `now`."""

    key: str
    """The same on every try; [A-Za-z0-9_-]{1,128}. Sent as idempotency key."""
    action: A
    """What the step asks for, rendered once: every try sends the same bytes."""
    event: Mapping[str, Any]
    """The event as JSON (see `relay.models.Event.public`)."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The call's fields as their sender wrote them."""
    recording: Callable[[], Awaitable[bytes]] = no_recording
    """Fetches the call's recording (MP3, 25 MiB at most); NotFound while there is none, Unavailable when it fails."""
    tries: int = 0
    """Tries before this one; above 0, an earlier one may have happened after all."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Whatever the connector wants to remember for later tries (JSON); kept in the ledger when the try settles."""
    note: Callable[[], Awaitable[None]] = field(default=_kept_later, compare=False)
    """Keeps `notes` now, durably, for what must be known even after a fall; only moves of numbers do."""
    known: Mapping[str, Any] = field(default_factory=dict)
    """What the last delivery under the same `Connector.key` said to remember; empty for the first."""
    now: float = 0.0
    """Unix seconds of the relay's clock."""
    in_time: Callable[[], bool] = field(default=lambda: True, compare=False)
    """Whether this job is still ours to do; what may never happen twice asks right before its first byte leaves."""


@quick
@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service said of a delivery that succeeded; later steps read it as `steps.<id>.…`."""

    id: str | None = None
    url: str | None = None
    created: bool | None = None
    body: Any = None
    """The answer as JSON, where there was one; capped and redacted before it is kept."""
    status: int | None = None
    remember: Mapping[str, Any] | None = None
    """For the next delivery under the same `Connector.key` (JSON, small), 90 days at most; None changes nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How many jobs of one lane a connector takes at once, and how long the core waits for them."""

    rows: int = 1
    or_after: float = 0.0
    """Seconds that the first job may wait for company."""


class Connector(ABC, Generic[O, A]):
    """Carries actions to one outside service."""

    Options: ClassVar[type[Form]]
    """Filled in once, under connectors: in relay.yaml."""
    Action: ClassVar[type[Form]]
    """Filled in by each step; a field's type names its escaping."""
    alerts_people: ClassVar[bool] = False
    """True for what rings a person's bell: late events stay silent there."""

    def __init__(self, options: O, http: Http) -> None:
        self.options = options
        self.http = http

    @abstractmethod
    async def send(self, job: Job[A]) -> Receipt:
        """Deliver job.action; job.key is the same on every try, job.tries counts them, job.notes remembers.

        Raises:
            Unavailable: to be tried again.
            Rejected: to give up.
            Unclear: when it may have happened: a text then becomes unknown; anything else is tried again,
                with job.tries above 0.
        """

    async def send_batch(self, jobs: Sequence[Job[A]]) -> Sequence[Receipt | DeliveryFailed]:
        """Deliver several jobs of one lane, in order; by default one by one. Answers one result a job."""
        results: list[Receipt | DeliveryFailed] = []
        for job in jobs:
            try:
                results.append(await self.send(job))
            except DeliveryFailed as failure:
                results.append(failure)
        return results

    def batch(self) -> Batch:
        """How jobs are gathered; by default one job, at once."""
        return Batch()

    def lane(self, action: A) -> str | None:  # noqa: ARG002 - part of the seam
        """Jobs of one lane go in order, one batch at a time (a contact, a worksheet, a channel); None for no order."""
        return None

    def key(self, action: A) -> str | None:  # noqa: ARG002 - part of the seam
        """What an action speaks of over there (one call's message), so that a later one can find it; None for nothing.

        Deliveries of one key go in order only where `lane` keeps them so.
        """
        return None

    @classmethod
    def notice(cls, subject: str, text: str) -> dict[str, Any] | None:  # noqa: ARG003 - part of the seam
        """The action that tells people something of the relay's own, an alert; None where it tells people nothing."""
        return None

    async def check(self) -> None:
        """Ask the service whether the options can work, changing nothing.

        Raises:
            Rejected: if they cannot.
        """


def hidden(headers: Mapping[str, str]) -> list[str]:
    """What people wrote into headers for a service and may be secret, by itself too where a scheme stands before it."""
    found = []
    for value in (value for name, value in headers.items() if name.lower() not in _OPEN):
        scheme, _, token = value.partition(" ")
        found += [value, token.strip()]
        if scheme.casefold() == "basic":
            with contextlib.suppress(ValueError):
                pair = base64.b64decode(token).decode()
                found += [pair, pair.partition(":")[2]]
    return found


def quoted(answer: Answer, secrets: Iterable[str]) -> str:
    """A service's own words, short, to stand behind an error; empty when they hold a secret of ours or are a page."""
    whole = answer.body.decode("utf-8", "replace")
    said = " ".join(whole.split())[:SAID_MOST]
    if not said or said.startswith("<") or any(spelt in whole for spelt in _spellings(secrets)):
        return ""
    return f"; it said: {said}"


def unsaid(value: Any, secrets: Iterable[str]) -> Any:
    """The JSON of an answer without the secrets of ours that it repeats, so that it can be kept and shown."""
    if isinstance(value, str):
        for secret in _spellings(secrets):
            value = value.replace(secret, "…")
        return value
    if isinstance(value, list):
        return [unsaid(item, secrets) for item in value]
    if isinstance(value, dict):
        return {unsaid(name, secrets): unsaid(item, secrets) for name, item in value.items()}
    return value


def _spellings(secrets: Iterable[str]) -> set[str]:
    """As they are, and as JSON writes them; some write a slash with a backslash before it."""
    long = [secret for secret in secrets if len(secret) >= _SHORTEST]
    written = [json.dumps(secret)[1:-1] for secret in long]
    return {*long, *written, *(one.replace("/", "\\/") for one in written)}
