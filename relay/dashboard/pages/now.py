"""The start page: one glance says whether it works, what came in, and what needs somebody."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from relay.dashboard.pages.calls import rows_of
from relay.models import OWED
from relay.shown import stand_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.dashboard.page import Asked
    from relay.store.pages import Traffic

WEEKS = 4
"""Weeks that say what is usual."""
_DAY, _HOUR = 86400.0, 3600
_LATEST = 8


async def read(asked: Asked) -> dict[str, Any]:
    """Everything on it."""
    store, now = asked.store, asked.now
    states = await store.states()
    oldest = await store.oldest_due()
    latest = await store.events(limit=_LATEST)
    standings = await store.standings()
    return {
        "day": Day.read(asked, await store.traffic(since=asked.midnight() - WEEKS * 7 * _DAY)),
        "texts": await store.texts_since(now - asked.shown.texts_window),
        "texts_off": await store.texts_are_off(),
        "restored": await store.restored(),
        "owed": sum(states.get(state, 0) for state in OWED),
        "dead": states.get("dead", 0),
        "oldest": None if oldest is None else max(0.0, now - oldest),
        "alerts": await store.alerts(open_only=True),
        "quarantined": await store.quarantined(limit=_LATEST),
        "standings": standings,
        "paused": [
            one.name for one in asked.shown.connectors if stand_of(standings.get(one.name), now).state == "paused"
        ],
        "backlog": await store.backlog(),
        "rows": await rows_of(asked, latest),
    }


class Day:
    """Today's calls by the hour, beside what is usual on this day of the week."""

    def __init__(self, answered: list[int], other: list[int], usual: list[float], hour: int) -> None:
        self.answered, self.other, self.usual, self.hour = answered, other, usual, hour

    @classmethod
    def read(cls, asked: Asked, traffic: Iterable[Traffic]) -> Day:
        """From calls by the hour; the usual is the mean of this weekday in those last weeks that are known."""
        hours = asked.shown.hours
        today = hours.local(asked.now)
        answered, other, past = [0] * 24, [0] * 24, defaultdict[int, int](int)
        weeks = set[int]()
        for counted in traffic:
            at = hours.local(counted.hour * float(_HOUR))
            if at.date() == today.date():
                (answered if counted.outcome == "answered" else other)[at.hour] += counted.calls
                continue
            if (back := (today.date() - at.date()).days // 7) > 0:
                weeks.add(back)
            if at.weekday() == today.weekday():
                past[at.hour] += counted.calls
        return cls(answered, other, [past[hour] / max(1, len(weeks)) for hour in range(24)], today.hour)

    @property
    def calls(self) -> int:
        """Calls so far."""
        return sum(self.answered) + sum(self.other)

    @property
    def missed(self) -> int:
        """Calls that nobody answered."""
        return sum(self.other)

    @property
    def usually(self) -> float:
        """Calls that there usually are by the end of this hour."""
        return sum(self.usual[: self.hour + 1])
