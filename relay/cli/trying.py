"""`relay try`: what a rule would do, with nothing sent."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from relay.cli import choices
from relay.cli.common import (
    CONFIG,
    FAILURE,
    NOT_FOUND,
    USAGE,
    ledger_options,
    ledger_place,
    no_event,
    print_json,
    settings_of,
    start_logging,
    stop,
)
from relay.cli.modes import modes_by_hand
from relay.cli.trace import found

if TYPE_CHECKING:
    from relay.hours import Business
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.trying import Trial, Tried


@click.command(
    "try", epilog='Example: relay try "Text back missed callers" --sample missed-call --set caller_name=Dana'
)
@click.argument("rule", shell_complete=choices.rules)
@click.option("--event", "event", metavar="ID", help="A stored event, by its id or its call's, or `last`.")
@click.option(
    "--sample",
    "name",
    metavar="NAME",
    shell_complete=choices.samples,
    help="A sample (see `relay send`), or a type of event.",
)
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Change a field of the sample.")
@click.option("--at", metavar="TIME", help="When the sample arrives, on the business's clock: 2026-03-02 10:00.")
@ledger_options
def try_(
    rule: str,
    event: str | None,
    name: str | None,
    fields: tuple[str, ...],
    at: str | None,
    config: str | None,
    store: str | None,
    *,
    as_json: bool,
) -> None:
    """What one rule would do with an event, step by step; nothing is sent and nothing is written down."""
    if (event is None) is (name is None):
        stop(USAGE, "name an event: either --event ID or --sample NAME")
    if event is not None and (fields or at):
        stop(USAGE, "--set and --at change a sample; a stored event stays as it was")
    from relay.app import with_modes  # noqa: PLC0415 - quick help
    from relay.trying import trial_json  # noqa: PLC0415 - quick help

    start_logging("ERROR")
    settings = with_modes(settings_of(config), modes_by_hand(config, store))
    chosen = _rule(settings, rule)
    if event is not None:
        trial = _stored(chosen, event, settings, config, store)
    else:
        trial = _sample(chosen, str(name), fields, at, settings)
    if as_json:
        print_json(trial_json(trial))
    else:
        _print(trial, settings.about.hours)


def _rule(settings: Settings, name: str) -> Rule:
    from relay.forms import unknown  # noqa: PLC0415 - quick help
    from relay.rules import named  # noqa: PLC0415 - quick help

    meant = named(settings.rules, name)
    if meant is None:
        stop(NOT_FOUND, unknown(name, [rule.name for rule in settings.rules], "rule"))
    return meant


def _stored(rule: Rule, event: str, settings: Settings, config: str | None, store: str | None) -> Trial:
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.errors import StoreBusy, StoreUnusable  # noqa: PLC0415 - quick help
    from relay.store.place import open_ledger  # noqa: PLC0415 - quick help
    from relay.store.sealing import read_keys  # noqa: PLC0415 - quick help
    from relay.trying import try_stored  # noqa: PLC0415 - quick help

    async def run() -> Trial | None:
        ledger = await open_ledger(ledger_place(config, store), read_only=True, keys=read_keys(os.environ))
        try:
            return await try_stored(rule, event, ledger, settings, CONNECTORS)
        finally:
            await ledger.close()

    try:
        trial = asyncio.run(run())
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    except StoreBusy as error:
        stop(FAILURE, str(error))
    if trial is None:
        stop(NOT_FOUND, no_event(event))
    return trial


def _sample(rule: Rule, name: str, fields: tuple[str, ...], at: str | None, settings: Settings) -> Trial:
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.errors import BadBody  # noqa: PLC0415 - quick help
    from relay.intake.reading import misspelt  # noqa: PLC0415 - quick help
    from relay.scenarios.given import read_at  # noqa: PLC0415 - quick help
    from relay.trying import sample_event, try_rule  # noqa: PLC0415 - quick help

    told = {"call_id": f"try-{secrets.token_hex(6)}"}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            stop(USAGE, f"`{field}`: write --set field=value")
        if slip := misspelt(key):
            stop(USAGE, slip)
        told[key] = value
    source = next(iter(settings.sources), "callscaler")
    try:
        moment = read_at(at, settings.about.hours) if at else time.time()
        event = sample_event(name, told, source, moment)
    except (ValueError, BadBody) as error:
        stop(USAGE, str(error))
    return asyncio.run(try_rule(rule, event, settings, CONNECTORS))


def _print(trial: Trial, hours: Business) -> None:
    event = trial.event
    caller, number = event.caller or event.caller_raw or "withheld", event.number or "?"
    click.echo(f"{event.type}  {caller} → {number}  arrived {_clock(event.received_at, hours)}")
    mode = "" if trial.mode == "live" else f" (mode: {trial.mode}; tried as if it were live)"
    click.echo(f"  {trial.rule}{mode}")
    until = f" until {_clock(trial.verdict.until, hours)}" if trial.verdict.until else ""
    click.echo(f"  {trial.verdict.word}{until}  {trial.verdict.why}".rstrip())
    for line in found([asdict(finding) for finding in (*trial.conditions, *trial.guards)]):
        click.echo(f"      {line}".rstrip())
    for step in trial.steps:
        _print_step(step, hours)
    click.echo("  nothing was sent")


def _print_step(step: Tried, hours: Business) -> None:
    when = f" at {_clock(step.at, hours)}" if step.at is not None and step.state == "would go" else ""
    reason = f": {step.reason}" if step.reason else ""
    action = step.action or {}
    whom = action.get("to") if step.kind == "text" else step.connector
    click.echo(f"    → step {step.step}  {step.kind} {whom or ''}  {step.state}{when}{reason}")
    if step.cost is None:
        if action:
            click.echo(f"        {json.dumps(action, ensure_ascii=False)}")
        return
    click.echo(f'        "{action["body"]}"')
    click.echo(f"        {step.cost} ({step.cost.alphabet})")
    if step.again_at is not None:
        click.echo(f"        would not text {whom} again until {_clock(step.again_at, hours)}")


def _clock(at: float, hours: Business) -> str:
    return hours.local(at).strftime("%a %Y-%m-%d %H:%M:%S")
