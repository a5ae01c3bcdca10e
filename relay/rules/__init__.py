"""Rules: read once from the file, judged on every event, explained in words. No I/O."""

from relay.rules.conditions import Condition, fields_in
from relay.rules.facts import About, Facts
from relay.rules.judging import CLOSED, cooling, plan, say_span
from relay.rules.modes import in_force, named, outdated
from relay.rules.rule import Rule, read_rule, version_of, version_of_all
from relay.rules.runs import Ground, cancelled_by, give_up, ripen, schedule
from relay.rules.spam import NO_CARD, Scorecard, Spam
from relay.rules.steps import Step, Surroundings
from relay.rules.waits import Wait
from relay.rules.wording import read_condition

__all__ = [
    "CLOSED",
    "NO_CARD",
    "About",
    "Condition",
    "Facts",
    "Ground",
    "Rule",
    "Scorecard",
    "Spam",
    "Step",
    "Surroundings",
    "Wait",
    "cancelled_by",
    "cooling",
    "fields_in",
    "give_up",
    "in_force",
    "named",
    "outdated",
    "plan",
    "read_condition",
    "read_rule",
    "ripen",
    "say_span",
    "schedule",
    "version_of",
    "version_of_all",
]
