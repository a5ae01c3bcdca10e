"""A rule that does nothing but send takes a shorter way to the very same end as one that is played step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.rules import About, Facts, Ground, plan
from relay.texting import GO
from tests.rules.reading import rule
from tests.rules.test_runs import DAY, EVENT, HOURS, NIGHT, Known

LONGER = ", if: {call.outcome: missed}"
"""Holds for the event, and sends the step the longer way."""


def planned(text, step, event, now, more="", mode="live"):
    """What is decided by a rule in this wording; what tells two wordings apart is taken out."""
    read = rule(f"{text}\nthen: [{{send: team, message: '{step}'{more}}}]", mode=mode)
    facts = Facts(event, Known(), About("Bright Plumbing", HOURS), now)
    return plan((replace(read, version="v1"),), event, facts, Ground(now, HOURS, frozenset({"team"})), lambda *_: GO)


@pytest.mark.parametrize(
    "text",
    [
        "if: {caller.number: present}",
        "if: {caller.number: missing}",
        "guards: {hours: hold}",
        "guards: {hours: skip}",
        "guards: {fresh: 1h}",
        "guards: {once: call.id}",
    ],
)
@pytest.mark.parametrize(
    "step", ["hello", "{{ caller.number }}", "{{ caller.name }}", '{{ caller.name | default("-") }}']
)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("now", [DAY, DAY + 7200.5, NIGHT + 86400])
@pytest.mark.parametrize("mode", ["live", "shadow"])
def test_both_ways_decide_the_same(text, step, late, now, mode):
    event = replace(EVENT, late=late)
    short, long = (planned(text, step, event, now, mode=mode, more=more) for more in ("", LONGER))
    assert short == long


def test_the_shorter_way_is_taken_where_it_may_be():
    [sent] = planned("if: {caller.number: present}", "hello", EVENT, DAY + 60).owed
    assert (sent.state, sent.due_at, sent.first_due_at, sent.action) == ("due", DAY + 60, DAY, {"message": "hello"})
