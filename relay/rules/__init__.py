"""Rules: read once from the file, judged on every event, explained in words. No I/O."""

from relay.rules.conditions import Condition, fields_in, read_condition
from relay.rules.facts import About, Facts
from relay.rules.judging import plan
from relay.rules.rule import Rule, read_rule, version_of
from relay.rules.runs import Ground, cancelled_by, ripen, schedule
from relay.rules.steps import Step, Surroundings, Wait

__all__ = [
    "About",
    "Condition",
    "Facts",
    "Ground",
    "Rule",
    "Step",
    "Surroundings",
    "Wait",
    "cancelled_by",
    "fields_in",
    "plan",
    "read_condition",
    "read_rule",
    "ripen",
    "schedule",
    "version_of",
]
