"""What a relay knows beside its file, and the book of rules that it makes of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.app.modes import SaidModes
from relay.book import Book
from relay.clock import history_of
from relay.lanes import decisions_of, lanes
from relay.rules import version_of_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from relay.http import Http
    from relay.models import Outage, Owned
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.store import Store


class Knowledge:
    """The business's numbers, holes in the ledger, modes said by hand, and rules in older wordings."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.modes = SaidModes(store, clock)
        self.outages: tuple[Outage, ...] = ()
        self._store = store
        self._clock = clock
        self._numbers: list[Owned] = []
        self._old: dict[str, Rule] = {}
        """Rules in wordings that are no longer in force, by version."""
        self._history: float | None = None
        """Since when the ledger keeps calls without a hole, Unix seconds."""

    async def learn_numbers(self) -> None:
        """Read which numbers the business has, and since when there are calls.

        Raises:
            StoreBusy: the ledger could not be read.
        """
        self._numbers = await self._store.numbers()
        self._history = await history_of(self._store, self._clock())

    async def remember(self, settings: Settings) -> None:
        """Keep the wording of these rules, and read the older ones that something owed still names.

        Raises:
            StoreBusy: the ledger could not be read or written.
        """
        for version, (name, form) in settings.written_rules.items():
            await self._store.save_rule(version, name, form, self._clock())
        self._read_old(settings, await self._store.owed_versions())

    async def recall(self, settings: Settings, versions: Collection[str]) -> bool:
        """Read rules in these older wordings; answers whether any of them had yet to be read."""
        missing = set(versions) - {rule.version for rule in settings.rules} - set(self._old)
        self._read_old(settings, await self._store.rule_forms(missing))
        return bool(missing)

    def unfit(self, settings: Settings) -> str | None:
        """Why the ledger's own process could not judge by these settings; None where it can, or there is none."""
        return self._store.unfit(decisions_of(settings))

    def outdate(self, rules: Iterable[Rule]) -> None:
        """These were in force until now."""
        self._old |= {rule.version: rule for rule in rules}

    def book(self, settings: Settings, http: Http) -> Book:
        """What the planner judges by, from these settings and all that is known."""
        rules = self.modes.rules(settings)
        return self.told(
            Book(
                rules=rules,
                about=settings.about,
                policy=settings.policy,
                version=version_of_all(rules),
                rings_people=settings.rings_people,
                old=dict(self._old),
                lanes=lanes(settings, http),
                scorecard=settings.spam,
                brakes=settings.regrouping.brakes,
                groups=settings.regrouping.groups,
            )
        )

    def told(self, book: Book) -> Book:
        """The same book, with what is known now of numbers and of holes in the ledger."""
        about = replace(book.about, history=self._history, outages=self.outages)
        return replace(book, policy=book.policy.knowing(self._numbers), about=about)

    def _read_old(self, settings: Settings, forms: Iterable[tuple[str, str]]) -> None:
        in_force = {rule.version for rule in settings.rules}
        for version, form in forms:
            if version in in_force or version in self._old:
                continue
            rule = settings.read_old_rule(version, form)
            if rule is not None:
                self._old[version] = rule
