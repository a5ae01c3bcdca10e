from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field

from relay.forms import keys_of, nearest, read_form, unknown
from relay.models import Form, Seconds, Secret, seconds


class Inner(Form):
    rows: int = 1
    after: Seconds = 1.0


class Outer(Form):
    name: str
    mode: Literal["live", "shadow", "off"] = "live"
    batch: Inner = Inner()
    parts: list[Inner] = []
    key: Secret = Secret("")
    hours: dict[str, str | list[str]] = {}
    sender: str = Field(default="", alias="from")


def mistakes(written: Any) -> list[tuple[tuple[Any, ...], str]]:
    found: list[tuple[tuple[Any, ...], str]] = []
    assert read_form(Outer, written, ("x",), lambda place, said: found.append((place, said))) is None
    return found


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({}, ("x", "name"), "`name` is missing here"),
        ({"name": "a", "naem": "b"}, ("x", "naem"), "did you mean `name`?"),
        ({"name": "a", "sender": "b"}, ("x", "sender"), "is no known key"),
        ({"name": "a", "mode": "shadwo"}, ("x", "mode"), "did you mean `shadow`?"),
        ({"name": "a", "mode": "quiet"}, ("x", "mode"), "one of 'live', 'shadow' or 'off'"),
        ({"name": "a", "batch": {"row": "1"}}, ("x", "batch", "row"), "did you mean `rows`?"),
        ({"name": "a", "batch": {"rows": "many"}}, ("x", "batch", "rows"), "whole number"),
        ({"name": "a", "batch": {"after": "soon"}}, ("x", "batch", "after"), "no span of time"),
        ({"name": "a", "batch": "many"}, ("x", "batch"), "a mapping of names"),
        ({"name": "a", "parts": [{"rows": "1"}, {"rwos": "1"}]}, ("x", "parts", 1, "rwos"), "did you mean `rows`?"),
        ({"name": "a", "parts": "b"}, ("x", "parts"), "should be a list"),
        ({"name": ["a"]}, ("x", "name"), "should be text"),
        (["name"], ("x",), "a mapping of names"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(written: Any, place: Any, message: str) -> None:
    found = mistakes(written)
    assert [where for where, _ in found] == [place]
    assert message in found[0][1]


def test_all_mistakes_of_a_form_are_told() -> None:
    assert len(mistakes({"mode": "x", "batch": {"rows": "y"}, "z": "1"})) == 4


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("2 minutes", 120), ("2 min", 120), ("2min", 120), ("5 mins", 300), ("1 hour", 3600), ("2 Hours", 7200),
        ("90 seconds", 90), ("30 sec", 30), ("1 day", 86400), ("3 days", 259200), ("1 week", 604800), ("2 m", 120),
        ("1h30m", 5400), ("1h 30m", 5400), ("1 hour 30 minutes", 5400), ("1.5 hrs", 5400), ("90s", 90), ("0", 0),
    ],
)  # fmt: skip
def test_a_span_of_time_is_read_in_letters_and_in_words(written: str, span: float) -> None:
    assert seconds(written) == span


@pytest.mark.parametrize(
    "written",
    [
        "2",
        "",
        "m",
        "minutes",
        "two minutes",
        "2M",
        "2D",
        "2 months",
        "2 mo",
        "-2m",
        "2 minutes ago",
        "2  m",
        "2m,",
        "1 2m",
        "\u0662m",
    ],
)
def test_what_may_mean_another_time_or_none_is_no_span(written: str) -> None:
    with pytest.raises(ValueError, match="write a number and a unit, like 90s, 15m, 24h or 3d"):
        seconds(written)


def test_no_mistake_repeats_what_was_written_for_a_secret() -> None:
    said = str(mistakes({"name": "a", "key": ["top-secret-0000"]}))
    assert "top-secret" not in said


def test_nothing_written_is_an_empty_form() -> None:
    assert read_form(Inner, None, (), lambda *_: None) == Inner()


def test_the_nearest_word_is_named_or_all_of_them() -> None:
    assert nearest("sned", ["send", "text"]) == "send"
    assert unknown("zzz", ["b", "a"]) == "`zzz` is no known key; known here: a, b"


def test_what_is_no_mapping_is_an_empty_one_after_a_complaint() -> None:
    told: list[str] = []
    assert keys_of(["a"], (), lambda _, said: told.append(said), "connectors") == {}
    assert told == ["connectors is a mapping of names to values"]
    assert keys_of(None, (), lambda *_: None, "x") == {}
