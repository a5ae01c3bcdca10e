"""Facts: read only when asked, once, and each with the value that its meaning says."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from relay.hours import Business
from relay.models import BusinessFacts, CallerFacts, Event, NumberFacts, Owned
from relay.rules import About, Facts, Scorecard, read_condition
from relay.rules.fields import FIELDS
from tests.rules.reading import rule
from tests.rules.shop import DANA, OWN, at

NOON = at("2026-07-03 12:05")
HOURS = Business.read("America/Chicago", {"mon-fri": "08:00-18:00"}, ["2026-07-03", "2026-12-25"])
CALL = {
    "id": "c1", "event": "call.missed", "outcome": "missed", "caller_name": "DANA SMITH", "caller_city": "Chicago",
    "caller_region": "IL", "ai_score": 70, "robo_score": 85, "is_test": False, "duration": 61,
}  # fmt: skip
ABOUT = About("Bright Plumbing", HOURS, hours_written="mon-fri 08:00-18:00", holidays={dt.date(2026, 7, 4)})


class Ledger:
    """Answers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def caller(self) -> CallerFacts:
        self.asked.append("caller")
        return CallerFacts(calls_24h=2, texted_by_human_since=True, last_call_at=NOON - 60, tags=("vip", "old"))

    def number(self) -> NumberFacts:
        self.asked.append("number")
        owned = Owned(OWN, "n1", "Main", "Sales", "g1", "active", True, created_at=NOON - 10.5 * 86400)
        return NumberFacts(owned, calls_7d=8, answered_7d=3)

    def business(self) -> BusinessFacts:
        self.asked.append("business")
        return BusinessFacts(calls_7d=8, answered_7d=6)


def facts(known: Any = None, about: About = ABOUT, now: float = NOON, **more: Any) -> Facts:
    event = Event(
        "e1", "callscaler", "call.missed", "c1", NOON, call=CALL, raw={"a": {"b": 7}}, caller=DANA, number=OWN
    )
    return Facts(replace(event, **more), known or Ledger(), about, now)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call.outcome", "missed"),
        ("call.raw.a.b", 7),
        ("call.transcription", None),
        ("caller.number", DANA),
        ("caller.first_name", "Dana"),
        ("caller.looks_like_person", True),
        ("caller.city", "Chicago"),
        ("caller.country", "US"),
        ("caller.calls_24h", 2),
        ("caller.texted_by_human_since", True),
        ("caller.last_call_at", "2026-07-03T17:04:00.000Z"),
        ("caller.last_texted_at", None),
        ("caller.tags", ("vip", "old")),
        ("number.group", "Sales"),
        ("number.answer_rate_7d", 37.5),
        ("number.answer_rate_30d", None),
        ("number.age_days", 10),
        ("business.hours", "mon-fri 08:00-18:00"),
        ("business.answer_rate_7d", 75.0),
        ("business.closed", ["2026-07-03", "2026-12-25"]),
        ("now.open", False),
        ("now.weekday", "fri"),
        ("now.hour", 12),
        ("now.time", "12:05"),
        ("now.date", "2026-07-03"),
        ("now.holiday", True),
        ("text.body", None),
        ("nothing.known", None),
    ],
)
def test_a_fact_has_the_value_that_its_meaning_says(name: str, value: Any) -> None:
    assert facts().look(name) == value


@pytest.mark.parametrize(("day", "is_holiday"), [("2026-07-02", False), ("2026-07-03", True), ("2026-07-04", True)])
def test_a_holiday_is_a_closed_date_or_a_public_holiday(day: str, is_holiday: bool) -> None:
    assert facts(now=at(f"{day} 12:00")).look("now.holiday") is is_holiday


def test_the_ledger_is_asked_only_for_what_a_rule_asks_and_once() -> None:
    ledger = Ledger()
    asked = facts(ledger)
    for name in FIELDS:
        if not name.startswith(("caller.", "number.")) and not name.endswith("_7d"):
            asked.look(name)
    for name in ("caller.number", "caller.name", "caller.line", "number.number"):
        asked.look(name)
    assert ledger.asked == []
    for _ in range(2):
        asked.look("caller.calls_24h")
        asked.look("caller.is_new")
        asked.look("number.status")
        asked.look("business.calls_7d")
        asked.look("business.answer_rate_7d")
    assert ledger.asked == ["caller", "number", "business"]


def test_a_template_costs_only_what_it_names() -> None:
    ledger = Ledger()
    step = next(iter(rule('then: [{send: log, message: "{{ call.id }} {{ caller.name }} {{ call.raw.a.b }}"}]').acting))
    context = facts(ledger).context(step.filling.names)
    assert step.filling.fill(context) == {"message": "c1 DANA SMITH 7"}
    assert ledger.asked == []


def test_a_name_in_a_text_passes_the_filter_for_names() -> None:
    call = {**CALL, "caller_name": "<b>bit.ly/x</b>"}
    plain = facts(call=call).context({"caller.name"})
    text = facts(call=call).context({"caller.name"}, for_text=True)
    assert plain["caller"]["name"] == "<b>bit.ly/x</b>"
    assert text["caller"]["name"] == "there"


def scorecard(*lines: tuple[dict[str, Any], int], **more: Any) -> Scorecard:
    def fail(place: Any, said: str) -> None:
        raise AssertionError(f"{place}: {said}")

    return Scorecard(tuple((read_condition(written, (), fail, {}), points) for written, points in lines), **more)


def test_the_spam_score_is_a_fact_with_its_reasons() -> None:
    card = scorecard(
        ({"call.robo_score": {"at_least": 70}}, 3), ({"caller.city": "Chicago"}, 1), ({"call.ai_score": 5}, 9)
    )
    judged = Facts(facts().event, Ledger(), ABOUT, NOON, card)
    assert (judged.look("call.spam"), judged.look("call.spam_score")) == ("likely", 4)
    assert judged.look("call.spam_reasons") == (
        "+3: call.robo_score at least 70 (was 85)",
        "+1: caller.city is Chicago (was Chicago)",
    )


def test_who_is_on_the_welcome_list_is_never_spam_and_without_a_card_the_ai_is_believed() -> None:
    card = scorecard(({"call.robo_score": {"at_least": 70}}, 9), welcome=frozenset({DANA}))
    assert Facts(facts().event, Ledger(), ABOUT, NOON, card).look("call.spam") == "unlikely"
    assert facts().look("call.spam") == "unlikely"
    assert facts(call={**CALL, "ai_category": "spam"}).look("call.spam") == "certain"


def test_the_page_that_explains_an_event_is_known_where_the_dashboards_address_is():
    found = facts(about=replace(ABOUT, admin_url="https://relay.example/"))
    assert found.look("call.why_url") == f"https://relay.example/calls/{found.event.id}"
    assert facts().look("call.why_url") is None
