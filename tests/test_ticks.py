"""Times that rules run at, on the business's clock, across the nights when clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.hours import Business
from relay.rules.ticks import latest_of, next_of
from relay.rules.ticks import read_tick as read

ZONE = ZoneInfo("America/Chicago")
SHOP = Business.read("America/Chicago", {"mon-fri": "08:00-18:00", "sat": "09:00-13:00"}, ["2026-12-25"])
TICKS = [
    {"every": "15m"},
    {"every": "day", "at": "06:10"},
    {"every": "day", "at": "02:30"},
    {"every": "weekday", "at": "01:30"},
    {"every": "sun", "at": "23:59"},
    {"cron": "10 6 * * *"},
    {"cron": "*/7 1-3 * * *"},
    {"at": "opening", "plus": "10m"},
    {"at": "closing"},
]


def read_tick(written):
    found = []
    tick = read(written, (), lambda _, said: found.append(said))
    assert tick is not None, found
    return tick


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def said(moment: float | None) -> str:
    assert moment is not None
    return dt.datetime.fromtimestamp(moment, ZONE).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("written", "now", "latest", "following"),
    [
        ({"every": "15m"}, "2026-03-02 10:07", "2026-03-02 10:00", "2026-03-02 10:15"),
        ({"every": "day", "at": "06:10"}, "2026-03-02 06:10", "2026-03-02 06:10", "2026-03-03 06:10"),
        ({"every": "weekday", "at": "06:10"}, "2026-03-01 12:00", "2026-02-27 06:10", "2026-03-02 06:10"),
        ({"every": "mon", "at": "06:10"}, "2026-03-02 06:09", "2026-02-23 06:10", "2026-03-02 06:10"),
        ({"cron": "10 6 * * 1"}, "2026-03-02 06:10", "2026-03-02 06:10", "2026-03-09 06:10"),
        ({"at": "opening", "plus": "10m"}, "2026-03-02 08:05", "2026-02-28 09:10", "2026-03-02 08:10"),
        ({"at": "closing"}, "2026-12-24 18:00", "2026-12-24 18:00", "2026-12-26 13:00"),
    ],
)
def test_the_moments_before_and_after(written, now, latest, following):
    tick = read_tick(written)
    assert said(tick.latest(at(now), SHOP)) == latest
    assert said(tick.next(at(now), SHOP)) == following


@pytest.mark.parametrize("written", [{"every": "day", "at": "02:30"}, {"cron": "30 2 * * *"}])
def test_a_time_that_is_leapt_over_runs_at_the_next_one_that_exists(written):
    tick = read_tick(written)
    assert said(tick.next(at("2026-03-08 01:00"), SHOP)) == "2026-03-08 03:00"


@pytest.mark.parametrize("written", [{"every": "day", "at": "01:30"}, {"cron": "30 1 * * *"}])
def test_a_doubled_time_runs_once(written):
    tick = read_tick(written)
    first = tick.next(at("2026-11-01 00:00"), SHOP)
    assert said(tick.next(first, SHOP)) == "2026-11-02 01:30"


def test_of_several_times_the_nearest_counts():
    ticks = [read_tick({"every": "day", "at": "06:10"}), read_tick({"at": "closing"}), read_tick({"at": "opening"})]
    now = at("2026-03-02 12:00")
    assert said(latest_of(ticks, now, SHOP)) == "2026-03-02 08:00"
    assert said(next_of(ticks, now, SHOP)) == "2026-03-02 18:00"
    assert latest_of((), now, SHOP) is None
    assert next_of((), now, SHOP) is None


def test_a_business_without_hours_neither_opens_nor_closes():
    assert read_tick({"at": "opening"}).next(at("2026-03-02 10:00"), Business.read("America/Chicago")) is None
    assert read_tick({"at": "closing"}).latest(at("2026-03-02 10:00"), Business.read("America/Chicago")) is None


@given(st.sampled_from(TICKS), st.integers(int(at("2026-01-01 00:00")), int(at("2027-12-31 00:00"))))
def test_latest_and_next_enclose_every_moment_and_agree(written, now):
    tick = read_tick(written)
    latest, following = tick.latest(now, SHOP), tick.next(now, SHOP)
    assert latest is not None
    assert following is not None
    assert latest <= now < following
    assert tick.latest(following, SHOP) == following
    assert tick.next(latest, SHOP) == following


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({"every": "day"}, (), "write {every: day, at: 06:10}"),
        ({"every": "day", "at": "25:00"}, ("at",), "write {every: day, at: 06:10}"),
        ({"every": "mon", "at": "06:10", "plus": "5m"}, ("plus",), "does not go with `every: mon`"),
        ({"every": "15m", "at": "06:10"}, ("at",), "does not go with `every: 15m`"),
        ({"every": "10s"}, ("every",), "at least 1m"),
        ({"every": "soon"}, ("every",), "and no span like 15m"),
        ({"every": ["mon", "tue"]}, ("every",), "and no span like 15m"),
        ({"cron": "nonsense"}, ("cron",), "write five fields"),
        ({"cron": "0 0 30 2 *"}, ("cron",), "write five fields"),
        ({"cron": "* * * * * *"}, ("cron",), "write five fields"),
        ({"cron": "10 6 * * *", "every": "day"}, ("every",), "does not go with `cron`"),
        ({"at": "noon"}, ("at",), "{every: day, at: 06:10}"),
        ({"at": "opening", "plus": "soon"}, ("plus",), "write a number and a unit"),
        ({"at": "opening", "plus": "99w"}, ("plus",), "at most 7d"),
        ({"evry": "15m"}, ("evry",), "did you mean `every`"),
        ({}, (), "{every: day, at: 06:10}"),
    ],
)
def test_what_is_no_time_is_refused_with_its_place_and_a_word_on_how_to_write_it(written, place, message):
    found = []
    assert read(written, (), lambda where, said: found.append((where, said))) is None
    [(where, said)] = found
    assert where == place
    assert message in said
