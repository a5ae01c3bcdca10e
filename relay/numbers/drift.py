"""Drift: what the phone system says against what is declared. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.numbers.groups import Declared
    from relay.numbers.planning import Planned, Standing

_NAMED = 3
"""Numbers that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which the account is not as it is declared."""

    what: str
    remedy: str


def drift(
    groups: Sequence[Declared], there: Iterable[str], standings: Iterable[Standing], planned: Planned
) -> tuple[Drift, ...]:
    """Everything that is not as declared; `there` are the names of the groups that the phone system has."""
    found: list[Drift] = []
    known = set(there)
    absent = [group.name for group in groups if group.name not in known]
    if absent:
        found.append(
            Drift(f"declared, and not there: {', '.join(absent)}", "`relay numbers apply` makes what a number needs")
        )
    if planned.moves:
        said = _said([f"{m.number} is in {m.source or 'no group'}, belongs in {m.to}" for m in planned.moves])
        found.append(Drift(said, "`relay numbers plan`, then `relay numbers apply`"))
    by_hand = [h.number for h in planned.held if h.because.startswith("by hand:")]
    if by_hand:
        found.append(
            Drift(
                f"moved by hand, and left there: {_said(by_hand)}",
                "declare what is meant, or set regroup: enforce: true",
            )
        )
    several = [s.facts.owned.number for s in standings if s.facts.owned is not None and s.groups and len(s.groups) > 1]
    if several:
        found.append(Drift(f"in several groups: {_said(several)}", "leave each in one, or set regroup: enforce: true"))
    return tuple(found)


def _said(items: Sequence[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f", and {more} more" if more > 0 else "")
