"""What holds for every text that any rule sends: limits, quiet hours, regions, as people write them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, field_validator
from pydantic import Field as Key

from relay import phone
from relay.hours import QuietHours
from relay.models import Form, Seconds, per
from relay.store import Windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.hours import Business
    from relay.models import Owned


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` texts in `span` seconds; None lifts the limit."""

    most: int | None
    span: float

    @classmethod
    def read(cls, written: str) -> Limit:
        """From `2/day`, `30/hour`, `5/12h` or `none`.

        Raises:
            ValueError: it is none of these.
        """
        if written == "none":
            return cls(None, 86400.0)
        try:
            most, span = per(written)
        except ValueError:
            raise ValueError(f"`{written}` is no limit; write 2/day, 30/hour, or none") from None
        if span <= 0:
            raise ValueError(f"`{written}` is no limit: it counts over no time at all")
        return cls(most, span)


def _window(written: str) -> str:
    QuietHours.read(written)
    return written


def _region(written: str) -> str:
    name = written.strip().upper()
    if not phone.is_region(name):
        raise ValueError(f"`{written}` is no country's two letters; write US, CA or GB")
    return name


class QuietForm(Form):
    """quiet_hours: as people write it."""

    allow: Annotated[str, AfterValidator(_window)] = "08:00-20:00"
    clock: Literal["recipient", "business"] = "recipient"
    states: Literal["strict", "off"] = "strict"


class LimitsForm(Form):
    """limits: as people write it."""

    per_person: str = "2/day"
    per_prefix: str = "30/hour"
    total: str = "150/day"

    @field_validator("per_person", "per_prefix", "total")
    @classmethod
    def _sound(cls, written: str) -> str:
        Limit.read(written)
        return written


class TextingForm(Form):
    """texting: as people write it; holds for every text any rule sends."""

    quiet_hours: QuietForm = QuietForm()
    limits: LimitsForm = LimitsForm()
    regions: list[Annotated[str, AfterValidator(_region)]] = Key(default=["US", "CA"], min_length=1)
    max_segments: int = Key(default=2, ge=1, le=10)
    settle: Seconds = 120.0
    unanswered: Seconds | None = None
    """How long a text that came in may wait for somebody's answer; then `text.unanswered` is raised."""


@dataclass(frozen=True)
class Policy:
    """What holds for every text."""

    hours: Business
    quiet: QuietHours
    per_person: Limit = Limit(2, 86400.0)
    per_prefix: Limit = Limit(30, 3600.0)
    total: Limit = Limit(150, 86400.0)
    regions: frozenset[str] = frozenset({"US", "CA"})
    staff: frozenset[str] = frozenset()
    own: frozenset[str] = field(default_factory=frozenset)
    """The business's own numbers as far as known; never texted."""
    mute: frozenset[str] = field(default_factory=frozenset)
    """Those of them that cannot send texts, by the phone system's word."""
    settle: float = 120.0
    max_segments: int = 2

    def knowing(self, numbers: Iterable[Owned]) -> Policy:
        """The same, with what the phone system says of the business's numbers."""
        listed = list(numbers)
        own = frozenset(owned.number for owned in listed)
        return replace(self, own=own, mute=frozenset(o.number for o in listed if o.sms_enabled is False))

    @property
    def windows(self) -> Windows:
        """Over how long the ledger counts for the limits."""
        return Windows(self.per_person.span, self.per_prefix.span, self.total.span)
