"""Rules: read once from the file, judged on every event, explained in words. No I/O."""

from relay.rules.asking import question
from relay.rules.conditions import ALWAYS, All, Condition, Either, Test, fields_in, say
from relay.rules.facts import HISTORY, About, Facts, say_span
from relay.rules.fields import FIELDS
from relay.rules.judging import CLOSED, cooling, plan
from relay.rules.kinds import Kind
from relay.rules.modes import in_force, named, outdated
from relay.rules.rule import Rule, read_rule, version_of, version_of_all
from relay.rules.runs import Ground, cancelled_by, give_up, ripen, schedule
from relay.rules.spam import NO_CARD, Scorecard, Spam
from relay.rules.steps import Approval, Step, Surroundings, read_approval
from relay.rules.ticks import CLOCK, TICK, Opening, rule_of
from relay.rules.waits import Wait
from relay.rules.wording import read_condition

__all__ = [
    "ALWAYS",
    "CLOCK",
    "CLOSED",
    "FIELDS",
    "HISTORY",
    "NO_CARD",
    "TICK",
    "About",
    "All",
    "Approval",
    "Condition",
    "Either",
    "Facts",
    "Ground",
    "Kind",
    "Opening",
    "Rule",
    "Scorecard",
    "Spam",
    "Step",
    "Surroundings",
    "Test",
    "Wait",
    "cancelled_by",
    "cooling",
    "fields_in",
    "give_up",
    "in_force",
    "named",
    "outdated",
    "plan",
    "question",
    "read_approval",
    "read_condition",
    "read_rule",
    "ripen",
    "rule_of",
    "say",
    "say_span",
    "schedule",
    "version_of",
    "version_of_all",
]
