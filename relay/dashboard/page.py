"""One page: what it is called, which template draws it, and what is read for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from relay.access.places import read_count, read_moment, read_place

if TYPE_CHECKING:
    from relay.access import Visitor
    from relay.shown import Shown
    from relay.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for, by whom, and when."""

    store: Store
    shown: Shown
    now: float
    """Unix seconds."""
    visitor: Visitor
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    """The named parts of the address."""
    deeds: frozenset[str] = frozenset()
    """What can be done from here."""
    needs: int = 0
    """Alerts that are open, for the mark beside their page."""

    def before(self) -> int | None:
        """Where the page of a list begins; None for its first, or for an address that somebody bent."""
        return read_count(self.query.get("before", ""))

    def place(self) -> tuple[float, str] | None:
        """Where the page of a list begins that goes by moments: (Unix seconds, id)."""
        return read_place(self.query.get("before", ""))

    def moment(self) -> tuple[float, int] | None:
        """Where one begins that goes by moments alone: (Unix seconds, how many of that very moment were shown)."""
        return read_moment(self.query.get("before", ""))

    def midnight(self) -> float:
        """When the business's day began, Unix seconds."""
        hours = self.shown.hours
        return hours.at(hours.local(self.now).date(), "00:00")


Read = Callable[[Asked], Awaitable[dict[str, Any]]]


def older(place: str | None) -> str | None:
    """The link to a list's next page, which begins at `place`; None at its end."""
    return None if place is None else "?" + urlencode({"before": place})


class Gone(Exception):
    """There is no such thing to show."""


class Elsewhere(Exception):
    """What was asked for is shown at another address of ours."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the dashboard."""

    path: str
    """Address, with named parts in braces."""
    title: str
    template: str
    read: Read
    says: str
    nav: str = ""
    """The entry of the navigation that it belongs to; its own path by default."""
    live: bool = True
    """Whether it keeps itself up to date where scripts run."""

    @property
    def section(self) -> str:
        """The entry of the navigation that is marked."""
        return self.nav or self.path
