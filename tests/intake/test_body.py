import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import BadBody
from relay.intake import read_json
from relay.intake.body import _read_slowly, is_printable
from relay.intake.reading import _cleaned

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_writes_is_read_as_it_was(value):
    assert read_json(json.dumps(value).encode()) == value


PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b'"a"',
    b'"b:"',
    b'"a\\u003A"',
    b"-0",
    b"1.5",
    b"1e400",
    b"null",
    b'"\xff"',
]


@given(st.lists(st.sampled_from([*PIECES, b'"\\ud800"', b'"\xc3\xa9"', b"9223372036854775808"]), max_size=9))
def test_the_quick_reader_reads_nothing_that_the_strict_one_would_refuse_or_read_otherwise(pieces):
    for body in (b"".join(pieces), b'{"a":' + b"".join(pieces) + b"}"):
        assert told(read_json, body) == told(_read_slowly, body)


def told(read, body):
    try:
        return repr(read(body))
    except BadBody as error:
        return error.status, str(error)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_bad_body(body):
    status = 400
    try:
        read_json(body)
    except BadBody as error:
        status = error.status
    assert status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b'{"call_id": "a", "call_id": "b"}',
        b'{"inner": {"a": 1, "a": 2}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9223372036854775808}',
        b'{"a": ' + b"7" * 5000 + b"}",
        b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b"[" * 100_000,
        b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}",
        b"[" + b"{}," * 2001 + b"{}]",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\xff"}',
    ],
)
def test_what_two_readers_could_read_differently_is_refused(body):
    with pytest.raises(BadBody) as refused:
        read_json(body)
    assert refused.value.status == 400


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_body_that_is_taken_for_printable_holds_nothing_that_is_to_be_cleaned(said):
    body = json.dumps({"said": said}, ensure_ascii=False).encode()
    assert not is_printable(body) or _cleaned(said) == said


@pytest.mark.parametrize("mark", ["\x7f", "\x80", "\x9f", "\u2028", "\u202e", "\u2066", "\u2069", "\\u0000"])
def test_a_mark_that_nobody_sees_is_no_printable_text(mark):
    assert not is_printable(f'{{"said":"{mark}"}}'.encode())


@pytest.mark.parametrize("said", ["plain", "Änn", "漢字", "🙂", "“quoted”", "£5"])
def test_text_of_any_language_is_printable(said):
    assert is_printable(f'{{"said":"{said}"}}'.encode())
