from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.rules import fields_in, read_condition
from relay.rules.conditions import WORDS
from relay.rules.patterns import read_pattern


def mistakes(written: Any, lists: Any = None) -> list[tuple[tuple[Any, ...], str]]:
    found: list[tuple[tuple[Any, ...], str]] = []
    read_condition(written, ("if",), lambda place, message: found.append((place, message)), lists)
    return found


def read(written: Any, lists: Any = None) -> Any:
    def complain(place: Any, message: str) -> None:
        raise AssertionError(f"{place}: {message}")

    return read_condition(written, (), complain, lists)


def holds(written: Any, lists: Any = None, **values: Any) -> bool:
    facts = {name.replace("__", "."): value for name, value in values.items()}
    return bool(read(written, lists).judge(facts.get))


@pytest.mark.parametrize(
    ("asked", "value", "expected"),
    [
        ({"call.flow": "Main"}, "Main", True),
        ({"call.flow": "Main"}, "main", False),
        ({"call.flow": ["Main", "Ads"]}, "Ads", True),
        ({"call.flow": {"in": "Ads"}}, "Ads", True),
        ({"call.flow": {"not_in": ["Main"]}}, "Ads", True),
        ({"call.flow": {"is_not": "Main"}}, "Main", False),
        ({"call.flow": "present"}, "Main", True),
        ({"call.flow": "missing"}, "Main", False),
        ({"call.flow": {"has": "AD"}}, "google ads", True),
        ({"call.flow": {"starts_with": "Goo"}}, "google ads", True),
        ({"call.flow": {"matches": "^g.*s$"}}, "google ads", True),
        ({"call.ai_score": {"at_least": "60"}}, 60, True),
        ({"call.ai_score": {"above": "60"}}, 60, False),
        ({"call.ai_score": {"at_most": "60", "above": "10"}}, 42, True),
        ({"call.ai_score": {"below": "60"}}, 60, False),
        ({"call.ai_score": "42"}, 42, True),
        ({"call.ai_score": "42"}, 42.0, True),
        ({"call.duration": {"at_least": "2m"}}, 120, True),
        ({"call.duration": {"at_least": "120"}}, 119, False),
        ({"call.qualified": "yes"}, True, True),
        ({"call.qualified": "false"}, False, True),
        ({"call.qualified": {"is_not": "true"}}, False, True),
        ({"caller.number": "(312) 555-0101"}, "+13125550101", True),
        ({"caller.number": {"not_in": ["+13125550101"]}}, "+13125550101", False),
        ({"caller.tags": "vip"}, ("new", "vip"), True),
        ({"caller.tags": {"is_not": "vip"}}, ("new", "vip"), False),
        ({"caller.tags": {"has": "VIP"}}, ("vip",), True),
        ({"caller.tags": ["gold", "vip"]}, ("vip",), True),
        ({"caller.tags": {"not_in": ["gold"]}}, ("vip",), True),
        ({"call.raw.order": "12"}, 12, True),
        ({"call.raw.order": ["11", "12"]}, 12, True),
        ({"call.raw.order": {"above": "11"}}, 12, True),
        ({"call.raw.paid": "true"}, True, True),
        ({"call.raw.deep": ["x"]}, {"a": 1}, False),
        ({"call.raw.order": {"above": "11"}}, "many", False),
        ({"call.raw.order": {"above": "11"}}, [1], False),
    ],
)
def test_every_word_means_what_it_says(asked: Any, value: Any, expected: bool) -> None:
    name = next(iter(asked))
    assert read(asked).judge({name: value}.get) is expected


@pytest.mark.parametrize("nothing", [None, "", (), [], {}])
def test_a_field_without_a_value_makes_positive_words_false_and_negative_ones_true(nothing: Any) -> None:
    wanted = {"at_least": "1", "at_most": "1", "above": "1", "below": "1", "matches": ".*", "in_list": "vip"}
    for word in WORDS:
        condition = read({"call.raw.x": {word: wanted.get(word, "a")}}, {"vip": {"a"}})
        assert condition.judge({"call.raw.x": nothing}.get) is (word in {"is_not", "not_in"}), word
        assert condition.findings({"call.raw.x": nothing}.get)[0].found == "missing"
    assert read({"call.raw.x": "missing"}).judge({"call.raw.x": nothing}.get)
    assert not read({"call.raw.x": "present"}).judge({"call.raw.x": nothing}.get)


def test_a_list_under_lists_is_asked_by_in_list() -> None:
    lists = {"welcome": frozenset({"+13125550101"})}
    assert holds({"caller.number": {"in_list": "welcome"}}, lists, caller__number="+13125550101")
    assert not holds({"caller.number": {"in_list": "welcome"}}, lists, caller__number="+13125550102")
    assert "did you mean `welcome`" in mistakes({"caller.number": {"in_list": "welcom"}}, lists)[0][1]


def test_all_any_and_not_combine_and_a_list_means_all() -> None:
    either = {"any": [{"call.flow": "A"}, {"call.flow": "B"}]}
    assert holds(either, call__flow="B")
    assert not holds(either, call__flow="C")
    assert holds({"any": {"call.flow": "A", "call.source": "x"}}, call__source="x")
    assert holds({"not": {"call.flow": "A", "call.source": "x"}}, call__flow="A", call__source="y")
    assert not holds({"all": [{"call.flow": "A"}, {"call.source": "x"}]}, call__flow="A")
    assert holds([{"call.flow": "A"}, {"call.source": "x"}], call__flow="A", call__source="x")
    assert fields_in(read({"not": [{"any": {"call.flow": "A", "call.source": "x"}}]})) == {"call.flow", "call.source"}


def test_a_finding_says_what_was_wanted_and_what_was_there() -> None:
    condition = read({"call.ai_score": {"at_least": "60"}, "any": [{"call.flow": "A"}, {"call.source": "b"}]})
    score, either = condition.findings({"call.ai_score": 42, "call.flow": "Z"}.get)
    assert (score.name, score.wanted, score.found, score.held) == ("call.ai_score", "at least 60", "42", False)
    assert either.wanted == "call.flow is A (was Z); call.source is b (was missing)"
    assert not either.held


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({"call.ai_scor": "1"}, ("if", "call.ai_scor"), "did you mean `call.ai_score`"),
        ({"anny": []}, ("if", "anny"), "did you mean `any`"),
        ({"steps.crm.url": "x"}, ("if", "steps.crm.url"), "steps"),
        ({"call.ai_score": {"at_leest": "1"}}, ("if", "call.ai_score", "at_leest"), "did you mean `at_least`"),
        ({"call.ai_score": {"at_least": "many"}}, ("if", "call.ai_score", "at_least"), "no number"),
        ({"call.ai_score": "1_000"}, ("if", "call.ai_score"), "no number"),
        ({"call.ai_score": "nan"}, ("if", "call.ai_score"), "no number"),
        ({"call.duration": {"above": "an hour"}}, ("if", "call.duration", "above"), "span of time"),
        ({"call.qualified": "maybe"}, ("if", "call.qualified"), "neither true nor false"),
        ({"call.qualified": {"has": "t"}}, ("if", "call.qualified", "has"), "true or false"),
        ({"call.flow": {"above": "3"}}, ("if", "call.flow", "above"), "is no number"),
        ({"caller.number": "12"}, ("if", "caller.number"), "telephone number"),
        ({"call.outcome": "mised"}, ("if", "call.outcome"), "did you mean `missed`"),
        ({"now.weekday": ["sat", "sunday"]}, ("if", "now.weekday"), "never `sunday`"),
        ({"call.flow": ""}, ("if", "call.flow"), "nothing is written"),
        ({"call.flow": []}, ("if", "call.flow"), "something in it"),
        ({"call.flow": {}}, ("if", "call.flow"), "nothing is asked"),
        ({"call.flow": {"is": ["a"]}}, ("if", "call.flow", "is"), "one value"),
        ({"call.flow": [["a"]]}, ("if", "call.flow"), "one value"),
        ({"call.flow": {"matches": "("}}, ("if", "call.flow", "matches"), "cannot be read"),
        ({"call.flow": {"in_list": "x"}}, ("if", "call.flow", "in_list"), "no list `x`"),
        ({"any": []}, ("if", "any"), "takes conditions"),
        ({"not": "x"}, ("if", "not"), "takes conditions"),
        ("call.flow", ("if",), "mapping of field names"),
        ([{"call.flow": "a"}, "b"], ("if", 1), "mapping of field names"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(written: Any, place: Any, message: str) -> None:
    assert [where for where, _ in mistakes(written)] == [place]
    assert message in mistakes(written)[0][1]


def test_all_mistakes_are_told_at_once() -> None:
    written = {"call.flo": "a", "any": [{"call.ai_score": "x"}, {"caller.nam": "y"}], "call.flow": {"iss": "a"}}
    assert len(mistakes(written)) == 4


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a|aa)+$",
        "(a|a)*b",
        r"(\w|\d)+$",
        "(.*)*x",
        ".*.*.*.*x",
        "a?" * 25 + "a" * 25,
        "(a|a)" * 30 + "b",
        "((a{1,50}){1,50})x",
        "a{0,500}a{0,500}a{0,500}b",
        "(?:a?){30}b",
        "(x+x+)+y",
        "(",
        "a{2,1}",
        "a" * 501,
    ],
)
def test_a_pattern_that_could_run_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        read_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"roof.*leak.*today", "the roof has a leak since today"),
        (r"^\+1(312|773)\d{7}$", "+13125550101"),
        (r"(?i)\b(water|gas|drain)\b", "WATER"),
        (r"(?:foo|bar)+", "foobar"),
        (r"^(\d{3}-)?\d{4}$", "555-0101"),
        ("roof.*leak|drain.*clog|pipe.*burst", "pipe burst"),
        ("[)(|+*]+x", "(+x"),
        ("[]a]+b", "]ab"),
        ("a{x}b{", "a{x}b{"),
        (r"(\d{1,3}\.){3}\d{1,3}", "127.0.0.1"),
        ("(?P<n>ab)?x", "abx"),
        ("(?=.*a)b", "ba"),
    ],
)
def test_a_usual_pattern_is_taken(pattern: str, text: str) -> None:
    assert read_pattern(pattern).search(text)


@settings(deadline=None)
@given(st.text("a|()*+?{2,}.", max_size=12))
def test_every_pattern_that_is_taken_comes_to_an_end(pattern: str) -> None:
    try:
        condition = read({"call.flow": {"matches": pattern}}) if pattern.strip() else None
    except AssertionError:
        return
    if condition is not None:
        assert condition.judge({"call.flow": "a" * 5000}.get) in (True, False)


plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@given(word=st.sampled_from(WORDS), value=anything, wanted=st.sampled_from(["1", "a", "true", "2.5"]))
def test_no_value_from_outside_makes_a_condition_fail(word: str, value: Any, wanted: str) -> None:
    asked = {"call.raw.x": {word: "1" if word in {"at_least", "at_most", "above", "below"} else wanted}}
    if word == "in_list":
        asked = {"call.raw.x": {word: "l"}}
    condition = read(asked, {"l": {wanted}})
    assert condition.judge({"call.raw.x": value}.get) in (True, False)
    assert condition.findings({"call.raw.x": value}.get)
