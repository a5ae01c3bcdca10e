"""Signed-in browsers: how long they stay so, and what ends it."""

import hashlib

import pytest

from relay.access import Role, Sessions
from relay.access.sessions import IDLE, MOST


@pytest.fixture
def sessions(clock):
    return Sessions(clock)


def test_a_session_is_found_by_the_name_that_only_its_browser_has(sessions):
    name, other = sessions.open(Role.VIEW), sessions.open(Role.ADMIN)
    assert name != other
    found = sessions.find(name)
    assert (found.role, found.who, found.session) == (Role.VIEW, "view token, signed in", True)
    assert found.csrf not in {None, "", sessions.find(other).csrf}
    assert sessions.find("x" + name) is None


def test_of_the_name_only_a_digest_is_kept(sessions):
    name = sessions.open(Role.ADMIN)
    kept = repr(vars(sessions))
    assert name not in kept
    assert hashlib.sha256(name.encode()).digest() in sessions._kept


def test_whoever_asks_nothing_for_half_an_hour_signs_in_again(sessions, clock):
    name = sessions.open(Role.ADMIN)
    clock.now += IDLE - 1
    assert sessions.find(name)
    clock.now += IDLE - 1
    assert sessions.find(name)
    clock.now += IDLE
    assert sessions.find(name) is None


def test_a_stream_that_stays_open_is_no_sign_of_life(sessions, clock):
    name = sessions.open(Role.ADMIN)
    clock.now += IDLE - 1
    assert sessions.find(name, live=True)
    clock.now += 1
    assert sessions.find(name, live=True) is None


def test_half_a_day_is_the_most_however_busy(sessions, clock):
    name, end = sessions.open(Role.ADMIN), clock.now + MOST
    while clock.now + IDLE / 2 < end:
        clock.now += IDLE / 2
        assert sessions.find(name)
    clock.now = end
    assert sessions.find(name) is None


def test_a_closed_session_is_over_and_closing_it_again_is_nothing(sessions):
    name = sessions.open(Role.ADMIN)
    sessions.close(name)
    sessions.close(name)
    assert sessions.find(name) is None


def test_the_oldest_makes_room_for_the_newest(sessions):
    first = sessions.open(Role.VIEW)
    names = [sessions.open(Role.VIEW) for _ in range(1000)]
    assert sessions.find(first) is None
    assert all(sessions.find(name) for name in names)
