"""A clock that jumps is not believed until it has agreed with itself twice, and texts wait for that."""

import pytest

from relay.app.steady import CAUSE, JUMP, PAUSE, Steady, watch_clock
from tests.conftest import MONDAY

DAY = 86400.0


class Machine:
    """A wall clock that can be set, and ticks that cannot."""

    def __init__(self, wall=MONDAY):
        self.wall, self.ticks = wall, 1000.0
        self.steady = Steady(lambda: self.wall, lambda: self.ticks)

    def passes(self, seconds, jump=0.0):
        self.wall += seconds + jump
        self.ticks += seconds
        return self.steady.doubt()


@pytest.fixture
def machine():
    return Machine()


def test_a_clock_that_goes_evenly_is_believed_however_long_nobody_looked(machine):
    assert [machine.passes(seconds) for seconds in (0, 1, 30, DAY, 400 * DAY)] == [None] * 5


@pytest.mark.parametrize("slew", [-JUMP, -1.0, 1.0, JUMP])
def test_a_clock_that_is_corrected_a_little_is_believed(machine, slew):
    assert [machine.passes(1, slew) for _ in range(3)] == [None] * 3


@pytest.mark.parametrize(("jump", "said"), [(3600.0, r"jumped by \+3600 s"), (-3600.0, "jumped by -3600 s")])
def test_a_jump_is_doubted_until_two_later_looks_agree(machine, jump, said):
    first = machine.passes(1, jump)
    assert first.startswith("the clock " + said.replace("\\", ""))
    assert machine.passes(PAUSE - 1) == first
    assert machine.passes(1) == first  # the first look that agrees
    assert machine.passes(PAUSE - 1) == first
    assert machine.passes(1) is None
    assert machine.passes(DAY) is None


def test_a_clock_that_jumps_again_begins_anew(machine):
    machine.passes(1, DAY)
    machine.passes(PAUSE)
    assert machine.passes(PAUSE - 1, 60.0) is not None
    assert machine.passes(PAUSE) is not None
    assert machine.passes(PAUSE) is None


def test_many_looks_in_a_moment_are_one_look(machine):
    machine.passes(1, DAY)
    assert None not in [machine.passes(0) for _ in range(99)]


def test_a_start_in_the_past_of_the_ledger_is_doubted_until_that_past_is_over(machine):
    machine.steady.begin(MONDAY + 600)
    assert (
        machine.steady.doubt()
        == "the clock stands before 2026-03-02 16:10:00 UTC, of which the ledger has something already"
    )
    assert machine.passes(500) is not None
    assert machine.passes(100) is None


def test_a_start_in_1970_is_doubted_after_the_clock_was_set_too_until_it_agrees_with_itself():
    machine = Machine(wall=60.0)
    machine.steady.begin(MONDAY)
    assert machine.passes(5) is not None
    assert "jumped by" in machine.passes(1, MONDAY)
    machine.passes(PAUSE)
    assert machine.passes(PAUSE) is None


def test_a_person_may_say_that_the_clock_is_right(machine):
    machine.steady.begin(MONDAY + DAY)
    machine.steady.believe()
    assert machine.steady.doubt() is None
    machine.passes(1, -DAY)
    machine.steady.believe()
    assert machine.steady.doubt() is None


async def test_doubt_is_an_alert_that_ends_with_it_and_what_a_later_clock_planned_falls_due_now(machine, ledger):
    async def look():
        await watch_clock(machine.steady, ledger, lambda: machine.wall)
        return [alert.cause for alert in await ledger.alerts(open_only=True)]

    assert await look() == []
    machine.passes(1, -DAY)
    assert machine.steady.set_back
    assert await look() == [CAUSE]
    assert not machine.steady.set_back
    assert await look() == [CAUSE]
    machine.passes(PAUSE)
    machine.passes(PAUSE)
    assert await look() == []
