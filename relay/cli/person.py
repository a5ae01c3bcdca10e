"""One person's data: `person` shows all of it, `forget` erases it."""

from __future__ import annotations

import json
from typing import Any

import click

from relay.cli.acting import act
from relay.cli.common import (
    NOT_FOUND,
    USAGE,
    ledger_options,
    print_json,
    read_ledger,
    stop,
    tell,
    zone_of,
)
from relay.cli.trace import clock
from relay.person import read_person


@click.command(epilog="Example: relay person 312-555-0101 --json > dana.json")
@click.argument("number")
@ledger_options
def person(number: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Everything the ledger knows of one person: calls, texts and what allowed each, their own words, opt-out, tags."""
    known = _number(number)
    told = read_ledger(config, store, lambda ledger: read_person(ledger, known))
    if told is None:
        stop(NOT_FOUND, f"nothing is known of {known}")
    if as_json:
        print_json(told)
    else:
        _show(told, zone_of(config))


def _show(told: dict[str, Any], zone: str) -> None:
    click.echo(f"{told['number']}")
    if told["opted_out_at"] is not None:
        click.echo(f"  opted out {clock(told['opted_out_at'], zone)}: {told['opted_out_how']}")
    if told["tags"]:
        click.echo(f"  tagged {', '.join(told['tags'])}")
    for event in told["events"]:
        said = event["call"].get("body")
        at = clock(event["received_at"], zone)
        click.echo(f"  {at}  {event['type']}  {event['id']}" + (f"  {json.dumps(said)}" if said else ""))
    for text in told["texts"]:
        by = text["rule_version"] or "not ours"
        click.echo(f"  {clock(text['at'], zone)}  text {text['state']} by {text['rule']} ({by})")
        if text["body"]:
            click.echo(f"      {text['body']}")


@click.command(epilog="Example: relay forget 312-555-0101")
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_options
def forget(number: str, config: str | None, store: str | None, *, yes: bool, as_json: bool) -> None:
    """Erase a person from the ledger, its log and its free pages; of an opt-out a keyed digest stays.

    Earlier backups and other services keep what they have; a backup that is put back is erased anew.
    """
    known = _number(number)
    if not yes:
        click.confirm(f"Erase everything about {known}? This cannot be taken back.", abort=True, err=True)
    came = act(config, store, "forget", {"number": known})
    tell(came, f"{came['forgotten']} rows no longer know {came['number']}", as_json=as_json)
    if not came["forgotten"]:
        stop(NOT_FOUND, f"nothing was known of {known}")


def _number(written: str) -> str:
    from relay import phone  # noqa: PLC0415 - quick help

    known = phone.normalise(written)
    if known is None:
        stop(USAGE, f"`{written}` is no telephone number; write it as +13125550101")
    return known
