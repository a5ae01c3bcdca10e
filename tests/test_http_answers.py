"""What an answer means for the delivery: done, later, never, or nobody knows."""

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from relay.errors import (
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unclear,
)
from relay.http import Answer


def answered(status, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CIMultiDictProxy(CIMultiDict(named)), b"")


@pytest.mark.parametrize(
    ("status", "error", "grace"),
    [
        (408, Unavailable, None), (425, Unavailable, None), (429, RateLimited, None), (500, Unavailable, None),
        (503, Unavailable, None), (599, Unavailable, None), (301, Rejected, 3), (400, Invalid, 3),
        (401, Unauthorized, 3),
        (403, Forbidden, 3), (404, NotFound, 3), (410, Gone, 1), (422, Invalid, 3),
    ],
)  # fmt: skip
def test_every_status_says_what_to_do_next(status, error, grace):
    with pytest.raises(error) as raised:
        answered(status).raise_for_status()
    assert type(raised.value) is error
    assert getattr(raised.value, "grace", None) == grace


def test_a_2xx_is_good():
    answered(204).raise_for_status()


@pytest.mark.parametrize(
    ("written", "wait"),
    [
        ("30", 30), ("0", 1), ("999999999999999", 21600), ("-5", None), ("soon", None), ("", None), ("1.5", None),
        ("٣", None), ("Mon, 02 Mar 2026 16:02:00 GMT", 120), ("Mon, 02 Mar 2026 15:00:00 GMT", 1),
        ("Mon, 02 Mar 2099 15:00:00 GMT", 21600),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_date_and_clamped(written, wait):
    assert answered(503, Retry_After=written, Date="Mon, 02 Mar 2026 16:00:00 GMT").retry_after == wait


def test_a_retry_after_date_of_a_service_that_does_not_tell_its_time_counts_by_ours():
    soon = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True)
    assert answered(503, Retry_After=soon).retry_after == pytest.approx(3600, abs=60)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_breaks_anything(after, date):
    wait = answered(503, Retry_After=after, Date=date).retry_after
    assert wait is None or 1 <= wait <= 21600


def test_a_2xx_that_is_no_json_proves_nothing():
    with pytest.raises(Unclear):
        Answer(200, CIMultiDictProxy(CIMultiDict()), b"<html>").json()
