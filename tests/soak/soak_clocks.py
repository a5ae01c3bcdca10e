"""Two years of simulated clock, changes of clocks included, in every zone: no text outside its window (P4)."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.year import PEOPLE, UTC, outside, texted

QUARTERS = [dt.datetime(year, month, 1, tzinfo=UTC) for year in (2026, 2027) for month in (1, 4, 7, 10)]


@pytest.mark.parametrize("since", QUARTERS, ids=lambda quarter: f"{quarter:%Y-%m}")
async def test_no_text_leaves_outside_its_window_in_a_quarter_of_two_years(since: dt.datetime) -> None:
    until = (since + dt.timedelta(days=93)).replace(day=2)
    sent = await texted(since, until, dt.timedelta(hours=7, minutes=13))
    assert [wrong for person, at in sent if (wrong := outside(person, at))] == []
    assert {person for person, _ in sent} == set(PEOPLE)
    assert len(sent) > 1000
