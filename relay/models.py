"""The values that everything else speaks of: forms that people fill in, and frozen facts that the program states."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping

Secret = SecretStr
"""Text that prints as asterisks; `.get_secret_value()` where it is used."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: Any) -> float:
    """A span of time as people write it (90s, 15m, 24h, 3d, 1w, or 1h30m) in seconds.

    Raises:
        ValueError: for anything else; a bare number has no unit and is refused, 0 excepted.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    written = str(text).strip()
    if written == "0":
        return 0.0
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,3})?)([smhdw])", written)
    if not parts or "".join(number + unit for number, unit in parts) != written:
        raise ValueError(f"{written!r} is no span of time; write a number and a unit, like 90s, 15m, 24h or 3d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


Seconds = Annotated[float, BeforeValidator(seconds)]
"""A span of time in a form: written as 15m, kept as seconds."""

CALL_TYPES = ("call.completed", "call.missed", "call.voicemail", "call.failed")
ENRICHED = "call.enriched"


class Form(BaseModel):
    """What people write: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, hide_input_in_errors=True)

    @classmethod
    def as_written(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """A step's fields as people wrote them, templates unfilled; a form may add what only shows there."""
        return fields


class SendText(Form):
    """A text, ready to go: the action of a `text` step."""

    do: Literal["text"] = "text"
    to: str
    """E.164."""
    sender: str
    """The business's number it goes out from, E.164."""
    body: str


class Regroup(Form):
    """A number's move into a group: the action of a `regroup` step."""

    do: Literal["regroup"] = "regroup"
    number: str
    """E.164."""
    to: str
    """The group's name."""
    create: bool = False


class UpdateNumber(Form):
    """A number renamed or given another call flow: the action of an `update_number` step."""

    do: Literal["update_number"] = "update_number"
    number: str
    """E.164."""
    friendly_name: str | None = None
    call_flow: str | None = None


PhoneAction = SendText | Regroup | UpdateNumber
CALLSCALER = "callscaler"
"""The reserved name of the connector that speaks to the phone system."""


def iso(at: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC with milliseconds: 2026-03-02T16:00:00.000Z."""
    if at is None:
        return None
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, once.

    `call` holds the normalised fields under their names of the contract (`id`, `outcome`, `duration` …), only those
    that have a value; `raw` the fields as the sender wrote them.
    """

    id: str
    source: str
    type: str
    key: str
    """The call id, or whatever tells this happening from every other of its source."""
    received_at: float
    call: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    caller: str | None = None
    """The outside person in E.164, None when withheld or unreadable."""
    number: str | None = None
    """The business's tracking number in E.164."""
    caller_raw: str | None = None
    of_type: str = ""
    """For call.enriched: the type of the event whose missing fields arrived. Else the type itself."""
    nth: int = 0
    """0 for the event itself, 1, 2 … for its enrichments."""
    started_at: float | None = None
    """When the call began by its sender's word, Unix seconds; None when not told or not believable."""
    age_known: bool = True
    """False when the sender gave a time that cannot be read or lies ahead: such an event is never fresh."""
    late: bool = False
    seq: int = 0
    """Order of arrival in the ledger."""

    @property
    def began_at(self) -> float:
        """When the call began, or arrived when that is not known."""
        return self.received_at if self.started_at is None else self.started_at

    def public(self) -> dict[str, Any]:
        """The event as JSON for the outside: flat relay fields, and `call` with the raw and the normalised fields."""
        return {
            "id": self.id,
            "event": self.type,
            "type": self.type,
            "source": self.source,
            "call_id": self.key,
            "received_at": iso(self.received_at),
            "late": self.late,
            "caller": {"number": self.caller, "name": self.call.get("caller_name")},
            "number": {"number": self.number},
            "call": {**self.raw, **{k: v for k, v in self.call.items() if k != "caller_name"}},
        }


class State(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    WAITING = "waiting"
    HELD = "held"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    SHADOW = "shadow"
    ABANDONED = "abandoned"

    @property
    def settled(self) -> bool:
        """True when nothing more will happen by itself."""
        return self in _SETTLED


_SETTLED = {State.DELIVERED, State.DEAD, State.CANCELLED, State.SUPPRESSED, State.SHADOW, State.ABANDONED}
OWED = tuple(state for state in State if state not in _SETTLED)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One step of one rule for one event: the unit of the queue."""

    id: str
    event: str
    """The event's id."""
    run: str
    """One rule on one event; the deliveries of a run share it."""
    rule: str
    rule_version: str
    step: int
    """Place of the step in the rule's `then`, from 0."""
    kind: str
    """send, text, regroup, update_number."""
    connector: str
    state: State
    due_at: float | None = None
    """When it may be taken; None while a gate above it is open."""
    first_due_at: float | None = None
    """When it first fell due, after its waits, before any holding; `at_most` counts from here."""
    born_at: float = 0.0
    shadow: bool = False
    action: Mapping[str, Any] | None = None
    """The rendered step, None until it first falls due."""
    lane: str | None = None
    reason: str | None = None
    claims: int = 0
    """Raised by every claim; a settlement with an older count is refused (fencing)."""
    tries: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    settled_at: float | None = None
    seq: int = 0

    def moved(self, state: State, **changes: Any) -> Delivery:
        """The same delivery in another state."""
        return replace(self, state=state, **changes)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery; times in Unix seconds, `answer` redacted and capped."""

    delivery: str
    number: int
    started_at: float
    seconds: float
    outcome: str
    answer: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition or guard of a rule as it was judged: what was wanted, what was there, whether it held."""

    name: str
    wanted: str
    found: str
    held: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule on one event."""

    rule: str
    word: str
    """ran, skipped, held, suppressed, shadow, error."""
    why: str = ""
    findings: tuple[Finding, ...] = ()
    until: float | None = None
    """For held: the moment it goes on, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided about one event."""

    verdicts: tuple[Verdict, ...]
    owed: tuple[Delivery, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    """(person, tag) pairs."""
    once: tuple[tuple[str, str, str], ...] = ()
    """(rule, value, run): a rule that runs once per value has run."""


@dataclass(frozen=True, slots=True)
class Owned:
    """One of the business's numbers, as the phone system described it at `read_at` (Unix seconds)."""

    number: str
    id: str
    name: str | None = None
    group: str | None = None
    group_id: str | None = None
    status: str | None = None
    sms_enabled: bool | None = None
    created_at: float | None = None
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """What the ledger knows of a person when a rule is judged; counts include the call being judged."""

    calls_1h: int = 0
    calls_24h: int = 0
    calls_7d: int = 0
    calls_30d: int = 0
    is_new: bool = True
    answered_since: bool = False
    replied_since: bool = False
    last_call_at: float | None = None
    texts_24h: int = 0
    last_texted_at: float | None = None
    opted_out: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What the ledger knows of one of the business's numbers."""

    owned: Owned | None = None
    calls_7d: int = 0
    calls_30d: int = 0
    answered_7d: int = 0
    answered_30d: int = 0
    first_call_at: float | None = None


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What stands in the way of a text to one person, read in the transaction that decides.

    Counted are texts that are sending, unknown, sent or abandoned, by any rule or anybody on the account; shadow ones
    only for shadow rules. Texts of the same run are left out of `last_at`.
    """

    opted_out: bool = False
    off: bool = False
    """The kill switch: `relay texts off`."""
    last_at: float | None = None
    """Unix seconds of the last text to this person by another run."""
    last_by_rule_at: float | None = None
    last_rule: str | None = None
    to_person: int = 0
    """Texts to this person in the window of limits.per_person."""
    to_prefix: int = 0
    total: int = 0


class Known(Protocol):
    """What the ledger can be asked about one event, within the transaction that decides about it."""

    def caller(self) -> CallerFacts:
        """Facts about the event's caller."""

    def number(self) -> NumberFacts:
        """Facts about the event's number."""

    def text(self, recipient: str, *, run: str, rule: str, shadow: bool) -> TextFacts:
        """What stands in the way of a text to this person; shadow texts count only where `shadow` asks for them."""

    def ran(self, rule: str, value: str) -> bool:
        """Whether a rule that runs once per value has run for this one."""
