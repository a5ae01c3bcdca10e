"""What `relay check` says of texts before the first one goes out."""

# ruff: noqa: RUF001 - characters that look like others are what is complained about here

import pytest

from relay.rules.messages import LONGEST_NAME, House, complaints
from tests.rules.reading import STAFF, rule

STOP = " Reply STOP to opt out."


def said(body, *, to="caller", house=None, **others):
    written = {"then": [{"text": to, "body": body}], **others}
    house = house or House(2, {"business.name": "Bright Plumbing"})
    return [("mistake" if c.is_mistake else "warning", c.message) for c in complaints(rule("{}", **written), (), house)]


def test_a_good_text_is_not_complained_about():
    body = "{{ business.name }}: sorry we missed you, {{ caller.first_name | default('there') }}." + STOP
    assert said(body) == []


def test_the_longest_name_is_as_long_as_the_filter_for_names_lets_through():
    assert len(LONGEST_NAME) == 40


def test_a_text_too_long_in_the_worst_case_is_a_mistake_with_its_place():
    fits = "x" * (306 - len(STOP) - 40)
    assert said("{{ caller.name }}" + fits + STOP) == []
    [(kind, message)] = said("{{ caller.name }}y" + fits + STOP)
    assert kind == "mistake"
    assert "3 segments, 307 of 459 (GSM-7), and texting.max_segments is 2" in message
    assert "character 307 (., after eply STOP to opt out) is the first too many" in message
    assert said("x" * 150 + STOP, house=House(1))[0][0] == "mistake"


def test_the_place_of_a_complaint_is_the_body_of_its_step():
    read = rule("{}", then=[{"wait": "2m"}, {"text": "caller", "body": "hello"}])
    [complaint] = complaints(read, ("rules", 3), House())
    assert complaint.path == ("rules", 3, "then", 1, "body")


def test_a_dearer_branch_of_the_text_is_found():
    long = "x" * 300
    for body in (
        f"{{% if caller.first_name %}}hi{{% else %}}{long}{{% endif %}}{STOP}",
        f"{{% if now.open %}}hi{{% else %}}{long}{{% endif %}}{STOP}",
        f"{{% if call.outcome == 'missed' %}}{long}{{% endif %}}{STOP}",
    ):
        assert [kind for kind, _ in said(body)] == ["mistake"]


def test_one_curly_quote_that_doubles_the_cost_is_named_with_its_replacement():
    [(kind, message)] = said("We’re sorry we missed you. " + "x" * 60 + STOP)
    assert kind == "warning"
    assert "’ (U+2019), character 3, makes the text dearer: write '" in message
    assert "it is 1 segment, 110 of 160 instead of 2 segments, 110 of 134" in message
    assert said("We’re open." + STOP) == []


def test_the_business_own_name_counts():
    house = House(2, {"business.name": "Zoë’s"})
    [(kind, message)] = said("{{ business.name }}: " + "x" * 60 + STOP, house=house)
    assert kind == "warning"
    assert "ë (U+00EB)" in message


def test_an_emoji_has_no_replacement():
    [(_, message)] = said("🙂" + "x" * 90 + STOP)
    assert "leave it out" in message


@pytest.mark.parametrize("body", ["Stop by our office any time.", "hello", "We are on our last stop."])
def test_a_first_text_without_a_way_out_is_warned_about(body):
    [(kind, message)] = said(body)
    assert kind == "warning"
    assert "Reply STOP" in message


@pytest.mark.parametrize("words", ["Reply STOP to end", "text stop to end", "opt out any time", "ALTO para terminar"])
def test_any_usual_wording_of_the_way_out_will_do(words):
    assert said(f"Sorry. {words}.") == []


def test_a_follow_up_an_answer_and_a_note_to_staff_need_no_way_out():
    then = [{"text": "caller", "body": "one" + STOP}, {"wait": "1h"}, {"text": "caller", "body": "two"}]
    assert complaints(rule("{}", then=then), (), House()) == []
    assert said("thank you", when=["text.received"]) == []
    assert said("a call was missed", to=STAFF) == []


@pytest.mark.parametrize("name", ["call.transcription", "call.summary", "call.raw.note", "text.body"])
def test_what_a_stranger_says_is_not_texted_on(name):
    body = "You said: {{ " + name + " | truncate(20) }}" + STOP
    [(kind, message)] = said(body)
    assert kind == "mistake"
    assert name in message
    assert said("{{ " + name + " | truncate(20) }}", to=STAFF) == []


def test_what_comes_from_outside_unfiltered_is_warned_about():
    [(kind, message)] = said("Hello {{ caller.city }}" + STOP)
    assert (kind, "caller.name is filtered" in message) == ("warning", True)


@pytest.mark.parametrize("to", [STAFF, "+13125550177"])
def test_what_has_no_bound_is_warned_about_where_the_owner_chose_who_reads_it_unless_it_is_cut(to):
    [(kind, message)] = said("{{ call.summary }}", to=to)
    assert (kind, "cut it with truncate" in message) == ("warning", True)
    assert said("{{ call.summary | truncate(200) }}", to=to) == []
    [(kind, _)] = said("{{ call.summary }}" + "x" * 300, to=to)
    assert kind == "mistake"


@pytest.mark.parametrize("link", ["bit.ly/abc", "https://tinyurl.com/x", "T.CO/9"])
def test_a_shortened_link_is_warned_about(link):
    [(kind, message)] = said(f"Book: {link}" + STOP)
    assert kind == "warning"
    assert "link shortener" in message


@pytest.mark.parametrize("link", ["https://rabbit.ly.example.com", "about.com", "orbit.lyon", "www.bright.co"])
def test_an_ordinary_link_is_not(link):
    assert said(f"Book: {link}" + STOP) == []
