"""When others are called to help: once more has waited for a second, and once a second from then on."""

import pytest

from relay.behind import Behind


@pytest.fixture
def called():
    return []


@pytest.fixture
def time():
    return [50.0]


@pytest.fixture
def behind(called, time):
    return Behind(lambda: called.append(time[0]), lambda: time[0])


def test_others_are_called_once_a_second_for_as_long_as_something_waits(behind, called, time):
    for time[0] in (50.0, 50.5, 50.9, 51.0, 51.4, 52.0, 52.5):
        behind.waits()
    assert called == [51.0, 52.0]


def test_nobody_is_called_where_all_was_got_through_in_between(behind, called, time):
    for time[0] in (50.0, 50.9, 51.8):
        behind.waits()
        behind.through()
    behind.waits()
    assert called == []


def test_it_says_how_long_it_goes_on_alone(behind, time):
    assert behind.left is None
    behind.waits()
    time[0] += 0.25
    assert behind.left == 0.75
    time[0] += 9
    assert behind.left == 0.0
    behind.through()
    assert behind.left is None
