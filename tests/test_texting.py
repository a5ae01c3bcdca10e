from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.hours import QuietHours
from relay.models import Delivery, SendText, State, TextFacts
from relay.texting import (
    HEAR_AGAIN,
    HEARD,
    RECHECK,
    Judgement,
    Limit,
    LimitsForm,
    People,
    Policy,
    SentText,
    find_sent,
    judge,
)
from tests.rules.reading import STAFF, rule
from tests.rules.shop import DANA, HOURS, OWN, at

RULE = rule("{then: [{text: caller, body: hi}]}")
NOON = at("2026-03-02 12:00")
POLICY = Policy(HOURS, QuietHours.read(), staff=frozenset({STAFF}), own=frozenset({OWN}))


def said(
    facts: TextFacts | None = None, *, now: float = NOON, due: float | None = None, to: str = DANA, **policy: object
) -> Judgement:
    delivery = Delivery(
        "d", "e", "r", "R", "v", 0, "text", "callscaler", State.DUE, first_due_at=now if due is None else due
    )
    step = RULE.step(0) if to != STAFF else replace(RULE.step(0), recipient=STAFF)
    return judge(RULE, step, delivery, People(to, OWN), facts or TextFacts(), replace(POLICY, **policy), now=now)  # type: ignore[arg-type]


def heard(heard_at: float | None, *, facts: TextFacts | None = None, due: float = NOON) -> Judgement:
    delivery = Delivery("d", "e", "r", "R", "v", 0, "text", "callscaler", State.DUE, first_due_at=due)
    return judge(RULE, RULE.step(0), delivery, People(DANA, OWN, heard_at), facts or TextFacts(), POLICY, now=NOON)


@pytest.mark.parametrize(
    ("facts", "word", "why"),
    [
        (TextFacts(), "go", ""),
        (TextFacts(opted_out=True), "never", "opted out"),
        (TextFacts(last_at=NOON - 86400.0, last_rule="Other"), "never", "cooldown: texted 1d ago by Other"),
        (TextFacts(last_at=NOON - 86400.1), "go", ""),
        (TextFacts(last_at=NOON + 86400.0), "never", "cooldown"),
        (TextFacts(to_person=2), "never", "limit: 2 texts to this person in 1d"),
        (TextFacts(to_prefix=30), "hold", "numbers like this"),
        (TextFacts(total=150), "hold", "limit: 150 texts in 1d"),
        (TextFacts(off=True), "hold", "switched off"),
    ],
)
def test_what_stands_in_the_way_is_named(facts: TextFacts, word: str, why: str) -> None:
    judged = said(facts)
    assert judged.word == word
    assert why in judged.reason


@pytest.mark.parametrize(
    "facts",
    [TextFacts(last_at=NOON), TextFacts(to_person=99), TextFacts(to_prefix=99)],
)
def test_a_notification_to_staff_knows_no_cooldown_and_no_limit_of_one_person(facts: TextFacts) -> None:
    assert said(facts, to=STAFF, now=at("2026-03-02 03:00")).word == "go"


def test_a_notification_to_staff_counts_against_the_total_and_their_stop_counts() -> None:
    assert said(TextFacts(total=150), to=STAFF).word == "hold"
    assert said(TextFacts(opted_out=True), to=STAFF).word == "never"


def test_a_limit_that_may_end_at_any_moment_is_asked_again_until_the_text_is_too_old() -> None:
    full = TextFacts(total=150)
    assert said(full).until == NOON + RECHECK
    assert said(full, due=NOON - 1790.0).until == NOON + 10.0
    judged = said(full, due=NOON - 1800.0)
    assert (judged.word, judged.reason) == ("never", "limit: 150 texts in 1d; not sent within 30m of falling due")
    assert said(due=NOON - 1800.0).word == "go"
    assert said(due=NOON - 1800.1).reason == "not sent within 30m of falling due"


@pytest.mark.parametrize(
    ("heard_at", "word", "why"),
    [
        (math.inf, "go", ""),
        (NOON, "go", ""),
        (NOON - HEARD, "go", ""),
        (NOON - HEARD - 1, "hold", "last read 2m ago"),
        (NOON - 7200, "hold", "last read 2h ago"),
        (None, "hold", "not read yet"),
    ],
)
def test_a_text_leaves_only_while_the_reading_of_the_list_is_young(heard_at: float | None, word: str, why: str) -> None:
    judged = heard(heard_at)
    assert judged.word == word
    assert why in judged.reason
    assert judged.until == (NOON + HEAR_AGAIN if word == "hold" else None)


def test_a_text_that_waits_for_a_reading_is_given_up_when_it_is_too_old() -> None:
    assert heard(None, due=NOON - 1799.0).until == NOON + 1
    judged = heard(None, due=NOON - 1800.0)
    assert (judged.word, judged.reason.endswith("not sent within 30m of falling due")) == ("never", True)


def test_what_holds_longer_is_named_before_a_missing_reading() -> None:
    assert "switched off" in heard(None, facts=TextFacts(off=True)).reason
    assert heard(None, facts=TextFacts(opted_out=True)).word == "never"


def test_a_limit_of_none_is_no_limit() -> None:
    none = Limit.read("none")
    full = TextFacts(to_person=999, to_prefix=999, total=999)
    assert said(full, per_person=none, per_prefix=none, total=none).word == "go"


def test_the_number_it_would_go_out_from_is_never_texted_even_before_our_numbers_are_known() -> None:
    assert said(to=OWN, own=frozenset()).reason == "own number: it belongs to the business"


def test_quiet_hours_name_the_moment_or_say_that_there_is_none() -> None:
    late = at("2026-03-02 20:00")
    assert said(now=late).reason == (
        "quiet hours where this person lives; allowed again at 2026-03-03 08:00, more than 30m after it fell due"
    )
    never = said(quiet=QuietHours(start=0, end=0))
    assert (never.word, never.reason) == ("never", "quiet hours where this person lives, and never allowed again")


@given(
    now=st.floats(NOON - 86400, NOON + 86400),
    age=st.floats(0, 7200),
    facts=st.builds(
        TextFacts,
        off=st.booleans(),
        last_at=st.none() | st.floats(NOON - 2 * 86400, NOON),
        to_person=st.integers(0, 3),
        to_prefix=st.integers(0, 40),
        total=st.integers(0, 200),
    ),
)
def test_a_text_that_may_go_is_allowed_in_every_way_and_one_that_is_held_is_held_for_some_time(
    now: float, age: float, facts: TextFacts
) -> None:
    judged = said(facts, now=now, due=now - age)
    if judged.word == "go":
        assert POLICY.quiet.allowed_at(now, ("America/Chicago",), None, "America/Chicago") == now
        assert facts.last_at is None or now - facts.last_at > 86400
        assert facts.to_person < 2
        assert facts.to_prefix < 30
        assert facts.total < 150
        assert not facts.off
        assert age <= 1800.001
    elif judged.word == "hold":
        assert judged.until is not None
        assert now < judged.until <= now - age + 1800.001 < math.inf
    else:
        assert judged.reason


@pytest.mark.parametrize(
    ("written", "most", "span"),
    [
        ("2/day", 2, 86400.0),
        ("30/hour", 30, 3600.0),
        ("5/12h", 5, 43200.0),
        ("5/0.5h", 5, 1800.0),
        ("1 / week", 1, 604800.0),
        ("2/24 hours", 2, 86400.0),
        ("none", None, 86400.0),
    ],
)
def test_a_limit_is_read_as_people_write_it(written: str, most: int | None, span: float) -> None:
    assert Limit.read(written) == Limit(most, span)


@pytest.mark.parametrize("written", ["2", "2/fortnight", "-1/day", "2.5/day", "5/0s", "5/.5h", "", "unlimited"])
def test_what_is_no_limit_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match="is no limit"):
        LimitsForm(total=written)


def test_a_text_is_found_in_the_list_by_people_words_and_time_and_only_once() -> None:
    text = SendText(to=DANA, sender=OWN, body="hi")
    listed = [
        SentText("old", DANA, OWN, "hi", NOON - 3600),
        SentText("other", DANA, OWN, "hello", NOON),
        SentText("elsewhere", DANA, "+13125550143", "hi", NOON),
        SentText("mine", DANA, OWN, "hi", NOON + 1),
    ]
    found = find_sent(text, NOON, listed)
    assert found is not None
    assert found.id == "mine"
    assert find_sent(text, NOON, listed, frozenset({"mine"})) is None


@pytest.mark.parametrize(("body", "word"), [("x" * 306, "go"), ("x" * 307, "never"), ("\u20ac\u2019" * 70, "never")])
def test_a_text_that_grew_beyond_max_segments_is_not_sent(body: str, word: str) -> None:
    delivery = Delivery("d", "e", "r", "R", "v", 0, "text", "callscaler", State.DUE, action={"body": body})
    delivery = replace(delivery, first_due_at=NOON)
    judged = judge(RULE, RULE.step(0), delivery, People(DANA, OWN), TextFacts(), POLICY, now=NOON)
    assert judged.word == word
    assert word == "go" or "max_segments: the text is 3 segments" in judged.reason


def doubted(*, born: float = NOON, due: float = NOON, doubt: str | None = "the clock jumped") -> Judgement:
    delivery = Delivery("d", "e", "r", "R", "v", 0, "text", "callscaler", State.DUE, born_at=born, first_due_at=due)
    people = People(DANA, OWN, doubt=doubt)
    return judge(RULE, RULE.step(0), delivery, people, TextFacts(), POLICY, now=NOON)


def test_a_text_waits_for_a_clock_that_is_believed_and_no_longer_than_its_step_puts_up_with() -> None:
    assert doubted() == Judgement("hold", "the clock jumped", NOON + HEAR_AGAIN)
    assert doubted(due=NOON - 1800 + 2) == Judgement("hold", "the clock jumped", NOON + 2)
    assert doubted(due=NOON - 1800).word == "never"
    assert doubted(doubt=None).word == "go"


def test_a_text_that_was_planned_by_a_later_clock_is_never_sent() -> None:
    late = doubted(born=NOON + 301, due=NOON + 301, doubt=None)
    assert (late.word, "set back" in late.reason) == ("never", True)
    assert doubted(born=NOON + 299, due=NOON + 299, doubt=None).word == "go"
