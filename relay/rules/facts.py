"""The facts a rule is judged on: the event, what the ledger knows of its people, the business, and the clock.

Each is read when a rule asks for it, and only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.rules.fields import FIELDS
from relay.rules.spam import NO_CARD, Scorecard, Spam

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Iterable, Mapping

    from relay.hours import Business
    from relay.models import BusinessFacts, CallerFacts, Event, Known, NumberFacts, Outage

DAY = 86400.0
HISTORY = "history"
"""The ledger's mark that says since when calls are in it."""
_FILTERED = ("caller.name", "caller.first_name")
_RAW = "call.raw."


@dataclass(frozen=True)
class About:
    """The business, as rules see it."""

    name: str
    hours: Business
    history: float | None = None
    """Since when its calls are in the ledger, Unix seconds; None while that is not known."""
    admin_url: str = ""
    """Where people reach the dashboard; empty where nobody said."""
    hours_written: str | None = None
    """As people wrote them; None where they wrote none."""
    holidays: Container[dt.date] = frozenset()
    """Public holidays, where they are asked about."""
    outages: tuple[Outage, ...] = ()
    """Times of which the ledger knows nothing."""
    min_history: float | None = None
    """Seconds of calls that must be known before any is counted over a time; None for just that time."""

    def is_holiday(self, day: dt.date) -> bool:
        """Whether it is closed on this date for once, or the date is a public holiday."""
        return day in self.hours.closed_dates or day in self.holidays

    def lacks(self, window: float, at: float) -> tuple[str, str] | None:
        """What is wanted of the ledger to count calls over so many seconds before `at`, and what is there instead.

        None when it knows enough: silence is news only where somebody listened.
        """
        wanted = window if self.min_history is None else self.min_history
        if not window or not wanted:
            return None
        said = f"{say_span(wanted)} of calls"
        if self.history is None:
            return said, "since not known"
        if at - self.history < wanted:
            # A date, as a span that is nearly long enough would be said as if it were.
            return said, f"since {self._day(self.history)}"
        for outage in self.outages:
            if outage.until > at - wanted and outage.since < at:
                began, lasted = self._day(outage.since, "%Y-%m-%d %H:%M"), say_span(outage.until - outage.since)
                return said, f"an outage from {began}, {lasted} long"
        return None

    def knows(self, window: float) -> tuple[str, str]:
        """What is wanted for such a count, and since when calls are known, where that is long enough."""
        wanted = window if self.min_history is None else self.min_history
        since = "not known" if self.history is None else self._day(self.history)
        return f"{say_span(wanted)} of calls", f"since {since}"

    def _day(self, at: float, form: str = "%Y-%m-%d") -> str:
        return "ever" if at == float("-inf") else self.hours.local(at).strftime(form)


def say_span(length: float) -> str:
    """Seconds as people say them: 30m, 24h, 2d."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("m", 60.0)):
        if length >= 2 * size or (length >= size and length % size == 0):
            return f"{length / size:.0f}{unit}"
    return f"{length:.0f}s"


class Facts:
    """Facts about one event at one moment; `look` answers one by name, `context` some of them for templates."""

    event: Event
    known: Known
    about: About
    at: float
    """The moment, Unix seconds."""

    def __init__(
        self,
        event: Event,
        known: Known,
        about: About,
        now: float,
        scorecard: Scorecard = NO_CARD,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """What is `told`, by name, stands above what would be read."""
        self.event = event
        self.known = known
        self.about = about
        self.at = now
        self._scorecard = scorecard
        self._told = told or {}
        self._found: dict[str, Any] = dict(self._told)

    def look(self, name: str) -> Any:
        """The value of a field, None when it has none."""
        if name in self._found:
            return self._found[name]
        field = FIELDS.get(name)
        if field is not None:
            value = field.read(self)
        elif name.startswith(_RAW):
            value = _within(self.event.raw, name.removeprefix(_RAW))
        else:
            value = None
        self._found[name] = value
        return value

    @cached_property
    def person(self) -> CallerFacts:
        """What the ledger knows of the caller."""
        return self.known.caller()

    @cached_property
    def line(self) -> NumberFacts:
        """What the ledger knows of the number."""
        return self.known.number()

    @cached_property
    def week(self) -> BusinessFacts:
        """What the ledger knows of all numbers together."""
        return self.known.business()

    @cached_property
    def spam(self) -> Spam:
        """What the scorecard says, judged on the clock of the call's arrival."""
        arrived = Facts(self.event, self.known, self.about, self.event.received_at, told=self._told)
        return self._scorecard.judge(arrived.look)

    @cached_property
    def local(self) -> dt.datetime:
        """The moment on the business's clock."""
        return self.about.hours.local(self.at)

    @property
    def age_days(self) -> int | None:
        """Whole days since the number was bought."""
        owned = self.line.owned
        return None if owned is None or owned.created_at is None else int((self.at - owned.created_at) / DAY)

    def context(self, names: Iterable[str], *, for_text: bool = False) -> dict[str, Any]:
        """These names for a template. In a text, the caller's name passes the filter for names first."""
        context: dict[str, Any] = {}
        for name in names:
            group, _, rest = name.partition(".")
            if group == "steps":
                continue
            key = rest.partition(".")[0]
            value = self.look(f"{group}.{key}")
            if for_text and f"{group}.{key}" in _FILTERED:
                value = phone.sms_name(value) if value else None
            context.setdefault(group, {})[key] = value
        return context


def _within(raw: Mapping[str, Any], name: str) -> Any:
    """A field as the sender wrote it: under its whole name, else step by step into what is nested."""
    if name in raw:
        return raw[name]
    found: Any = raw
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
