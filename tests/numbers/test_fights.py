"""Which rules would move a number to and fro for ever."""

from __future__ import annotations

import pytest

from relay.numbers import fights
from tests.moving.office import GROUPS, declared, rule


def by_clock(name, to, condition=None):
    if_ = "" if condition is None else f"if: {condition}, "
    times = "when: {every: day, at: 06:10}, for_each: number"
    return rule(f"{{name: {name}, {times}, {if_}then: [{{regroup: number, to: {to}}}]}}")


def by_event(name, to, when="[call.missed]", condition=None):
    if_ = "" if condition is None else f"if: {condition}, "
    return rule(f"{{name: {name}, when: {when}, {if_}then: [{{regroup: number, to: {to}}}]}}")


SILENT = by_clock("Silent", "Parked", "{number.calls_30d: 0}")


@pytest.mark.parametrize(
    ("second", "over"),
    [
        (by_clock("All", "Sales"), "number.calls_30d 0"),
        (by_clock("Active", "Sales", "{number.status: active}"), "number.calls_30d 0, number.status active"),
        (by_clock("Old", "Sales", "{number.age_days: {at_least: 30}}"), "number.age_days 30, number.calls_30d 0"),
        (by_clock("Few", "Sales", "{number.calls_30d: {below: 3}}"), "number.calls_30d 0"),
        (by_clock("From", "Sales", "{number.group: Parked}"), "number.calls_30d 0"),
        (by_clock("Same", "Parked"), None),
        (by_clock("Busy", "Sales", "{number.calls_30d: {above: 0}}"), None),
        (by_clock("Elsewhere", "Sales", "{number.group: {not_in: [Parked]}}"), None),
        (by_event("Rings", "Sales"), None),
    ],
)
def test_two_rules_by_the_clock_fight_where_one_number_can_satisfy_both(second, over):
    found = fights([SILENT, second], ())
    assert [one.over for one in found] == ([] if over is None else [over])


def test_rules_on_the_same_kind_of_call_fight_and_those_on_others_may_well_be_meant():
    a, b = by_event("A", "A"), by_event("B", "B")
    assert [(one.first, one.second) for one in fights([a, b], ())] == [("A", "B")]
    assert fights([a, by_event("B", "B", "[call.voicemail]")], ()) == []
    spam = by_event("B", "B", condition="{call.spam: likely}")
    clean = by_event("A", "A", condition="{call.spam: unlikely}")
    assert fights([clean, spam], ()) == []


def test_a_rule_fights_the_declared_groups_where_they_put_the_number_elsewhere():
    groups = declared(GROUPS)
    assert [one.second for one in fights([by_clock("All", "Sales")], groups)] == ["the declared groups"]
    assert fights([SILENT], groups) == []


def test_a_rule_that_is_off_or_whose_group_is_not_known_yet_fights_nobody():
    off = rule(
        "{name: Off, mode: off, when: {every: day, at: 06:10}, for_each: number, then: [{regroup: number, to: X}]}"
    )
    blank = by_clock("Blank", "'{{ number.name }}'")
    assert fights([SILENT, off, blank], ()) == []
