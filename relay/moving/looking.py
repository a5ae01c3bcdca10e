"""Looks at all numbers at once: at the phone system where it can be asked, and at what the ledger knows of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.errors import DeliveryFailed
from relay.models import Counted
from relay.numbers import Standing
from relay.rules import HISTORY

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

    Raises:
        DeliveryFailed: the phone system could not be asked for numbers or groups.
        StoreBusy: the ledger could not be read.
    """
    groups: tuple[GroupOfNumbers, ...] | None = None
    if phone is not None:
        await store.save_numbers(await phone.owned(now))
        groups = tuple(await phone.groups())
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
    after = ""
    while page := await store.number_facts(now=now, after=after, limit=PAGE):
        for facts in page:
            owned = facts.owned
            if owned is None:
                continue
            past, flaps = last.get(owned.number, (None, 0))
            standings.append(
                Standing(
                    facts,
                    None if inside is None else inside.get(owned.id, ()),
                    past,
                    flaps,
                    owned.number in busy,
                    None if counted is None else counted.get(owned.number, Counted()),
                )
            )
            after = owned.number
    standings.sort(key=lambda standing: standing.facts.owned.number if standing.facts.owned else "")
    known = replace(about, history=await store.mark(HISTORY), outages=await store.outages(now=now))
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
