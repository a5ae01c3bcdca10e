"""States of the US that let businesses text for fewer hours than 8 to 21, as dated data with a source for each row.

The federal floor is 8:00 to 21:00 on the recipient's clock (47 CFR 64.1200(c)(1)). What a state's statute says of
telephone solicitation is taken at its strictest reading, as if it covered every text; this is an engineering default
and no legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Window = tuple[int, int] | None
"""From and to in minutes after midnight; None for no texts that day."""


def _clock(start: int, end: int) -> Window:
    return start * 60, end * 60


@dataclass(frozen=True, slots=True)
class StateHours:
    """One state's hours: weekdays, Saturday, Sunday."""

    weekdays: Window
    saturday: Window
    sunday: Window
    source: str
    read_on: str = "2026-11-23"
    """When the source was last read."""

    def on(self, weekday: int) -> Window:
        """The window of a weekday, Monday 0."""
        return (self.weekdays, self.weekdays, self.weekdays, self.weekdays, self.weekdays, self.saturday, self.sunday)[
            weekday
        ]


def _same(start: int, end: int, source: str) -> StateHours:
    return StateHours(_clock(start, end), _clock(start, end), _clock(start, end), source)


def _no_sunday(start: int, end: int, source: str) -> StateHours:
    return StateHours(_clock(start, end), _clock(start, end), None, source)


_TABLE = "the state table of dropcowboy.com/state-compliance (2025-11-01)"

STATES: Mapping[str, StateHours] = {
    "AL": _no_sunday(8, 20, f"Ala. Code 8-19A; {_TABLE}"),
    "CT": _same(9, 20, f"Conn. Gen. Stat. 42-288a (since 2023-10-01); {_TABLE}"),
    "FL": _same(8, 20, f"Fla. Stat. 501.059 and 501.616; {_TABLE}"),
    "KY": _same(10, 21, f"KRS 367.46955; {_TABLE}"),
    "LA": _no_sunday(8, 20, f"La. Public Service Commission General Order R-29617; {_TABLE}"),
    "MA": _same(8, 20, f"Mass. Gen. Laws ch. 159C; {_TABLE}"),
    "MD": _same(8, 20, f"Md. Code, Com. Law 14-3201 ff.; {_TABLE}"),
    "MI": _same(9, 21, f"MCL 750.540e; {_TABLE}"),
    "MN": _same(9, 21, f"Minn. Stat. 325E.30; {_TABLE}"),
    "MS": _no_sunday(8, 20, _TABLE),
    "NJ": _same(8, 20, "the state table of support.referrizer.com (TCPA quiet hours)"),
    "NM": _same(9, 21, _TABLE),
    "NV": _same(9, 20, _TABLE),
    "OK": _same(8, 20, f"Okla. Stat. tit. 15, 775C; {_TABLE}"),
    "RI": StateHours(
        _clock(9, 18),
        _clock(10, 17),
        _clock(10, 17),
        f"the state table of support.referrizer.com (TCPA quiet hours); {_TABLE}",
    ),
    "TX": StateHours(
        _clock(9, 21),
        _clock(9, 21),
        _clock(12, 21),
        "Tex. Bus. & Com. Code ch. 301 as amended by SB 140 (since 2025-09-01); foster.com alert of 2025-09-25",
    ),
    "WA": _same(8, 20, "RCW 19.158.040(2)"),
}
