"""Two years of simulated clock, changes of clocks included, in every zone: no text outside its window (P4)."""

from __future__ import annotations

import datetime as dt

from tests.year import PEOPLE, UTC, outside, texted


async def test_no_text_leaves_outside_its_window_in_two_years() -> None:
    since = dt.datetime(2026, 1, 1, tzinfo=UTC)
    sent = await texted(since, since + dt.timedelta(days=731), dt.timedelta(hours=7, minutes=13))
    assert [wrong for person, at in sent if (wrong := outside(person, at))] == []
    assert {person for person, _ in sent} == set(PEOPLE)
    assert len(sent) > 10_000
