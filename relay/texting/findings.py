"""What was looked at before a text may go, for the trace: what is wanted, what was there, and whether it held."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from relay import phone
from relay.hours import local
from relay.models import Finding
from relay.rules import cooling, say_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.models import TextFacts
    from relay.rules import Rule
    from relay.texting.judging import People
    from relay.texting.policy import Limit, Policy


def findings(rule: Rule, people: People, facts: TextFacts, policy: Policy, now: float) -> tuple[Finding, ...]:
    """Everything that stands between a rule and a text to a person at `now`, Unix seconds, whether it holds or not."""
    return tuple(_findings(rule, people, facts, policy, now))


def _findings(rule: Rule, people: People, facts: TextFacts, policy: Policy, now: float) -> Iterator[Finding]:
    notify = people.to in policy.staff
    if not notify and rule.cooldown is not None:
        yield _cooldown(rule, facts, now)
    out = facts.opted_out
    yield Finding("guard opt-out", "did not opt out", "opted out" if out else "clear", not out)
    if not notify:
        problem = phone.untextable(people.to, policy.regions)
        yield Finding("guard number", "can be texted", problem or phone.line(people.to), problem is None)
        yield _quiet_hours(people.to, policy, now)
        yield from _limit("per_person", facts.to_person, policy.per_person)
        yield from _limit("per_prefix", facts.to_prefix, policy.per_prefix)
    yield from _limit("total", facts.total, policy.total)
    if facts.off or facts.restored:
        yield Finding("guard texts", "on", "held after a restore" if facts.restored else "off", held=False)
    if people.blocked is not None or people.sender in policy.mute:
        yield Finding("guard sender", "can send texts", people.blocked or "not enabled for texting", held=False)


def _cooldown(rule: Rule, facts: TextFacts, now: float) -> Finding:
    last = facts.last_by_rule_at if rule.cooldown_scope == "rule" else facts.last_at
    by = rule.name if rule.cooldown_scope == "rule" else facts.last_rule
    found = "last: never" if last is None else f"last: {say_span(max(0.0, now - last))} ago by {by}"
    wanted = f"no text in {say_span(rule.cooldown or 0.0)}"
    return Finding("guard cooldown", wanted, found, cooling(rule, facts, now) is None)


def _quiet_hours(person: str, policy: Policy, now: float) -> Finding:
    quiet, zones = policy.quiet, phone.zones(person)
    allowed = quiet.allowed_at(now, zones, phone.state(person), policy.hours.zone)
    if quiet.always:
        return Finding("guard quiet hours", "none", policy.hours.local(now).strftime("%a %H:%M"), held=True)
    clocks = (policy.hours.zone,) if quiet.clock == "business" else zones[:2]
    wanted = f"{_clock(quiet.start)}-{_clock(quiet.end)} {' and '.join(clocks) or 'where nobody knows'}"
    found = " and ".join(local(now, zone).strftime("%a %H:%M") for zone in clocks) or "unknown zone"
    if allowed > now:
        opens = "never" if allowed == math.inf else f"from {policy.hours.local(allowed):%a %H:%M}"
        found = f"{found}, allowed {opens}"
    return Finding("guard quiet hours", wanted, found, allowed <= now)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _limit(name: str, count: int, limit: Limit) -> Iterator[Finding]:
    if limit.most is not None:
        wanted = f"below {limit.most} in {say_span(limit.span)}"
        yield Finding(f"guard {name}", wanted, str(count), count < limit.most)
