"""The trace of an event in words: every rule, every condition and guard with both values, every step and try."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from relay import sms
from relay.models import ASKED, iso
from relay.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.models import Delivery, Verdict
    from relay.store import Store

Trace = dict[str, Any]
_GUARD = "guard "
_MARKS = {True: ("pass", "STOPS"), False: ("yes", "NO")}
_ANSWER = 120
"""Characters of an answer that a line shows."""


async def read_told(ledger: Store, reference: str) -> Trace | None:
    """The story of an event, by its id, its call's id, or `last`; its steps count from 1."""
    trace = await read_trace(ledger, reference)
    if trace is None:
        return None
    return {
        "event": trace.event.public(),
        "verdicts": None if trace.verdicts is None else [_verdict(verdict) for verdict in trace.verdicts],
        "deliveries": [
            {**delivery_told(delivery), "attempts": [asdict(attempt) for attempt in trace.attempts[delivery.id]]}
            for delivery in trace.deliveries
        ],
    }


def _verdict(verdict: Verdict) -> Trace:
    return {
        "rule": verdict.rule,
        "verdict": verdict.word,
        "why": verdict.why,
        "until": iso(verdict.until),
        "findings": [asdict(finding) for finding in verdict.findings],
    }


def delivery_told(delivery: Delivery) -> Trace:
    """A delivery as the command line tells it; its step counts from 1, times are in ISO 8601."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "rule": delivery.rule,
        "step": delivery.step + 1,
        "kind": delivery.kind,
        "connector": delivery.connector,
        "state": str(delivery.state),
        "reason": delivery.reason,
        "due_at": iso(delivery.due_at),
        "settled_at": iso(delivery.settled_at),
        "asked": delivery.notes.get(ASKED),
        "tries": delivery.tries,
        "action": delivery.action,
        "receipt": delivery.receipt,
    }


def print_why(trace: Trace, zone: str = "UTC") -> None:
    """The whole story: who called, what each rule made of it, and what was done."""
    print_head(trace, zone)
    if trace["verdicts"] is None:
        click.echo("  not judged yet: the planner has not come to it")
    _print_verdicts(trace["verdicts"] or (), trace["deliveries"], zone)


def print_head(trace: Trace, zone: str = "UTC") -> None:
    """Who called whom, and when it arrived."""
    event = trace["event"]
    caller = event["caller"]["number"] or "withheld"
    arrived = clock(event["received_at"], zone)
    click.echo(f"{event['type']}  {caller} → {event['number']['number'] or '?'}  arrived {arrived}")
    click.echo(f"  event {event['id']}  call {event['call_id']}" + ("  late" if event["late"] else ""))


def _print_verdicts(verdicts: Sequence[Trace], deliveries: Sequence[Trace], zone: str) -> None:
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
