"""What the ledger knows of people and numbers when a rule is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
    distinct_numbers_24h: int = 0
    """How many of the business's numbers this person called in a day; many is how robocallers call."""
    had_long_call: bool = False
    """Whether a call of two minutes or more was ever answered."""
    is_new: bool = True
    answered_since: bool = False
    replied_since: bool = False
    texted_by_human_since: bool = False
    """Whether somebody on the account, and not the relay, texted this person since the call began."""
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
class BusinessFacts:
    """What the ledger knows of the last seven days of all numbers together, to the hour."""

    calls_7d: int = 0
    answered_7d: int = 0
    missed_7d: int = 0
    voicemails_7d: int = 0
    texts_7d: int = 0
    """Texts that went out, by rules and by anybody on the account."""
    replies_7d: int = 0
    """Texts that came in."""
    numbers_7d: tuple[str, ...] = ()
    """A line for each number that was called, the busiest first: `Main line: 12 calls, 75% answered`."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What stands in the way of a text to one person, read in the transaction that decides.

    Counted are texts that are sending, unknown, sent or abandoned, by any rule or anybody on the account; shadow ones
    only for shadow rules. Texts of the same run are left out of `last_at`.
    """

    opted_out: bool = False
    off: bool = False
    """The kill switch: `relay texts off`."""
    restored: bool = False
    """The ledger is a copy from earlier, put back: `relay texts on --after-restore` was not said yet."""
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

    def business(self) -> BusinessFacts:
        """Facts about all numbers together."""

    def text(self, recipient: str, *, run: str, rule: str, shadow: bool) -> TextFacts:
        """What stands in the way of a text to this person; shadow texts count only where `shadow` asks for them."""

    def ran(self, rule: str, value: str) -> bool:
        """Whether a rule that runs once per value has run for this one."""
