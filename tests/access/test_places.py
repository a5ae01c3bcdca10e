"""Where a page of a list begins, read from an address that anybody may have bent."""

import pytest

from relay.access.places import moment_after, place_after, read_count, read_moment, read_place, write_place


def test_a_place_is_read_as_it_was_written():
    assert read_place(write_place(1772467200.25, "txt_1~a")) == (1772467200.25, "txt_1~a")
    assert read_moment(write_place(1772467200.0, "3")) == (1772467200.0, 3)


BENT = ["", "7", "~a", "-1~a", "1e9~a", "1~", "1~a b", f"1~{'a' * 201}", "1\n~a", "\N{ARABIC-INDIC DIGIT ONE}~a"]


@pytest.mark.parametrize("bent", BENT)
def test_what_is_no_place_is_none(bent):
    assert read_place(bent) is None


@pytest.mark.parametrize("bent", ["", "a", "-1", "1.0", "1" * 16, "1\n", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_count_that_the_ledger_could_not_hold_is_none(bent):
    assert read_count(bent) is None
    assert read_moment(f"1772467200.0~{bent}") is None


def test_a_page_that_is_not_full_is_the_last():
    rows = [{"at": 7.0, "id": "b"}, {"at": 5.0, "id": "a"}]
    assert place_after(rows, 2) == "5.0~a"
    assert place_after(rows, 3) is None
    assert moment_after(rows, None, 3) is None


def test_moments_that_are_the_same_are_counted_across_pages():
    rows = [{"at": 5.0}, {"at": 5.0}]
    assert moment_after(rows, None, 2) == "5.0~2"
    assert moment_after(rows, (5.0, 4), 2) == "5.0~6"
    assert moment_after(rows, (9.0, 4), 2) == "5.0~2"
