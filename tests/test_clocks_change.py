"""The week around each change of clocks: nobody is texted outside their hours, and everybody is texted within them."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.year import PEOPLE, UTC, ZONES, outside, texted


def test_every_zone_of_the_country_is_among_the_people_who_call():
    assert {
        "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
        "America/Anchorage", "America/Adak", "Pacific/Honolulu",
    } <= ZONES  # fmt: skip


def test_a_text_at_night_is_found_out():
    night = dt.datetime(2026, 3, 8, 9, 30, tzinfo=UTC).timestamp()
    assert outside("+12125550101", night) == "+12125550101 was texted at Sun 2026-03-08 05:30:00 EDT"
    assert outside("+12145550101", dt.datetime(2026, 3, 8, 16, 30, tzinfo=UTC).timestamp())  # Sunday 11:30 in Texas
    assert outside("+12125550101", dt.datetime(2026, 3, 8, 16, 30, tzinfo=UTC).timestamp()) is None


@pytest.mark.parametrize("change", [dt.datetime(2026, 3, 8, tzinfo=UTC), dt.datetime(2026, 11, 1, tzinfo=UTC)])
async def test_no_text_leaves_outside_its_window_in_the_week_of_a_change_of_clocks(change):
    week = dt.timedelta(days=3, hours=12)
    sent = await texted(change - week, change + week, dt.timedelta(hours=5, minutes=7))
    assert [wrong for person, at in sent if (wrong := outside(person, at))] == []
    assert {person for person, _ in sent} == set(PEOPLE)
    assert len(sent) > 150
