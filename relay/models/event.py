"""Something that happened, once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.models.quick import quick

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL_TYPES = ("call.completed", "call.missed", "call.voicemail", "call.failed")
ENRICHED = "call.enriched"
UNCONFIRMED = "unconfirmed"
"""The field of a call that the phone system has yet to confirm (`waiting`), or does not know (`refused`)."""


def iso(at: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC with milliseconds: 2026-03-02T16:00:00.000Z."""
    if at is None:
        return None
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@quick
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
