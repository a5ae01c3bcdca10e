"""Opening hours and quiet hours, on every clock and through every change of clocks."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.hours import STATES, Business, QuietHours, moment, read_hours

CHICAGO = "America/Chicago"
NEW_YORK = "America/New_York"
US = ("America/New_York", "America/Chicago", "America/Denver", "America/Boise", "America/Phoenix",
      "America/Los_Angeles", "America/Anchorage", "America/Adak", "Pacific/Honolulu", "America/Detroit",
      "America/Puerto_Rico", "Pacific/Guam", "America/St_Johns")  # fmt: skip
CHANGES = [dt.date(2026, 3, 8), dt.date(2026, 11, 1), dt.date(2027, 3, 14), dt.date(2027, 11, 7)]


def at(text, zone=CHICAGO, fold=0):
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(moment_, zone=CHICAGO):
    return dt.datetime.fromtimestamp(moment_, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


WEEK = {"mon-fri": "08:00-18:00", "sat": ["09:00-12:00", "13:00-15:00"], "sun": "closed"}


@pytest.mark.parametrize(
    ("hours", "open_days"),
    [
        ({"mon-fri": "08:00-18:00"}, "01234"),
        ({"Monday": "8:00-18:00", "thu": "08:00 - 18:00"}, "03"),
        ({"sat,sun": "08:00-18:00"}, "56"),
        ({"daily": "00:00-24:00"}, "0123456"),
        ({"every day": "08:00-18:00"}, "0123456"),
        ({"weekdays": "08:00-18:00", "weekend": "closed"}, "01234"),
        ({"fri-mon": "08:00-18:00"}, "0456"),
        ({"mon, wed-thu": ["08:00-12:00", "12:00-18:00"]}, "023"),
        ({"sat": "closed"}, ""),
        ({}, "0123456"),
    ],
)
def test_hours_are_read_as_people_write_them(hours, open_days):
    week = read_hours(hours)
    assert "".join(str(day) for day, spans in enumerate(week.days) if spans) == open_days


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"mon": "8-18"}, "no time of day"),
        ({"mon": "08:00"}, "no span of hours"),
        ({"mon": "25:00-26:00"}, "no time of day"),
        ({"mon": "24:30-25:00"}, "no time of day"),
        ({"mon": "08:00-08:00"}, "no length"),
        ({"mon": "24:00-08:00"}, "no length"),
        ({"mon": []}, "has no hours"),
        ({"mnday": "08:00-18:00"}, "'mnday' is no day"),
        ({"mon-xyz": "08:00-18:00"}, "is no day"),
        ({"mon-fri": "08:00-18:00", "wed": "09:00-10:00"}, "wed has hours twice"),
        ({"mon": ["08:00-12:00", "11:00-13:00"]}, "overlap"),
        ({"sun": "20:00-09:00", "mon": "08:00-18:00"}, "overlap"),
        ({"mon": ["closed", "08:00-12:00"]}, "no span"),
        ({"mon": "\u0968:00-\u0969:00"}, "no span"),
    ],
)
def test_hours_that_make_no_sense_are_refused_with_what_to_write(hours, said):
    with pytest.raises(ValueError, match=said):
        read_hours(hours)


def test_a_zone_or_date_that_is_none_is_refused():
    with pytest.raises(ValueError, match="America/Chicago"):
        Business.read("Chicago")
    with pytest.raises(ValueError, match="no time zone"):
        Business.read("../etc/passwd")
    with pytest.raises(ValueError, match="2026-12-25"):
        Business.read(CHICAGO, {}, ["Christmas"])


def test_open_from_the_first_second_to_before_the_last():
    business = Business.read(CHICAGO, WEEK, ["2026-12-25"])
    moments = ["2026-03-02 07:59:59", "2026-03-02 08:00:00", "2026-03-02 17:59:59", "2026-03-02 18:00:00",
               "2026-03-07 12:30:00", "2026-03-07 13:00:00", "2026-03-08 12:00:00", "2026-12-25 12:00:00"]  # fmt: skip
    assert [business.is_open(at(text)) for text in moments] == [False, True, True, False, False, True, False, False]


def test_the_next_opening_and_closing_are_found_over_weekends_and_closed_dates():
    business = Business.read(CHICAGO, WEEK, ["2026-12-25"])
    noon = at("2026-03-02 12:00:00")
    assert business.opens_at(noon) == noon
    assert shown(business.closes_at(noon)) == "2026-03-02 18:00:00"
    assert shown(business.opens_at(at("2026-03-07 15:00:00"))) == "2026-03-09 08:00:00"
    assert shown(business.closes_at(at("2026-03-07 15:00:00"))) == "2026-03-09 18:00:00"
    assert shown(business.opens_at(at("2026-12-24 18:00:00"))) == "2026-12-26 09:00:00"


def test_no_hours_are_always_open_but_on_closed_dates():
    assert Business(CHICAGO).is_open(0.0)
    assert Business(CHICAGO).closes_at(0.0) is None
    business = Business.read(CHICAGO, None, ["2026-12-25"])
    assert not business.is_open(at("2026-12-25 00:00:00"))
    assert shown(business.closes_at(at("2026-12-20 10:00:00"))) == "2026-12-25 00:00:00"
    assert shown(business.opens_at(at("2026-12-25 10:00:00"))) == "2026-12-26 00:00:00"


def test_a_week_that_never_opens_says_so():
    business = Business.read(CHICAGO, {"daily": "closed"})
    assert (business.is_open(0.0), business.opens_at(0.0), business.closes_at(0.0)) == (False, None, None)


def test_hours_may_go_over_midnight():
    business = Business.read(CHICAGO, {"fri": "20:00-02:00"})
    assert business.is_open(at("2026-03-07 01:59:59"))
    assert not business.is_open(at("2026-03-07 02:00:00"))
    assert shown(business.closes_at(at("2026-03-06 21:00:00"))) == "2026-03-07 02:00:00"


def test_times_that_do_not_exist_are_the_next_minute_and_doubled_ones_the_first():
    business = Business(CHICAGO)
    assert shown(business.at(dt.date(2026, 3, 8), "02:30")) == "2026-03-08 03:00:00"
    assert business.at(dt.date(2026, 11, 1), "01:30") == at("2026-11-01 01:30:00")
    assert moment(dt.date(2026, 11, 1), 90, CHICAGO, second=True) - business.at(dt.date(2026, 11, 1), "01:30") == 3600
    assert business.at(dt.date(2026, 3, 8), "06:10") == at("2026-03-08 06:10:00")
    with pytest.raises(ValueError, match="no time of day"):
        business.at(dt.date(2026, 3, 8), "6 o'clock")


@given(st.sampled_from(CHANGES), st.integers(-3 * 1440, 3 * 1440), st.sampled_from(US))
def test_opening_is_always_now_or_the_first_open_second_ahead(day, minutes, zone):
    business = Business.read(zone, {"daily": ["01:30-02:30", "08:00-18:00"]})
    now = moment(day, 0, zone) + minutes * 60
    opens = business.opens_at(now)
    assert business.is_open(opens)
    assert opens == now or not any(business.is_open(now + step * 60) for step in range(int(opens - now) // 60))


DEFAULT = QuietHours.read()


@pytest.mark.parametrize("text", ["8-20", "08:00-08:00", "sometimes", ""])
def test_quiet_hours_that_make_no_sense_are_refused(text):
    with pytest.raises(ValueError, match="or always"):
        QuietHours.read(text)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-03-02 07:59:59", "2026-03-02 08:00:00"),
        ("2026-03-02 08:00:00", "2026-03-02 08:00:00"),
        ("2026-03-02 19:59:59", "2026-03-02 19:59:59"),
        ("2026-03-02 20:00:00", "2026-03-03 08:00:00"),
    ],
)
def test_the_edges_of_quiet_hours_are_sharp(now, allowed):
    assert shown(DEFAULT.allowed_at(at(now), (CHICAGO,), None, CHICAGO)) == allowed


def test_one_utc_hour_is_two_local_ones_around_the_change_of_clocks():
    for day, allowed in ((8, True), (1, False)):
        month = 3 if day == 8 else 11
        now = dt.datetime(2026, month, day, 12, 30, tzinfo=dt.UTC).timestamp()
        assert (DEFAULT.allowed_at(now, (NEW_YORK,), None, NEW_YORK) == now) is allowed


def test_all_candidate_clocks_must_agree():
    zones = ("America/Los_Angeles", NEW_YORK)
    assert shown(DEFAULT.allowed_at(at("2026-03-02 08:00:00", NEW_YORK), zones, None, CHICAGO), NEW_YORK) == (
        "2026-03-02 11:00:00"
    )
    assert shown(DEFAULT.allowed_at(at("2026-03-02 20:00:00", NEW_YORK), zones, None, CHICAGO), NEW_YORK) == (
        "2026-03-03 11:00:00"
    )


def test_an_unknown_clock_has_a_narrow_window_in_new_york():
    for now, allowed in (("11:59", "12:00"), ("12:00", "12:00"), ("18:59", "18:59")):
        found = DEFAULT.allowed_at(at(f"2026-03-02 {now}:00", NEW_YORK), (), None, CHICAGO)
        assert shown(found, NEW_YORK) == f"2026-03-02 {allowed}:00"
    late = DEFAULT.allowed_at(at("2026-03-02 19:00:00", NEW_YORK), (), None, CHICAGO)
    assert shown(late, NEW_YORK) == "2026-03-03 12:00:00"


@pytest.mark.parametrize(
    ("state", "zone", "now", "allowed"),
    [
        ("TX", CHICAGO, "2026-03-02 08:30:00", "2026-03-02 09:00:00"),
        ("TX", CHICAGO, "2026-03-01 09:30:00", "2026-03-01 12:00:00"),
        ("CT", NEW_YORK, "2026-03-02 08:30:00", "2026-03-02 09:00:00"),
        ("FL", NEW_YORK, "2026-03-02 20:30:00", "2026-03-03 08:00:00"),
        ("RI", NEW_YORK, "2026-03-07 09:30:00", "2026-03-07 10:00:00"),
        ("LA", CHICAGO, "2026-03-01 12:00:00", "2026-03-02 08:00:00"),
        (None, CHICAGO, "2026-03-02 20:30:00", "2026-03-02 20:30:00"),
        ("ZZ", CHICAGO, "2026-03-02 20:30:00", "2026-03-02 20:30:00"),
    ],
)
def test_the_stricter_hours_of_a_state_hold_as_well(state, zone, now, allowed):
    wide = QuietHours.read("08:00-21:00")
    assert shown(wide.allowed_at(at(now, zone), (zone,), state, CHICAGO), zone) == allowed
    off = QuietHours.read("08:00-21:00", states="off")
    assert off.allowed_at(at(now, zone), (zone,), state, CHICAGO) == at(now, zone)


def test_every_row_of_the_table_is_dated_sourced_and_inside_the_federal_hours():
    for name, row in STATES.items():
        assert len(name) == 2
        assert row.source
        assert dt.date.fromisoformat(row.read_on)
        for window in (row.weekdays, row.saturday, row.sunday):
            assert window is None or 8 * 60 <= window[0] < window[1] <= 21 * 60


def test_the_businesss_clock_may_count_instead_and_the_states_hours_still_do():
    quiet = QuietHours.read("08:00-20:00", clock="business")
    now = at("2026-03-02 08:00:00")
    assert quiet.allowed_at(now, ("America/Los_Angeles",), None, CHICAGO) == now
    assert quiet.allowed_at(now, (), None, CHICAGO) == now
    assert shown(quiet.allowed_at(now, (CHICAGO,), "TX", CHICAGO)) == "2026-03-02 09:00:00"


def test_always_lifts_everything():
    night = at("2026-03-01 03:00:00")
    assert QuietHours.read("always").allowed_at(night, (), "TX", CHICAGO) == night
    assert QuietHours.read("00:00-24:00").allowed_at(night, (CHICAGO,), None, CHICAGO) == night


def test_a_window_that_two_clocks_never_share_is_never():
    quiet = QuietHours.read("08:00-09:00")
    assert quiet.allowed_at(0.0, (NEW_YORK, "America/Los_Angeles"), None, CHICAGO) == math.inf


def test_a_window_that_opens_in_a_doubled_hour_opens_twice():
    quiet = QuietHours.read("01:30-02:30")
    between = at("2026-11-01 01:10:00", fold=1)
    assert quiet.allowed_at(between, (CHICAGO,), None, CHICAGO) == at("2026-11-01 01:30:00", fold=1)


@pytest.mark.parametrize("written", ["20:00-08:00", "18:00-02:00"])
def test_a_window_through_the_night_is_taken_for_the_mistake_it_is(written):
    with pytest.raises(ValueError, match="allows texts at night"):
        QuietHours.read(written)


@given(
    st.sampled_from(CHANGES),
    st.integers(-3 * 86400, 4 * 86400),
    st.lists(st.sampled_from(US), min_size=1, max_size=3),
    st.sampled_from([None, *STATES]),
    st.sampled_from([(480, 1200), (540, 1260), (90, 150), (120, 180), (0, 1440), (1080, 1560)]),
)
@example(dt.date(2026, 3, 8), 0, [CHICAGO], None, (120, 180))
@example(dt.date(2026, 11, 1), 0, [CHICAGO], None, (90, 150))
def test_no_allowed_moment_lies_outside_the_window_on_any_clock_or_in_any_state(day, off, zones, state, window):
    quiet = QuietHours(*window)
    now = moment(day, 0, zones[0]) + off
    found = quiet.allowed_at(now, tuple(zones), state, CHICAGO)
    assert found >= now
    if found == math.inf:
        assert len(set(zones)) > 1 or state is not None
        return
    assert quiet.allowed_at(found, tuple(zones), state, CHICAGO) == found
    for zone in zones:
        clock = dt.datetime.fromtimestamp(found, ZoneInfo(zone))
        minute = clock.hour * 60 + clock.minute
        assert window[0] <= minute < window[1] or window[0] <= minute + 1440 < window[1]
        row = STATES[state] if state else None
        if row is not None:
            hours = (*[row.weekdays] * 5, row.saturday, row.sunday)[clock.weekday()]
            assert hours is not None
            assert hours[0] <= minute < hours[1]


@given(
    st.sampled_from(CHANGES), st.integers(-3 * 1440, 4 * 1440), st.lists(st.sampled_from(US), min_size=1, max_size=3)
)
def test_the_moment_found_is_the_first_one_allowed(day, minutes, zones):
    now = moment(day, 0, zones[0]) + minutes * 60
    found = DEFAULT.allowed_at(now, tuple(zones), None, CHICAGO)
    if found < math.inf:
        for earlier in range(int(now), int(found), 300):
            clocks = [dt.datetime.fromtimestamp(earlier, ZoneInfo(zone)) for zone in zones]
            assert not all(8 <= clock.hour < 20 for clock in clocks)


@pytest.mark.parametrize(
    ("spoken", "meant"),
    [("CST", CHICAGO), ("Central Time", CHICAGO), ("Eastern", "America/New_York"), ("PDT", "America/Los_Angeles")],
)
def test_what_people_call_their_zone_leads_to_its_name(spoken, meant):
    with pytest.raises(ValueError, match=f"'{spoken}' is no time zone; did you mean {meant}\\?"):
        Business.read(spoken)
