"""One person's data: `person` shows all of it, `forget` erases it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from relay.cli.acting import act
from relay.cli.common import (
    NOT_FOUND,
    USAGE,
    config_option,
    json_option,
    print_json,
    read_ledger,
    stop,
    store_option,
)
from relay.models import iso

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store

_MOST = 10_000


@click.command(epilog="Example: relay person 312-555-0101 --json > dana.json")
@click.argument("number")
@config_option
@store_option
@json_option
def person(number: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Everything the ledger knows of one person: calls, texts and what allowed each, their own words, opt-out, tags."""
    known = _number(number)
    told = read_ledger(config, store, lambda ledger: _everything(ledger, known))
    if as_json:
        print_json(told)
    else:
        _show(told)
    if not told["events"] and not told["texts"] and told["opted_out_at"] is None:
        stop(NOT_FOUND, f"nothing is known of {known}")


async def _everything(ledger: Store, number: str) -> dict[str, Any]:
    events = await ledger.events(limit=_MOST, person=number)
    texts = await ledger.texts_page(limit=_MOST, person=number)
    standing = await ledger.standing(number)
    return {
        "number": number,
        "opted_out_at": iso(standing.opted_out_at),
        "opted_out_how": standing.how,
        "tags": list(standing.tags),
        "events": [await _event(ledger, event) for event in events],
        "texts": [await _text(ledger, text) for text in texts],
    }


async def _event(ledger: Store, event: Event) -> dict[str, Any]:
    verdicts = await ledger.verdicts(event.id)
    owed = await ledger.deliveries(limit=1000, event=event.id)
    return {
        **event.public(),
        "verdicts": [{"rule": one.rule, "verdict": one.word, "why": one.why} for one in verdicts or ()],
        "sent": [
            {
                "to": one.connector,
                "rule": one.rule,
                "state": str(one.state),
                "action": one.action,
                "at": iso(one.settled_at),
            }
            for one in owed
        ],
    }


async def _text(ledger: Store, text: dict[str, Any]) -> dict[str, Any]:
    """A text, with the version of the rule that allowed it and the event it answers; nothing of those for others'."""
    delivery = await ledger.delivery(str(text["id"]))
    return {
        **text,
        "at": iso(float(text["at"])),
        "rule_version": None if delivery is None else delivery.rule_version,
        "event": None if delivery is None else delivery.event,
    }


def _show(told: dict[str, Any]) -> None:
    click.echo(f"{told['number']}")
    if told["opted_out_at"] is not None:
        click.echo(f"  opted out {told['opted_out_at']}: {told['opted_out_how']}")
    if told["tags"]:
        click.echo(f"  tagged {', '.join(told['tags'])}")
    for event in told["events"]:
        said = event["call"].get("body")
        click.echo(
            f"  {event['received_at']}  {event['type']}  {event['id']}" + (f"  {json.dumps(said)}" if said else "")
        )
    for text in told["texts"]:
        click.echo(f"  {text['at']}  text {text['state']} by {text['rule']} ({text['rule_version'] or 'not ours'})")


@click.command(epilog="Example: relay forget 312-555-0101")
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@store_option
@json_option
def forget(number: str, config: str | None, store: str | None, *, yes: bool, as_json: bool) -> None:
    """Erase a person from the ledger, its log and its free pages; of an opt-out a keyed digest stays.

    Earlier backups and other services keep what they have; a backup that is put back is erased anew.
    """
    known = _number(number)
    if not yes:
        click.confirm(f"Erase everything about {known}? This cannot be taken back.", abort=True, err=True)
    came = act(config, store, "forget", {"number": known})
    if as_json:
        print_json(came)
    else:
        click.echo(f"{came['forgotten']} rows no longer know {came['number']}")
    if not came["forgotten"]:
        stop(NOT_FOUND, f"nothing was known of {known}")


def _number(written: str) -> str:
    from relay import phone  # noqa: PLC0415 - quick help

    known = phone.normalise(written)
    if known is None:
        stop(USAGE, f"`{written}` is no telephone number; write it as +13125550101")
    return known
