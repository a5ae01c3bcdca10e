"""Looks at all numbers at once: at the phone system where it can be asked, and at what the ledger knows of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.errors import DeliveryFailed
from relay.models import Counted
from relay.numbers import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models import GroupOfNumbers
    from relay.rules import About
    from relay.store import Store
    from relay.texting import PhoneConnector

PAGE = 500
"""Numbers that are read together: the ledger's reader is not held for long."""
_UNDER_WAY = ("applying", "stopped")


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a plan is made of, as it stood at one moment."""

    standings: tuple[Standing, ...]
    groups: tuple[GroupOfNumbers, ...] | None
    """The phone system's groups; None where it is not set up, and the ledger's last reading must do."""
    about: About
    uncounted: str | None = None
    """Why the phone system's own figures are missing where they were asked for."""


async def look(store: Store, phone: PhoneConnector | None, about: About, now: float, *, counts: bool = False) -> View:
    """All numbers as they stand at `now`, Unix seconds; `counts` also asks the phone system for its figures.

    The ledger is only read.

    Raises:
        DeliveryFailed: the phone system could not be asked for numbers or groups.
        StoreBusy: the ledger could not be read.
    """
    owned = await store.numbers() if phone is None else await phone.owned(now)
    groups = None if phone is None else tuple(await phone.groups())
    counted, uncounted = await _counted(phone, now) if counts else (None, None)
    inside = None if groups is None else _inside(groups)
    last = await store.last_moves(now=now)
    busy = {
        change.number
        for run in await store.number_runs(limit=PAGE, states=_UNDER_WAY)
        for change in await store.changes(run.id)
        if change.state == "under_way"
    }
    standings: list[Standing] = []
    owned = sorted(owned, key=lambda one: one.number)
    for start in range(0, len(owned), PAGE):
        some = owned[start : start + PAGE]
        for one, facts in zip(some, await store.number_facts(some, now=now), strict=True):
            past, flaps = last.get(one.number, (None, 0))
            groups_in = None if inside is None else inside.get(one.id, ())
            told = None if counted is None else counted.get(one.number, Counted())
            standings.append(Standing(facts, groups_in, past, flaps, one.number in busy, told))
    known = replace(about, history=await store.known_since(), outages=await store.outages(now=now))
    return View(tuple(standings), groups, known, uncounted)


async def _counted(phone: PhoneConnector | None, now: float) -> tuple[Mapping[str, Counted] | None, str | None]:
    if phone is None:
        return None, "the CallScaler API is not set up"
    try:
        return await phone.counted(now), None
    except DeliveryFailed as failure:
        return None, str(failure)


def _inside(groups: tuple[GroupOfNumbers, ...]) -> dict[str, tuple[str, ...]]:
    """The names of the groups that each number is in, by the number's id."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member, []).append(group.name)
    return {number: tuple(sorted(names)) for number, names in found.items()}
