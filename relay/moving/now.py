"""What would move, and what drifts, at this moment; the ledger is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from relay.moving.looking import View, look
from relay.numbers import Drift, Planned, drift, plan
from relay.numbers.planning import Ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.numbers import Brakes, Declared
    from relay.rules import About, Rule
    from relay.store import Store
    from relay.texting import PhoneConnector


class Declaring(Protocol):
    """What is declared of numbers: a book of rules is that, and so is what stands in a file."""

    @property
    def rules(self) -> Sequence[Rule]:
        """All rules; those that look at each number are planned."""

    @property
    def groups(self) -> Sequence[Declared]:
        """The declared groups."""

    @property
    def brakes(self) -> Brakes:
        """What holds numbers."""

    @property
    def about(self) -> About:
        """The business."""


async def planned_now(store: Store, phone: PhoneConnector | None, book: Declaring, now: float) -> tuple[View, Planned]:
    """What would move at this moment; the ledger is only read.

    Raises:
        DeliveryFailed: the phone system could not be asked.
    """
    view = await look(store, phone, book.about, now, counts=book.brakes.check_against_api)
    rules = [rule for rule in book.rules if rule.each_number and rule.ticks]
    ground = Ground(book.groups, rules, book.brakes, view.about, uncounted=view.uncounted)
    return view, plan(view.standings, ground, now)


async def drift_now(store: Store, phone: PhoneConnector | None, book: Declaring, now: float) -> tuple[Drift, ...]:
    """What the phone system says against what is declared; the ledger is only read.

    Raises:
        DeliveryFailed: it could not be asked.
    """
    view, planned = await planned_now(store, phone, book, now)
    there = [group.name for group in view.groups or ()]
    return drift(book.groups if view.groups is not None else (), there, view.standings, planned)
