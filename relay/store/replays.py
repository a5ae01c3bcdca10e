"""The part of the ledger that lets what is over be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from relay.models import Delivery, Event, Known, Plan
    from relay.store import Run, Windows

    DecideAgain = Callable[[Event, Known, Sequence[Delivery]], Plan]
    DecideRun = Callable[[Run], Sequence[Delivery]]


class Replays(Protocol):
    """Doing again."""

    async def dead(
        self,
        *,
        since: float | None = None,
        rule: str | None = None,
        event: str | None = None,
        connector: str | None = None,
        after: int = 0,
        limit: int,
    ) -> list[Delivery]:
        """Dead deliveries of runs that began at or after `since`, oldest first; `after` is the last seq of a page."""

    async def run(self, name: str) -> Run | None:
        """A run with all its deliveries; None where there is none of that name."""

    async def amend(self, run: str, decide: DecideRun) -> int:
        """Decide the deliveries of a run anew, in one transaction; answers how many changed.

        What somebody holds stays as it is. A changed delivery may name another version of its rule.
        """

    async def replan(
        self,
        event: str,
        decide: DecideAgain,
        *,
        now: float,
        windows: Windows,
        prefix: Callable[[str], str],
        keep: bool = True,
    ) -> Plan | None:
        """Judge an event again, with its earlier deliveries at hand, and owe what is new; None if there is no event.

        Verdicts come after the earlier ones. Nothing is written where `keep` is False.
        """

    async def rule_forms(self, versions: Collection[str]) -> list[tuple[str, str]]:
        """(version, form) of those rule versions that are kept."""
