"""How long to wait before trying again."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.backoff import Schedule

steady = partial(float, 0.5)


def test_the_waits_double_from_the_first_to_the_most():
    schedule = Schedule()
    waits = [schedule.next(tries, 0.0, steady) for tries in (1, 2, 3, 4, 13, 14, 100, 10**9)]
    assert waits == [5.0, 10.0, 20.0, 40.0, 20480.0, 21600.0, 21600.0, 21600.0]


@given(st.integers(0, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e12))
def test_every_wait_lies_within_a_fifth_of_the_doubling_and_what_was_asked_for(tries, roll, asked):
    schedule = Schedule(total=float("inf"))
    plain = schedule.next(tries, 0.0, steady)
    wait = schedule.next(tries, 0.0, lambda: roll, asked)
    if asked is None:
        assert 0.8 * plain - 1e-6 <= wait <= 1.2 * plain + 1e-6
    else:
        assert min(asked, schedule.most) <= wait <= schedule.most


def test_what_the_service_asked_for_is_obeyed_whether_shorter_or_longer_than_the_doubling():
    schedule = Schedule()
    assert schedule.next(1, 0.0, lambda: 0.0, 1.0) == 1.0
    assert schedule.next(1, 0.0, lambda: 0.0, 90.0) == 90.0
    assert schedule.next(1, 0.0, lambda: 1.0, 90.0) == pytest.approx(108.0)
    assert schedule.next(1, 0.0, lambda: 1.0, 1e9) == schedule.most


def test_a_service_that_names_one_second_for_ever_is_asked_less_and_less_often():
    waits = [Schedule().next(tries, 0.0, lambda: 0.0, 1.0) for tries in (1, 4, 8, 14)]
    assert waits == sorted(waits)
    assert waits[-1] == 2700.0


def test_there_is_no_next_try_once_the_wait_would_end_after_the_total():
    schedule = Schedule(total=100.0)
    assert schedule.next(1, 95.0, steady) == 5.0
    assert schedule.next(1, 95.1, steady) is None
    assert schedule.next(1, 0.0, lambda: 0.0, 101.0) is None


def test_three_days_hold_a_couple_of_dozen_tries():
    schedule, age = Schedule(), 0.0
    for tries in itertools.count(1):
        wait = schedule.next(tries, age, steady)
        if wait is None:
            break
        age += wait
    assert 20 <= tries <= 26
    assert age <= schedule.total
