from __future__ import annotations

import pytest

from relay.rules import version_of
from tests.rules.reading import STAFF, mistakes_in, rule

BASE = "name: R\nwhen: [call.missed]\nthen:\n"
CLOCK = "name: R\nwhen: {every: day, at: 06:10}\nthen:\n"
TEXT = "  - {text: caller, body: hi}\n"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[]", (), "a rule is a mapping"),
        (BASE + "  - {sned: team, message: a}", ("then", 0, "sned"), "did you mean `send`"),
        (BASE + "  - {message: a}", ("then", 0, "message"), "known here: quarantine, regroup"),
        (BASE + "  - {send: team, message: a, text: caller}", ("then", 0, "text"), "one thing"),
        (BASE + "  - {}", ("then", 0), "empty"),
        (BASE + "  - send", ("then", 0), "a step is a mapping"),
        (BASE + "  - {send: teem, message: a}", ("then", 0, "send"), "did you mean `team`"),
        (BASE + "  - {send: callscaler, message: a}", ("then", 0, "send"), "connector"),
        (BASE + "  - {send: team, mesage: a}", ("then", 0, "mesage"), "did you mean `message`"),
        (BASE + "  - {send: team, message: '{{ caller.nmae }}'}", ("then", 0, "message"), "did you mean `caller.name`"),
        (BASE + "  - {send: team, message: '{{ steps.crm.url }}'}", ("then", 0, "message"), "no earlier step"),
        (BASE + "  - {send: team, message: a, id: Crm}", ("then", 0, "id"), "is no id"),
        (BASE + "  - {send: team, message: a, anyway: perhaps}", ("then", 0, "anyway"), "true or false"),
        (BASE + "  - {text: nobody, body: a}", ("then", 0, "text"), "goes to `caller`"),
        (BASE + "  - {text: caller}", ("then", 0), "`body` is missing"),
        (BASE + "  - {text: caller, body: a, at_most: 30}", ("then", 0, "at_most"), "span of time"),
        (BASE + "  - {text: caller, body: a, from: home}", ("then", 0, "from"), "called_number"),
        (BASE + "  - {text: caller, body: a, late: true}", ("then", 0, "late"), "only `send` steps"),
        (BASE + "  - {regroup: caller, to: A}", ("then", 0, "regroup"), "is `number`"),
        (BASE + "  - {regroup: number, to: A, approve: {by: tema}}", ("then", 0, "approve", "by"), "`team`"),
        (
            BASE + "  - {regroup: number, to: A, approve: {by: team, within: 0}}",
            ("then", 0, "approve", "within"),
            "24h",
        ),
        (BASE + "  - {wait: 5}", ("then", 0, "wait"), "span of time"),
        (BASE + "  - {wait: {until: 25:00}}", ("then", 0, "wait"), "time of day"),
        (BASE + "  - {wait: {until: '10:00', days: 99999}}", ("then", 0, "wait"), "number of days"),
        (BASE + "  - {wait: {untl: '10:00'}}", ("then", 0, "wait", "untl"), "did you mean `until`"),
        (BASE + "  - {wait: 5m, if: {call.flow: a}}", ("then", 0, "if"), "a wait has no `if`"),
        (
            BASE + "  - {wait: 5m, cancel_if: {caller.answerd_since: true}}",
            ("then", 0, "cancel_if", "caller.answerd_since"),
            "did you mean",
        ),
        (BASE + "  - {tag: vip}", ("then", 0, "tag"), "{caller: vip}"),
        (BASE + "  - {stop: a, message: b}", ("then", 0, "message"), "nothing else"),
        (BASE + "  - {quarantine: day}", ("then", 0, "quarantine"), "span of time"),
        (BASE + TEXT + "  - {quarantine: 24h}", ("then", 1, "quarantine"), "acts at once"),
        (BASE + "  - {quarantine: 24h}\nguards: {hours: hold}", ("guards", "hours"), "acts at once"),
        (BASE + TEXT + "guard: {}", ("guard",), "did you mean `guards`"),
        (BASE + TEXT + "mode: shado", ("mode",), "did you mean `shadow`"),
        (BASE + TEXT + "guards: {fresh: soon}", ("guards", "fresh"), "span of time"),
        (BASE + TEXT + "guards: {cooldown: {for: '0'}}", ("guards", "cooldown", "for"), "between 5m and 365d"),
        (BASE + TEXT + "guards: {cooldown: {for: 366d}}", ("guards", "cooldown", "for"), "between 5m and 365d"),
        (BASE + TEXT + "guards: {cooldown: {for: a day}}", ("guards", "cooldown", "for"), "span of time"),
        (BASE + TEXT + "guards: {once: call.idd}", ("guards", "once"), "did you mean `call.id`"),
        (BASE + TEXT + "for_each: number", ("for_each",), "goes with a time"),
        (CLOCK + TEXT, ("then", 0, "text"), "no caller to text"),
        (CLOCK + f"  - {{text: '{STAFF}', body: hi}}", ("then", 0), "write `from:`"),
        (CLOCK + f"  - {{text: '{STAFF}', from: called_number, body: hi}}", ("then", 0), "write `from:`"),
        (CLOCK + "  - {regroup: number, to: A}", ("then", 0, "regroup"), "add `for_each: number`"),
        (CLOCK + "  - {update_number: number, friendly_name: A}", ("then", 0, "update_number"), "add `for_each"),
        (CLOCK + "  - {send: team, message: a}\nfor_each: caller", ("for_each",), "number"),
        (CLOCK.replace("06:10", "6:10am") + "  - {send: team, message: a}", ("when", "at"), "06:10"),
        ("name: R\nwhen: [call.missed, {evry: 15m}]\nthen:\n" + TEXT, ("when", 1, "evry"), "did you mean `every`"),
        ("name: R\nwhen: [call.misssed]\nthen:\n" + TEXT, ("when", 0), "did you mean `call.missed`"),
        ("name: R\nwhen: []\nthen:\n" + TEXT, ("when",), "empty"),
        ("name: R\nthen:\n" + TEXT, (), "`when` is missing"),
        ("name: R\nwhen: call.missed", ("then",), "list of steps"),
        ("when: call.missed\nthen:\n" + TEXT, ("name",), "`name` is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(
    text: str, place: tuple[object, ...], message: str
) -> None:
    found = mistakes_in(text)
    assert found[0][0] == place, found
    assert message in found[0][1]


def test_every_mistake_of_a_rule_is_told_at_once() -> None:
    found = mistakes_in(
        "name: R\nmood: live\nwhen: [call.mised]\nif: {call.flo: a}\nguards: {hours: hld}\n"
        "then: [{text: nobody, body: '{{ x }}'}, {wait: 5}, {send: teem}]"
    )
    assert [where for where, _ in found] == [
        ("guards", "hours"),
        ("mood",),
        ("when", 0),
        ("if", "call.flo"),
        ("then", 0, "text"),
        ("then", 1, "wait"),
        ("then", 2, "send"),
    ]


def test_a_rule_that_texts_callers_has_the_guards_for_texts() -> None:
    read = rule("{then: [{text: caller, body: hi}]}")
    assert (read.texts, read.fresh, read.cooldown, read.at_most) == (True, 900.0, 86400.0, 1800.0)
    held = rule("{guards: {hours: hold}, then: [{text: caller, body: hi}]}")
    assert held.at_most == 57600.0


def test_a_rule_that_only_texts_staff_or_nobody_has_none_of_them() -> None:
    for steps in (f"[{{text: '{STAFF}', body: hi}}]", "[{send: team, message: hi}]"):
        read = rule(f"{{then: {steps}}}")
        assert (read.texts, read.fresh, read.cooldown) == (False, None, None)
        assert read.condition.judge({}.get)


def test_at_most_of_nothing_is_no_patience_rather_than_the_default() -> None:
    read = rule("{then: [{text: caller, body: hi, at_most: '0'}]}")
    assert read.patience(read.step(0)) == 0.0


def test_the_implied_conditions_give_way_to_the_fields_that_the_rule_names() -> None:
    implied = rule("{then: [{text: caller, body: hi}]}").condition
    assert [finding.name for finding in implied.findings({}.get)] == [
        "call.direction",
        "call.spam",
        "call.is_test",
        "call.ai_category",
    ]
    named = rule("{if: {not: {call.spam: certain}, call.is_test: false}, then: [{text: caller, body: hi}]}").condition
    assert {f.name for f in named.findings({}.get)} == {"not", "call.is_test", "call.direction", "call.ai_category"}


def test_a_rule_by_the_clock_may_text_a_number_from_one_of_ours_or_from_each_of_them() -> None:
    steps = f"then: [{{text: '{STAFF}', from: '+13125550142', body: hi}}]"
    assert rule(f"{{when: {{every: 15m}}, {steps}}}").when == frozenset()
    each = rule(f"{{when: {{every: 15m}}, for_each: number, then: [{{text: '{STAFF}', body: hi}}]}}")
    assert each.each_number
    assert len(each.ticks) == 1


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ("if: {number.calls_30d: 0}", 30),
        ("if: {any: [{number.answer_rate_7d: {below: 20}}, {number.group: A}]}", 7),
        ("if: {number.calls_7d: 0, not: {number.answer_rate_30d: {above: 5}}}", 30),
        ("if: {number.group: A, call.raw.calls_30d: '0'}", 0),
        ("then: [{regroup: number, to: A, if: {number.calls_7d: 0}}]", 7),
        ("then: [{send: team, message: a, if: {number.calls_7d: 0}}, {regroup: number, to: A}]", 0),
        ("if: {number.calls_30d: 0}, then: [{send: team, message: a}]", 0),
    ],
)
def test_a_rule_that_regroups_knows_over_how_long_it_counts_calls(condition: str, days: int) -> None:
    steps = "" if "then" in condition else ", then: [{regroup: number, to: A}]"
    assert rule(f"{{{condition}{steps}}}").window == days * 86400.0


def test_a_version_names_one_wording() -> None:
    assert version_of({"a": "1", "b": "2"}) == version_of({"b": "2", "a": "1"})
    assert version_of({"a": "1"}) != version_of({"a": "2"})
