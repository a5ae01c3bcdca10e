"""The trace of an event in words: every rule, every condition and guard with both values, every step and try."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from relay import sms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Trace = dict[str, Any]
_GUARD = "guard "
_MARKS = {True: ("pass", "STOPS"), False: ("yes", "NO")}
_ANSWER = 120
"""Characters of an answer that a line shows."""


def print_head(trace: Trace, zone: str = "UTC") -> None:
    """Who called whom, and when it arrived."""
    event = trace["event"]
    caller = event["caller"]["number"] or "withheld"
    arrived = clock(event["received_at"], zone)
    click.echo(f"{event['type']}  {caller} → {event['number']['number'] or '?'}  arrived {arrived}")
    click.echo(f"  event {event['id']}  call {event['call_id']}" + ("  late" if event["late"] else ""))


def print_verdicts(verdicts: Sequence[Trace], deliveries: Sequence[Trace], zone: str = "UTC") -> None:
    """Every rule with what became of it, and under it what was looked at and what was done."""
    width = max([len(verdict["rule"]) for verdict in verdicts], default=0)
    for verdict in verdicts:
        until = f" until {clock(verdict['until'], zone)}" if verdict["until"] else ""
        click.echo(f"  {verdict['rule']:<{width}}  {verdict['verdict']:<10} {verdict['why']}{until}".rstrip())
        for line in (*found(verdict["findings"]), *_steps(verdict["rule"], deliveries, zone)):
            click.echo(f"      {line}".rstrip())


def found(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line a finding, in columns: what was looked at, what was wanted, what was there, whether it held."""
    widths = [max((len(str(f[key])) for f in findings), default=0) for key in ("name", "wanted", "found")]
    for finding in findings:
        cells = (str(finding[key]).ljust(min(wide, 44)) for key, wide in zip(_COLUMNS, widths, strict=True))
        yes, no = _MARKS[finding["name"].startswith(_GUARD)]
        yield "  ".join((*cells, yes if finding["held"] else no))


_COLUMNS = ("name", "wanted", "found")


def _steps(rule: str, deliveries: Sequence[Trace], zone: str) -> Iterator[str]:
    for delivery in deliveries:
        if delivery["rule"] != rule:
            continue
        reason = f": {delivery['reason']}" if delivery["reason"] else ""
        when = ""
        if delivery["settled_at"]:
            when = f" at {clock(delivery['settled_at'], zone)}"
        elif delivery["due_at"]:
            when = f" until {clock(delivery['due_at'], zone)}"
        to = "" if delivery["connector"] in {"relay", "callscaler"} else f" {delivery['connector']}"
        yield f"→ step {delivery['step']}  {delivery['kind']}{to}  {delivery['state']}{when}{reason}"
        yield from (f"    {line}" for line in _details(delivery))


def _details(delivery: Trace) -> Iterator[str]:
    action = delivery["action"] or {}
    if delivery["kind"] == "text" and "body" in action:
        cost = sms.measure(action["body"])
        yield f"to {action.get('to')}: {json.dumps(action['body'], ensure_ascii=False)} ({cost})"
    if delivery.get("asked"):
        yield delivery["asked"]
    for attempt in delivery["attempts"]:
        answer = " ".join(str(attempt["answer"]).split())[:_ANSWER]
        yield f"try {attempt['number']}: {attempt['outcome']} in {attempt['seconds']:.3f} s: {answer}"


def clock(moment: str, zone: str = "UTC") -> str:
    """A moment in ISO 8601 as the clock of a zone shows it."""
    return dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M:%S %Z")
