"""What was claimed ahead of its turn, so that a service that answers quickly never waits for the ledger.

Only as much as a service gets through in a second by its own pace; whoever must be asked again before a try (a phone
system), is held to a rate, or takes batches, is never claimed ahead.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.store import Claimed
    from relay.worker.channel import Channel
    from relay.worker.hold import Hold

MOST = 256
"""Deliveries of one connector that wait in memory at most."""
SPAN = 1.0
"""Seconds of a service's work that may wait in memory."""
_WEIGHT = 0.2
"""How much of the last try there is in the pace, where it was the quicker one."""


class Waiting(NamedTuple):
    """A delivery that is ours, and has not begun."""

    channel: Channel
    claimed: Claimed
    hold: Hold


class Ahead:
    """The deliveries of each connector that are claimed and have not begun, in the order in which they shall."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Waiting]] = {}
        self._pace: dict[str, float] = {}
        """Seconds that a try takes, by connector: quickly up, slowly down."""

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def count(self, name: str) -> int:
        """How many of a connector wait."""
        return len(self._waiting.get(name, ()))

    def most(self, channel: Channel) -> int:
        """How many of a connector may wait; none before the first try has told its pace."""
        pace = self._pace.get(channel.name)
        if pace is None or not channel.may_run_ahead:
            return 0
        return min(MOST, int(channel.concurrency * SPAN / max(pace, 0.001)))

    def is_low(self, channel: Channel) -> bool:
        """Whether it is time to claim more."""
        return self.count(channel.name) <= self.most(channel) // 2

    def took(self, name: str, seconds: float) -> None:
        """Learn from a try how long a service takes."""
        before = self._pace.get(name, 0.0)
        self._pace[name] = max(seconds, before + _WEIGHT * (seconds - before))

    def put(self, waiting: Waiting) -> None:
        """Let a delivery wait for its turn."""
        self._waiting.setdefault(waiting.channel.name, deque()).append(waiting)

    def next(self, channel: Channel) -> Waiting | None:
        """The next one of a connector; None where none waits that may still begin."""
        queue = self._waiting.get(channel.name)
        return queue.popleft() if queue and self._may_begin(queue[0], channel) else None

    def take_back(self, keep: Callable[[str], Channel | None]) -> Iterator[Claimed]:
        """What may not begin any more: of connectors that `keep` does not know, and whose time is over."""
        for name, queue in self._waiting.items():
            channel = keep(name)
            while queue and not (channel is not None and self._may_begin(queue[0], channel)):
                yield queue.popleft().claimed

    @staticmethod
    def _may_begin(waiting: Waiting, channel: Channel) -> bool:
        return waiting.channel is channel and waiting.hold.lasts()
