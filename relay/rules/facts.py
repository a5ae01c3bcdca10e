"""The facts a rule is judged on: the event, what the ledger knows of its people, the business, and the clock.

Read only when a rule asks for them, and only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.models import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.hours import Business
    from relay.models import Event, Known

DAY = 86400.0
HISTORY = "history"
"""The ledger's mark that says since when calls are in it."""


@dataclass(frozen=True)
class About:
    """The business, as rules see it."""

    name: str
    hours: Business
    history: float | None = None
    """Since when its calls are in the ledger, Unix seconds; None while that is not known."""


class Facts:
    """Facts about one event at one moment; `look` answers one by name, `context` all of them for templates."""

    def __init__(self, event: Event, known: Known, about: About, now: float, spam: str = "unlikely") -> None:
        self.event = event
        self.known = known
        self.about = about
        self.at = now
        self._spam = spam

    def look(self, name: str) -> Any:
        """The value of a field, None when it has none."""
        group, _, rest = name.partition(".")
        if rest.startswith("raw."):
            return _within(self.event.raw, rest.removeprefix("raw."))
        values: Mapping[str, Any] = getattr(self, group, {})
        return values.get(rest)

    @cached_property
    def call(self) -> Mapping[str, Any]:
        """The call's fields."""
        call = self.event.call
        return {**call, "spam": self._spam, "is_late": self.event.late, "raw": self.event.raw}

    @cached_property
    def caller(self) -> Mapping[str, Any]:
        """The caller's fields."""
        number, name = self.event.caller, self.event.call.get("caller_name")
        known = self.known.caller()
        return {
            "number": number,
            "raw": self.event.caller_raw,
            "name": name,
            "looks_like_person": phone.looks_like_person(name) if name else None,
            "first_name": phone.first_name(name) if name else None,
            "city": self.event.call.get("caller_city"),
            "region": self.event.call.get("caller_region"),
            "country": phone.region(number) if number else None,
            "line": phone.line(number) if number else None,
            "is_new": known.is_new,
            "distinct_numbers_24h": known.distinct_numbers_24h,
            "had_long_call": known.had_long_call,
            "calls_1h": known.calls_1h,
            "calls_24h": known.calls_24h,
            "calls_7d": known.calls_7d,
            "calls_30d": known.calls_30d,
            "answered_since": known.answered_since,
            "replied_since": known.replied_since,
            "last_call_at": iso(known.last_call_at),
            "texts_24h": known.texts_24h,
            "last_texted_at": iso(known.last_texted_at),
            "opted_out": known.opted_out,
            "tags": known.tags,
        }

    @cached_property
    def number(self) -> Mapping[str, Any]:
        """The number's fields."""
        known = self.known.number()
        owned = known.owned
        return {
            "number": self.event.number,
            "name": owned and owned.name,
            "group": owned and owned.group,
            "status": owned and owned.status,
            "sms_enabled": None if owned is None else owned.sms_enabled,
            "calls_7d": known.calls_7d,
            "calls_30d": known.calls_30d,
            "answer_rate_7d": _percent(known.answered_7d, known.calls_7d),
            "answer_rate_30d": _percent(known.answered_30d, known.calls_30d),
            "age_days": None if owned is None or owned.created_at is None else int((self.at - owned.created_at) / DAY),
        }

    @property
    def text(self) -> Mapping[str, Any]:
        """The fields of a text that came in."""
        return self.event.call if self.event.type == "text.received" else {}

    @cached_property
    def business(self) -> Mapping[str, Any]:
        """The business's fields."""
        return {"name": self.about.name, "timezone": self.about.hours.zone}

    @cached_property
    def now(self) -> Mapping[str, Any]:
        """The clock's fields, on the business's clock."""
        local = self.about.hours.local(self.at)
        return {
            "open": self.about.hours.is_open(self.at),
            "weekday": local.strftime("%a").lower(),
            "hour": local.hour,
            "date": local.date().isoformat(),
            "holiday": local.date() in self.about.hours.closed_dates,
        }

    def context(self, *, for_text: bool = False) -> dict[str, Any]:
        """Everything for a template. In a text, the caller's name passes the filter for names first."""
        caller = dict(self.caller)
        if for_text:
            caller["name"] = phone.sms_name(caller["name"]) if caller["name"] else None
            caller["first_name"] = phone.sms_name(caller["first_name"]) if caller["first_name"] else None
        return {
            "call": dict(self.call),
            "caller": caller,
            "number": dict(self.number),
            "text": dict(self.text),
            "business": dict(self.business),
            "now": dict(self.now),
        }


def _within(raw: Mapping[str, Any], name: str) -> Any:
    """A field as the sender wrote it: under its whole name, else step by step into what is nested."""
    if name in raw:
        return raw[name]
    found: Any = raw
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
