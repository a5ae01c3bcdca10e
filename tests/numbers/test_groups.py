"""Declared groups: read with every mistake in its place, the first that fits wins, two thresholds against bouncing."""

from __future__ import annotations

import pytest
import yaml

from relay.models import NumberFacts, Owned
from relay.numbers import Brakes, Standing, plan, public, read_groups
from relay.numbers.planning import Ground
from relay.rules import About
from tests.moving.office import declared, rule
from tests.rules.reading import AROUND
from tests.rules.shop import HOURS

NOW = 1_772_467_200.0
ONE = "+13125550142"
BUSY = """
- {name: Parked, if: {number.calls_30d: 0}}
- {name: Busy, if: {number.calls_7d: {at_least: 50}}, leave_below: {number.calls_7d: 40}}
- {name: Main, default: true}
"""
PARK = (
    "{name: Park, when: {every: day, at: 06:10}, for_each: number, if: {number.calls_30d: 0}, "
    "then: [{regroup: number, to: Parked}]}"
)


def would(groups=BUSY, *rules, group="Main", calls=5, **others):
    """What would become of one number."""
    owned = Owned(ONE, "n1", group=group, status="active")
    known = NumberFacts(owned, calls_7d=calls, calls_30d=calls)
    about = About("B", HOURS, history=0.0)
    ground = Ground(declared(groups) if groups else (), [rule(text) for text in rules], Brakes(), about)
    return plan([Standing(known, **others)], ground, NOW)


def moved(*args, **others):
    planned = would(*args, **others)
    return next((move.to for move in planned.moves), None)


@pytest.mark.parametrize(
    ("group", "calls", "to"),
    [
        ("Main", 0, "Parked"),
        ("Main", 5, None),
        ("Main", 45, None),
        ("Main", 50, "Busy"),
        ("Busy", 45, None),
        ("Busy", 40, None),
        ("Busy", 39, "Main"),
        ("Busy", 0, "Parked"),
        ("Parked", 0, None),
        (None, 5, "Main"),
        ("Seasonal", 5, "Main"),
    ],
)
def test_the_first_group_that_fits_wins_and_two_thresholds_keep_a_number_from_bouncing(group, calls, to):
    assert moved(group=group, calls=calls) == to


def test_without_a_default_what_fits_no_group_stays():
    assert moved("- {name: Parked, if: {number.calls_30d: 0}}", group="Seasonal") is None


def test_a_plan_for_machines_has_exactly_the_words_of_the_contract():
    assert public(would(calls=0)) == {
        "moves": [{"number": ONE, "from": "Main", "to": "Parked", "because": "number.calls_30d is 0"}],
        "held": [],
    }


def test_rules_by_the_clock_are_planned_too_with_their_names():
    planned = would("", PARK, calls=0)
    assert [(m.to, m.because, m.by) for m in planned.moves] == [("Parked", "Park: number.calls_30d is 0", "Park")]
    assert would("", PARK.replace("name: Park,", "name: Park, mode: off,"), calls=0) == would("", calls=0)


def test_a_shadow_rule_moves_nothing_and_says_what_it_would_do():
    planned = would("", PARK.replace("name: Park,", "name: Park, mode: shadow,"), calls=0)
    assert (planned.moves, planned.held[0].because) == (
        (),
        "shadow: Park would move it to Parked: Park: number.calls_30d is 0",
    )


def test_a_rule_that_wants_what_the_groups_do_not_is_held():
    sales = PARK.replace("number.calls_30d: 0", "number.status: active").replace("to: Parked", "to: Sales")
    assert would(BUSY, sales).held[0].because == "they do not agree: Park to Sales, groups to Main"
    assert would(BUSY, sales, calls=0).held[0].because == "they do not agree: Park to Sales, groups to Parked"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("name: A", ("groups",), "a list"),
        ("- {if: {number.calls_30d: 0}}", ("groups", 0, "name"), "`name` is missing"),
        ("- {name: A}", ("groups", 0), "needs an `if`, or `default: true`"),
        ("- {name: A, default: true, if: {number.calls_30d: 0}}", ("groups", 0, "if"), "has no `if`"),
        ("- {name: A, default: true, leave_below: {number.calls_7d: 1}}", ("groups", 0, "leave_below"), "default"),
        ("- {name: A, default: true}\n- {name: B, default: true}", ("groups", 1, "default"), "only one"),
        ("- {name: A, default: true}\n- {name: A, if: {number.calls_7d: 1}}", ("groups", 1, "name"), "already called"),
        ("- {name: A, if: {caller.calls_7d: 1}}", ("groups", 0, "if"), "facts of the number"),
        ("- {name: A, if: {number.call_30d: 0}}", ("groups", 0, "if", "number.call_30d"), "did you mean"),
        ("- {name: A, if: {number.calls_7d: 1}, leave_below: 4}", ("groups", 0, "leave_below"), "a mapping of figures"),
        (
            "- {name: A, if: {number.calls_7d: 1}, leave_below: {number.group: 4}}",
            ("groups", 0, "leave_below", "number.group"),
            "figure of a number",
        ),
        (
            "- {name: A, if: {number.calls_7d: 1}, leave_below: {number.calls_7d: few}}",
            ("groups", 0, "leave_below", "number.calls_7d"),
            "no number",
        ),
        ("- {name: A, default: true, approve: {by: nobody}}", ("groups", 0, "approve", "by"), "nobody"),
        ("- {name: A, default: true, aprove: {by: team}}", ("groups", 0, "aprove"), "did you mean"),
    ],
)
def test_a_mistake_in_a_group_is_told_with_its_place(text, place, said):
    told = []
    read_groups(
        yaml.load(text, yaml.BaseLoader),  # noqa: S506 - every value as text, like relay.yaml
        lambda where, what: told.append((where, what)),
        {},
        AROUND.actions,
    )
    assert [where for where, _ in told] == [place]
    assert said in told[0][1]
