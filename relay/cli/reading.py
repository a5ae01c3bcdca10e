"""Reading the ledger: `events`, `show`, `find`, `why`, `deliveries`, `alerts`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from relay.cli import choices
from relay.cli.common import (
    NOT_FOUND,
    USAGE,
    config_option,
    json_option,
    ledger_options,
    limit_option,
    no_event,
    print_json,
    read_ledger,
    stop,
    store_option,
    zone_of,
)
from relay.cli.tables import clock, print_table
from relay.cli.trace import delivery_told, print_head, print_why, read_told
from relay.models import State, iso
from relay.rules.modes import slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Alert, Event


@click.command(epilog="Example: relay events -n 20")
@config_option
@store_option
@limit_option
@json_option
def events(config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """What came in, newest first."""
    found = read_ledger(config, store, lambda ledger: ledger.events(limit=limit))
    _print_events(found, zone_of(config), as_json=as_json)


@click.command(epilog="Example: relay find 312-555-0101")
@click.argument("number")
@config_option
@store_option
@limit_option
@json_option
def find(number: str, config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """What came from one person."""
    from relay import phone  # noqa: PLC0415 - quick help

    person = phone.normalise(number)
    if person is None:
        stop(
            USAGE,
            f"`{number}` is no telephone number; write it as +13125550101. People are found by number only, as names "
            "may be sealed",
        )
    found = read_ledger(config, store, lambda ledger: ledger.events(limit=limit, person=person))
    if found or as_json:
        _print_events(found, zone_of(config), as_json=as_json)
    if not found:
        stop(NOT_FOUND, f"nothing came from {person}")


def _print_events(found: Sequence[Event], zone: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"events": [event.public() for event in found]})
        return
    rows = [
        [
            clock(event.received_at, zone),
            event.id,
            event.type,
            event.caller or event.caller_raw or "withheld",
            event.number or "",
        ]
        for event in found
    ]
    print_table(
        ["arrived", "event", "type", "caller", "number"],
        rows,
        empty="nothing came in yet; try it with `relay send missed-call`",
        spare=["number"],
    )


@click.command(epilog="Example: relay show last")
@click.argument("event")
@ledger_options
def show(event: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """One event, by its id or its call's id, or `last`: its verdicts, deliveries and tries. Steps count from 1."""
    trace = read_ledger(config, store, lambda ledger: read_told(ledger, event))
    if trace is None:
        stop(NOT_FOUND, no_event(event))
    if as_json:
        print_json(trace)
        return
    print_head(trace, zone_of(config))
    for delivery in trace["deliveries"]:
        reason = f"  {delivery['reason']}" if delivery["reason"] else ""
        click.echo(
            f"  {delivery['state']:<11} {delivery['kind']} → {delivery['connector']}  ({delivery['rule']}){reason}"
        )
        for attempt in delivery["attempts"]:
            took = f"{attempt['seconds']:.3f} s"
            click.echo(f"      try {attempt['number']}: {attempt['outcome']} in {took}: {attempt['answer']}")


@click.command(epilog="Example: relay why last")
@click.argument("event")
@click.argument("rule", required=False, shell_complete=choices.rules)
@ledger_options
def why(event: str, rule: str | None, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Why rules did what they did with an event: every condition with what was wanted and what was there.

    Steps count from 1.
    """
    trace = read_ledger(config, store, lambda ledger: read_told(ledger, event))
    if trace is None:
        stop(NOT_FOUND, no_event(event))
    verdicts = trace["verdicts"] or []
    if rule is not None:
        verdicts = [verdict for verdict in verdicts if slug(verdict["rule"]) == slug(rule)]
        if not verdicts:
            stop(NOT_FOUND, f"no rule `{rule}` was judged on this event")
    if as_json:
        print_json({**trace, "verdicts": verdicts})
        return
    print_why({**trace, "verdicts": trace["verdicts"] and verdicts}, zone_of(config))


@click.command(epilog="Example: relay deliveries --state dead")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in State]),
    metavar="STATE",
    help="Only those in this state: " + ", ".join(State) + ".",
)
@config_option
@store_option
@limit_option
@json_option
def deliveries(state: str | None, config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """What is owed, delivered, or given up on, newest first. Steps count from 1 (in the admin API from 0)."""
    found = read_ledger(config, store, lambda ledger: ledger.deliveries(limit=limit, state=state))
    if as_json:
        print_json({"deliveries": [delivery_told(delivery) for delivery in found]})
        return
    rows = [[d.id, d.rule, f"{d.kind} → {d.connector}", str(d.state), str(d.tries), d.reason or ""] for d in found]
    print_table(
        ["delivery", "rule", "step", "state", "tries", "reason"], rows, empty="no such deliveries", spare=["tries"]
    )


@click.command(epilog="Example: relay alerts --all")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@config_option
@store_option
@limit_option
@json_option
def alerts(config: str | None, store: str | None, limit: int, *, everything: bool, as_json: bool) -> None:
    """What somebody should see to, newest first, and what to do about it."""
    found = read_ledger(config, store, lambda ledger: ledger.alerts(open_only=not everything, limit=limit))
    if as_json:
        print_json({"alerts": [_alert(alert) for alert in found]})
        return
    zone = zone_of(config)
    if not found:
        click.echo("nothing is wrong that anybody noticed", err=True)
    for alert in found:
        over = "" if alert.closed_at is None else f", over since {clock(alert.closed_at, zone)}"
        click.echo(f"{alert.cause}  since {clock(alert.opened_at, zone)}{over}")
        click.echo(f"  {alert.what}")
        click.echo(f"  → {alert.remedy}")


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        **asdict(alert),
        "opened_at": iso(alert.opened_at),
        "closed_at": iso(alert.closed_at),
        "told_at": iso(alert.told_at),
    }
