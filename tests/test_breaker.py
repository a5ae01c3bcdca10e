"""When a service that keeps failing is asked again, and which refusals pause a connector."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.connector import Receipt
from relay.errors import Forbidden, Gone, Invalid, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.models import Standing
from relay.worker.breaker import Breaker, pauses

DOWN = Unavailable("answered 503")


def after(breaker, *outcomes, now=0.0, first=5.0, probe=False, opens=10):
    return breaker.after(outcomes or [DOWN], now=now, first=first, opens=opens, probe=probe, said="answered 503")


def opened(now=0.0, first=5.0):
    breaker = Breaker()
    for _ in range(10):
        breaker = after(breaker, now=now, first=first)
    return breaker


def test_it_opens_at_the_tenth_failure_in_a_row_and_not_before():
    breaker = Breaker()
    for _ in range(9):
        breaker = after(breaker)
        assert not breaker.open
    breaker = after(breaker, Unclear("no answer"), now=100.0)
    assert (breaker.opened_at, breaker.probe_at, breaker.fault) == (100.0, 105.0, "answered 503")


@pytest.mark.parametrize("answer", [Receipt(), Invalid("answered 422", grace=3), Rejected("no")])
def test_an_answer_in_between_starts_the_count_again(answer):
    breaker = Breaker()
    for _ in range(9):
        breaker = after(breaker)
    breaker = after(breaker, answer)
    for _ in range(9):
        breaker = after(breaker)
    assert not breaker.open


def test_a_batch_is_one_try_and_one_receipt_in_it_is_an_answer():
    assert after(Breaker(), *[DOWN] * 50).failures == 1
    assert after(Breaker(failures=9), DOWN, Receipt(), DOWN).failures == 0


def test_what_a_connector_does_wrong_says_nothing_of_its_service():
    assert after(Breaker(failures=9), ValueError("bug")).failures == 9
    assert not after(Breaker(failures=9), ValueError("bug")).open


def test_probes_come_half_as_often_each_time_but_once_a_minute_at_least():
    breaker, now, waits = opened(), 0.0, []
    for _ in range(7):
        waits.append(breaker.probe_at - now)
        now = breaker.probe_at
        breaker = after(breaker, now=now, probe=True)
    assert waits == [5, 10, 20, 40, 60, 60, 60]
    assert opened(first=3600.0).probe_at == 60.0


def test_a_service_that_names_a_longer_wait_is_not_probed_before():
    assert after(opened(), RateLimited("429", retry_after=900.0), probe=True).probe_at == 900.0
    assert after(opened(), RateLimited("429", retry_after=1.0), probe=True).probe_at == 10.0


def test_what_was_under_way_when_it_opened_puts_nothing_off_and_may_close_it():
    breaker = opened()
    assert after(breaker, now=3.0) == breaker
    assert not after(breaker, Receipt(), now=3.0).open


def test_a_bug_in_a_probe_puts_the_next_one_off_as_a_failure_does():
    assert after(opened(), ValueError("bug"), now=5.0, probe=True).probe_at == 15.0


def test_what_the_ledger_says_wins_and_keeps_the_count_of_a_closed_one():
    standing = Standing("crm", opened_at=1.0, probe_at=9.0, wait=8.0, fault="answered 500")
    assert Breaker(failures=3).known(standing) == Breaker(3, 0, 1.0, 9.0, 8.0, "answered 500")
    assert Breaker(failures=3).known(None).failures == 3
    assert opened().known(Standing("crm")) == Breaker()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Receipt(), DOWN, Unclear("?"), Rejected("no"), ValueError("bug")]),
            st.booleans(),
            st.integers(0, 100),
        )
    )
)
def test_an_open_breaker_always_has_a_probe_within_a_minute(tries):
    breaker, now = Breaker(), 0.0
    for outcome, probe, passed in tries:
        now += passed
        before, breaker = breaker, after(breaker, outcome, now=now, opens=3, probe=probe and breaker.open)
        if breaker.open and breaker != before:
            assert 0 < breaker.probe_at - now <= 60


@pytest.mark.parametrize(
    ("outcome", "refusals", "send", "text"),
    [
        (Gone("410"), 1, True, False),
        (Unauthorized("401", grace=3), 3, True, True),
        (Unauthorized("401", grace=3), 2, False, False),
        (Forbidden("403", grace=3), 3, True, True),
        (NotFound("404", grace=3), 3, True, False),
        (Invalid("422", grace=3), 3, True, False),
        (Invalid("422", grace=3), 2, False, False),
        (Invalid("the header cannot be sent"), 9, False, False),
        (Rejected("answered 301", grace=3), 9, False, False),
        (DOWN, 9, False, False),
        (ValueError("bug"), 9, False, False),
    ],
)
def test_a_refusal_pauses_its_connector_only_where_it_speaks_of_all(outcome, refusals, send, text):
    assert (pauses(outcome, "send", refusals), pauses(outcome, "text", refusals)) == (send, text)
