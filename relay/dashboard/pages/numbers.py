"""The business's numbers by group, with what rang on each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from relay.access.places import write_place
from relay.dashboard.page import older

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.dashboard.page import Asked
    from relay.models import Owned

DAYS = 30
FEW, MANY = 50, 200
"""Numbers of a group on the page of all groups, and on its own."""
NONE = "No group"
_RUNS, _CHANGES = 10, 100
_DAY, _HOUR = 86400.0, 3600.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One number, with its calls of thirty days."""

    owned: Owned
    days: Sequence[int]
    answered: int

    @property
    def calls(self) -> int:
        """Inbound calls."""
        return sum(self.days)

    @property
    def rate(self) -> int | None:
        """Percent of them that were answered; None where nobody called."""
        return round(100 * self.answered / self.calls) if self.calls else None


@dataclass(frozen=True, slots=True)
class Part:
    """A group, with as many of its numbers as a page shows."""

    name: str
    whole: int
    numbers: Sequence[Shown]
    more: str | None
    """Where the next ones are shown."""

    @classmethod
    def of(cls, name: str, numbers: Sequence[Shown], after: str | None) -> Part:
        """Its first numbers; where the group alone is looked at, those after one's id, and more of them.

        An id, as numbers in an address are masked for those who only look.
        """
        most = FEW if after is None else MANY
        start = next((place + 1 for place, one in enumerate(numbers) if one.owned.id == after), 0)
        found = numbers[start:]
        last = found[most - 1].owned.id if len(found) > most and after is not None else ""
        more = "?" + urlencode({"group": name, "after": last}) if len(found) > most else None
        return cls(name, len(numbers), found[:most], more)


async def read(asked: Asked) -> dict[str, Any]:
    """All of them."""
    hours, today = asked.shown.hours, asked.shown.hours.local(asked.now).date()
    days: dict[str, list[int]] = defaultdict(lambda: [0] * DAYS)
    answered: dict[str, int] = defaultdict(int)
    for counted in await asked.store.traffic(since=asked.now - DAYS * _DAY):
        age = (today - hours.local(counted.hour * _HOUR).date()).days
        if 0 <= age < DAYS:
            days[counted.number][DAYS - 1 - age] += counted.calls
            answered[counted.number] += counted.calls if counted.outcome == "answered" else 0
    groups: dict[str, list[Shown]] = defaultdict(list)
    owned = await asked.store.numbers()
    for one in sorted(owned, key=lambda one: one.number):
        groups[one.group or NONE].append(Shown(one, tuple(days[one.number]), answered[one.number]))
    chosen = asked.query.get("group")
    parts = [
        Part.of(name, numbers, asked.query.get("after", "") if name == chosen else None)
        for name, numbers in sorted(groups.items())
        if chosen is None or name == chosen
    ]
    place = asked.place()
    runs = await asked.store.number_runs(limit=_RUNS, before=place)
    last = await asked.store.last_moves(now=asked.now)
    return {
        "first": place is None,
        "older": older(write_place(runs[-1].at, runs[-1].id)) if len(runs) == _RUNS else None,
        "by_hand": [
            (one, last[one.number][0]) for one in owned if one.number in last and last[one.number][0].to != one.group
        ],
        "runs": [(run, await asked.store.changes(run.id, limit=_CHANGES)) for run in runs],
        "parts": parts,
        "chosen": chosen,
        "read_at": max((one.read_at for one in owned), default=None),
    }
