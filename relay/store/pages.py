"""The part of the ledger that people look at: pages of what happened, and sums counted as it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.models import Delivery, Event, Verdict


@dataclass(frozen=True, slots=True)
class Traffic:
    """Inbound calls of one hour, on one number, with one outcome."""

    hour: int
    """Hours since 1970."""
    number: str
    """E.164; empty where the call named none."""
    outcome: str
    calls: int


@dataclass(frozen=True, slots=True)
class Glance:
    """What was done about one event."""

    verdicts: tuple[Verdict, ...] | None
    """None while it is not planned."""
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of one person beside calls and texts."""

    opted_out_at: float | None = None
    how: str | None = None
    """How they opted out."""
    tags: tuple[str, ...] = ()


class Pages(Protocol):
    """Looking at the ledger."""

    async def traffic(self, *, since: float) -> list[Traffic]:
        """Inbound calls by hour, number and outcome, oldest first; counted as they are planned."""

    async def ruled(self, *, since: float) -> dict[str, dict[str, int]]:
        """Rule → verdict → how often."""

    async def backlog(self) -> dict[str, dict[str, int]]:
        """Connector → state → how many deliveries are owed to it; of dead ones the latest thousand are looked at."""

    async def glances(self, events: Sequence[str]) -> Mapping[str, Glance]:
        """What was done about each of these events, by event id."""

    async def of_call(self, source: str, key: str) -> list[Event]:
        """The events of one call that are still there, in the order of arrival, 100 at most."""

    async def delivery(self, name: str) -> Delivery | None:
        """One delivery by its id."""

    async def texts_page(
        self, *, limit: int, before: tuple[float, str] | None = None, person: str | None = None
    ) -> list[dict[str, Any]]:
        """Texts, newest first, as `texts` tells them; `before` is the (at, id) of an earlier page's last."""

    async def texts_since(self, at: float) -> int:
        """How many texts count against the limits since Unix second `at`."""

    async def standing(self, person: str) -> Standing:
        """What is known of a person, by E.164."""

    async def pulse(self) -> tuple[int, ...]:
        """A few figures that change whenever something happened; cheap enough to ask every second."""
