"""Who looks first at what falls due."""

import pytest

from relay.worker.turns import HANG_BACK, Turns

SOON, LATER = 1000.0, 2000.0


@pytest.fixture
def turns():
    return Turns(lambda: 2, lambda: 0.5)


def test_whoever_last_had_to_do_with_it_looks_at_the_moment_itself(turns):
    assert turns.at(SOON, busy=True) == SOON
    assert turns.at(SOON, busy=False) == SOON


def test_the_others_look_a_little_later(turns):
    assert turns.at(SOON, busy=False) == SOON + 0.75 * HANG_BACK
    assert turns.at(LATER, busy=True) == LATER
    assert turns.at(SOON, busy=False) == SOON + 0.75 * HANG_BACK


def test_nothing_is_looked_at_later_where_nobody_else_works(turns):
    assert Turns(lambda: 0).at(SOON, busy=False) == SOON


def test_where_nothing_will_fall_due_nothing_is_looked_at(turns):
    assert turns.at(None, busy=False) is None
