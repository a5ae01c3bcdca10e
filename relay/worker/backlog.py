"""Which connectors may have more due than was taken, so that nobody looks again for what is not there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from relay.behind import Behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from relay.store import Claimed, Want
    from relay.worker.channel import Channel


class Backlog:
    """What the last look left, and whether others are to help with it; before the first one everything may be due."""

    def __init__(self, call_others: Callable[[], None], ticks: Callable[[], float]) -> None:
        """`ticks` are seconds of a clock that nobody sets."""
        self._call_others = call_others
        self._behind = Behind(call_others, ticks)
        self._nothing: set[str] = set()

    @property
    def left(self) -> float | None:
        """Seconds until others are to be called; None while nothing waits."""
        return self._behind.left

    def looked(
        self,
        channels: Mapping[str, Channel],
        wants: Mapping[str, Want],
        claimed: Iterable[Claimed],
        lets_through: Callable[[str], bool],
    ) -> bool:
        """Learn from a look: who was given less than he wanted has nothing left; answers whether anybody has more.

        Where a rate is shared, each relay may send its share only, so that others are called at once.
        """
        taken = Counter(item.delivery.connector for item in claimed)
        self._nothing = {name for name, want in wants.items() if taken[name] < want.slots}
        more = wants.keys() - self._nothing
        if any(taken[name] and channels[name].relays > 1 for name in more):
            self._call_others()
        if any(self.may_hold(name) and lets_through(name) for name in channels):
            self._behind.waits()
        else:
            self._behind.through()
        return bool(more)

    def left_to(self, names: Iterable[str]) -> None:
        """Learn that something is owed to these beside what was taken."""
        self._nothing.difference_update(names)

    def may_hold(self, name: str) -> bool:
        """Whether more may be due to a connector: all that was wanted was there, or nothing could be wanted."""
        return name not in self._nothing
