"""Alphabets, segments and the characters that make a text dearer."""

# ruff: noqa: RUF001 - characters that look like others are what is measured here

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import sms

ESCAPED = "^{}\\[~]|€"


@pytest.mark.parametrize(
    ("text", "alphabet", "length", "segments", "room"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("x" * 160, "GSM-7", 160, 1, 160),
        ("x" * 161, "GSM-7", 161, 2, 306),
        ("x" * 306, "GSM-7", 306, 2, 306),
        ("x" * 307, "GSM-7", 307, 3, 459),
        ("é" * 160, "GSM-7", 160, 1, 160),
        ("€" * 80, "GSM-7", 160, 1, 160),
        ("€" * 81, "GSM-7", 162, 2, 306),
        ("’" * 70, "UCS-2", 70, 1, 70),
        ("’" * 71, "UCS-2", 71, 2, 134),
        ("’" * 134, "UCS-2", 134, 2, 134),
        ("’" * 135, "UCS-2", 135, 3, 201),
        ("😀" * 35, "UCS-2", 70, 1, 70),
        ("😀" * 36, "UCS-2", 72, 2, 134),
        ("€" * 10 + "’", "UCS-2", 11, 1, 70),
    ],
)
def test_a_text_is_measured_in_its_alphabet(text, alphabet, length, segments, room):
    assert sms.measure(text) == sms.Cost(alphabet, length, segments, room)


def test_a_character_that_counts_as_two_is_never_cut_in_half():
    assert sms.measure("x" * 152 + "€" + "x" * 152).segments == 3  # 306 units would fit into two, but for the cut
    assert sms.measure("x" * 66 + "😀" + "x" * 66).segments == 3


def test_the_cost_is_said_as_people_say_it():
    assert str(sms.measure("x" * 90)) == "1 segment, 90 of 160"
    assert str(sms.measure("’" * 100)) == "2 segments, 100 of 134"


def test_the_characters_outside_the_alphabet_are_named_once_in_the_order_of_the_text():
    assert sms.foreign(f"We’re “open” we’re{ESCAPED}\n") == ("’", "“", "”")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("We’re “open” – call…", 'We\'re "open" - call...'),
        ("São José, Núñez, ça va", "Sao José, Nuñez, ca va"),
        ("Sa\u0303o", "Sao"),
        ("Zoë • 9\u202fam", "Zoe - 9 am"),
        ("done ✅🙂", "done "),
        ("naïve €5", "naive €5"),
    ],
)
def test_there_is_a_safe_replacement(written, plain):
    assert sms.in_gsm(written) == plain


def test_the_first_character_too_many_is_found():
    assert sms.overflow("x" * 160, 1) is None
    assert sms.overflow("x" * 170, 1) == 160
    assert sms.overflow("x" * 159 + "€", 1) == 159
    assert sms.overflow("x" * 400, 2) == 306
    assert sms.overflow("’" * 71, 1) == 70


@given(st.text(max_size=700))
def test_whatever_is_written_its_replacement_is_plain_and_costs_no_more_than_three_for_one(text):
    plain = sms.in_gsm(text)
    assert sms.foreign(plain) == ()
    assert sms.measure(plain).alphabet == "GSM-7"
    cost = sms.measure(text)
    assert cost.length <= cost.room
    beyond = sms.overflow(text, 1)
    assert (beyond is None) is (cost.segments == 1)
    assert beyond is None or sms.measure(text[:beyond]).segments == 1 or sms.measure(text).alphabet == "UCS-2"
