"""How moments, spans, numbers and charts are told."""

import re

import pytest

from relay.dashboard import charts
from relay.dashboard.drawing import clock, count, day, flat, span, tel, ticked, when
from relay.dashboard.page import Asked
from relay.dashboard.pages.now import Day
from relay.dashboard.reasons import why_not
from relay.dashboard.words import EVENTS, came_of, done_about, state_word, verdict_word, when_words
from relay.hours import Business
from relay.models import QUARANTINED, Delivery, Finding, State, Verdict
from relay.shown import Shown
from relay.store.pages import Glance, Traffic

CHICAGO = Business("America/Chicago")
NOW = 1772467200.0
"""Monday 2026-03-02 10:00 in Chicago."""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""), (0, "0 s"), (0.0002, "1 ms"), (0.412, "412 ms"), (59, "59 s"), (200, "3 min 20 s"),
        (3600, "1 h"), (90061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_its_two_largest_units(seconds, told):
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (NOW, "10:00"),
        (NOW - 86400, "Sun 10:00"),
        (NOW - 9 * 86400, "21 Feb 10:00"),
        (NOW - 400 * 86400, "26 Jan 2025"),
        (None, ""),
    ],
)
def test_a_moment_is_as_short_as_can_be_on_the_business_s_clock(at, told):
    assert when(at, CHICAGO, NOW) == told


def test_days_clocks_numbers_and_counts():
    assert day(NOW, CHICAGO) == "Monday 2 March"
    assert clock(NOW, CHICAGO) == "10:00:00"
    assert (tel("+13125550101"), tel(None)) == ("(312) 555-0101", "withheld")
    assert (count(1, "call"), count(12345, "try", "tries")) == ("1 call", "12,345 tries")


@pytest.mark.parametrize("days", [7, 8, 13, 14, 20, 27, 28])
def test_the_usual_day_is_the_mean_of_as_many_weeks_as_are_known(days):
    hour = int(NOW // 3600)
    every_day_two_calls = [Traffic(hour - 24 * back, "+13125550142", "missed", 2) for back in range(days + 1)]
    told = Day.read(Asked(None, Shown(hours=CHICAGO), NOW, None), every_day_two_calls)
    assert (told.calls, told.usual[10], told.usually) == (2, 2.0, 2.0)


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_word_of_its_own_kind(state):
    assert state_word(state).mood in {"good", "wait", "bad", "calm"}
    assert state_word(state).text


def test_what_is_not_known_is_told_as_it_is():
    assert (state_word("odd").text, verdict_word("odd").text) == ("odd", "odd")


@pytest.mark.parametrize(
    ("deed", "came", "text", "mood"),
    [
        ("retry", {"retried": 2}, "2 given another schedule of tries.", "good"),
        ("numbers-apply", {"refused": "another plan is under way"}, "another plan is under way", "bad"),
        ("check-connector", {"connector": "crm", "ok": False, "said": "no"}, "crm: no", "bad"),
        ("prune", {"rows": {"a": 1}, "done": True}, "Done: done True.", "good"),
        ("new-deed", {}, "Done: new-deed.", "good"),
    ],
)
def test_what_came_of_a_deed_is_a_sentence(deed, came, text, mood):
    assert (came_of(deed, came).text, came_of(deed, came).mood) == (text, mood)


def numbers_in(svg, name):
    return [float(value) for value in re.findall(rf'{name}="(-?[\d.]+)"', svg)]


@pytest.mark.parametrize("most", [0, 1, 3, 39, 1000, 123456])
def test_a_chart_stays_within_its_frame_and_says_what_it_shows(most):
    svg = charts.hours([most] + [0] * 23, [0] * 23 + [most], [most / 2] * 24, 10)
    assert f'aria-label="{2 * most} calls today, {most} answered"' in svg
    assert min([0.0, *numbers_in(svg, "y")]) >= 0
    assert max(numbers_in(svg, "y")) <= 160
    assert "style=" not in svg


def test_words_in_charts_are_escaped():
    assert "<b>" not in charts.spark([1, 2], '"><b>')
    assert "<b>" not in charts.share([("<b>", 1)])
    assert "<b>" not in charts.meter(1, 2, "<b>")


@pytest.mark.parametrize(("value", "mood"), [(0, "fine"), (80, "near"), (100, "full"), (500, "full")])
def test_a_meter_says_how_near_the_limit_is(value, mood):
    svg = charts.meter(value, 100, "texts")
    assert f'class="{mood}"' in svg
    assert max(numbers_in(svg, "width")) <= 100


def test_what_stands_in_backticks_is_code_and_the_rest_is_inert():
    assert ticked("`relay url` <b>") == "<code>relay url</code> &lt;b&gt;"
    assert ticked("one ` alone <i>") == "one ` alone &lt;i&gt;"
    assert ticked("`<b>`") == "<code>&lt;b&gt;</code>"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (("call.missed",), "missed calls"),
        (("call.missed", "call.voicemail"), "missed calls and voicemail"),
        (
            ("call.completed", "call.enriched", "call.failed", "call.missed", "call.voicemail"),
            "every call and details that come later",
        ),
        (("every day at 06:10",), "every day at 06:10"),
        (("own.type", "text.received"), "own.type and texts that come in"),
    ],
)
def test_when_a_rule_looks_is_told_in_words(when, said):
    assert when_words(when) == said


@pytest.mark.parametrize(
    ("finding", "why", "said"),
    [
        (Finding("guard cooldown", "no text in 1d", "last: 4s ago by Text back", held=False),
         "cooldown: texted 4s ago by Text back; wanted none in 1d", "already texted 4s ago"),
        (Finding("guard fresh", "at most 15m old on arrival", "3h", held=False),
         "fresh: wanted at most 900s old, was 10800s", "the call was 3h old when it came in"),
        (Finding("guard fresh", "at most 15m old on arrival", "age unknown", held=False),
         "fresh: wanted at most 900s old, was age unknown", "age unknown"),
        (Finding("call.spam", "not in likely", "certain", held=False),
         "call.spam: wanted not in likely, was certain", "spam is certain"),
        (Finding("caller.number", "present", "missing", held=False),
         "caller.number: wanted present, was missing", "the number is withheld"),
        (Finding("call.duration", "below 5", "67", held=False),
         "call.duration: wanted below 5, was 67", "call.duration: wanted below 5, was 67"),
        (Finding("call.spam", "not in likely", "certain", held=False), "mode: off", "mode: off"),
        (None, "opted out: this person asked not to be texted", "this person asked not to be texted"),
    ],
)  # fmt: skip
def test_why_nothing_was_done_is_told_as_to_a_colleague(finding, why, said):
    verdict = Verdict("Text back", "suppressed", why, findings=() if finding is None else (finding,))
    assert why_not(verdict) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"rule": "Text back", "mode": "off"}', "rule Text back; mode off"),
        ('{"ids": ["d1", "d2"], "after_restore": true, "since": null}', "ids d1, d2; after restore True"),
        ("{}", ""),
        ("cut off {", "cut off {"),
        ("[1]", "[1]"),
    ],
)
def test_what_a_deed_was_told_is_said_without_marks(written, said):
    assert flat(written) == said


def test_a_word_for_an_event_fits_the_column_of_the_terminal():
    assert max(len(word.text) for word in EVENTS.values()) <= 10


@pytest.mark.parametrize(("state", "told"), [(State.HELD, True), (State.SUPPRESSED, False)])
def test_a_call_is_in_quarantine_only_while_something_waits_for_its_release(state, told):
    kept = Delivery("d", "e", "r", "R", "v", 0, "send", "team", state, notes={QUARANTINED: True})
    words = done_about(Glance((Verdict("R", "held"),), (kept,)), Shown())
    assert ("in quarantine" in [word.text for word in words]) is told
