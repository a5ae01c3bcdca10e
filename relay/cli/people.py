"""People and texting: `optout`, `texts`, `quarantine`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from relay.cli.acting import act
from relay.cli.common import (
    NOT_FOUND,
    config_option,
    json_option,
    ledger_options,
    limit_option,
    print_json,
    read_ledger,
    stop,
    store_option,
    tell,
    zone_of,
)
from relay.cli.tables import clock, print_table
from relay.models import iso

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store

_RESTORED = (
    "this ledger was restored from a copy, and its texts are held; once the list of texts is read again "
    "(a minute after the start), `relay texts on --after-restore` allows them"
)


@click.group()
def optout() -> None:
    """People who asked not to be texted."""


@optout.command(epilog="Example: relay optout add 312-555-0101")
@click.argument("number")
@ledger_options
def add(number: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Never text this person again."""
    came = act(config, store, "optout-add", {"number": number})
    tell(came, f"{came['number']} is never texted again", as_json=as_json)


@optout.command(epilog="Example: relay optout remove 312-555-0101")
@click.argument("number")
@ledger_options
def remove(number: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Allow texts to this person again, because they asked for it."""
    came = act(config, store, "optout-remove", {"number": number})
    if as_json:
        print_json(came)
    elif came["was"]:
        click.echo(f"{came['number']} may be texted again")
    if not came["was"]:
        stop(NOT_FOUND, f"{came['number']} had not opted out")


@optout.command("list", epilog="Example: relay optout list")
@config_option
@store_option
@limit_option
@json_option
def listing(config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """Everybody who opted out, newest first."""
    found = read_ledger(config, store, lambda ledger: ledger.opt_outs(limit=limit))
    if as_json:
        print_json({"opt_outs": [{**row, "at": iso(row["at"])} for row in found]})
        return
    zone = zone_of(config)
    rows = [[clock(row["at"], zone), row["number"] or "(erased)", row["how"]] for row in found]
    print_table(["since", "number", "how"], rows, empty="nobody opted out")


@optout.command(epilog="Example: relay optout review")
@ledger_options
def review(config: str | None, store: str | None, *, as_json: bool) -> None:
    """Texts of the last 30 days that may ask to stop, and that opted nobody out: a person should read them."""
    since = time.time() - 30 * 86400
    found = read_ledger(config, store, lambda ledger: ledger.doubtful_texts(since=since))
    if as_json:
        print_json({"texts": [_public(event) for event in found]})
        return
    zone = zone_of(config)
    rows = [[clock(e.received_at, zone), e.caller or "withheld", str(e.call.get("body", ""))] for e in found]
    print_table(["at", "from", "text"], rows, empty="no text is in doubt")
    if found:
        click.echo("`relay optout add NUMBER` opts somebody out", err=True)


def _public(event: Event) -> dict[str, object]:
    at = iso(event.received_at)
    return {"event": event.id, "number": event.caller, "at": at, "body": event.call.get("body")}


@click.group(invoke_without_command=True, epilog="Example: relay texts off")
@config_option
@store_option
@limit_option
@json_option
@click.pass_context
def texts(ctx: click.Context, config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """Texts, newest first; `off` and `on` switch all of them."""
    if ctx.invoked_subcommand is not None:
        return

    async def read(ledger: Store) -> tuple[list[dict[str, object]], bool, bool]:
        return await ledger.texts(limit=limit), await ledger.texts_are_off(), await ledger.restored()

    found, are_off, restored = read_ledger(config, store, read)
    if as_json:
        listed = [{**text, "at": iso(float(str(text["at"])))} for text in found]
        print_json({"texts": listed, "off": are_off, "restored": restored})
        return
    if restored:
        click.echo(_RESTORED, err=True)
    if are_off:
        click.echo("texts are switched off; `relay texts on` switches them on", err=True)
    zone = zone_of(config)
    rows = [
        [clock(float(str(t["at"])), zone), str(t["recipient"]), str(t["state"]), str(t["rule"]), str(t["body"] or "")]
        for t in found
    ]
    print_table(["at", "to", "state", "rule", "body"], rows, empty="no texts yet", spare=["rule"])


@texts.command(epilog="Example: relay texts off")
@ledger_options
def off(config: str | None, store: str | None, *, as_json: bool) -> None:
    """Send no text at all, from this moment on; what falls due is held as long as its rule allows."""
    came = act(config, store, "texts-off", {})
    tell(came, "texts are off", as_json=as_json)


@texts.command(epilog="Example: relay texts on")
@config_option
@store_option
@click.option("--after-restore", is_flag=True, help="Allow texts on a ledger that was put back from a copy.")
@json_option
def on(config: str | None, store: str | None, *, after_restore: bool, as_json: bool) -> None:
    """Send texts again."""
    came = act(config, store, "texts-on", {"after_restore": after_restore})
    if as_json:
        print_json(came)
        return
    click.echo(f"texts are {came['texts']}")
    if came.get("suppressed"):
        click.echo(f"{came['suppressed']} texts that the copy owed are suppressed: they may have gone out since")
    if came["texts"] != "on":
        click.echo(_RESTORED, err=True)


@click.group(invoke_without_command=True, epilog="Example: relay quarantine release last")
@config_option
@store_option
@limit_option
@json_option
@click.pass_context
def quarantine(ctx: click.Context, config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """Events that a rule holds back until somebody has looked; `release` lets one go, without its texts."""
    if ctx.invoked_subcommand is not None:
        return
    found = read_ledger(config, store, lambda ledger: ledger.quarantined(limit=limit))
    if as_json:
        print_json({"events": [event.public() for event in found]})
        return
    zone = zone_of(config)
    rows = [[clock(event.received_at, zone), event.id, event.type, event.caller or "withheld"] for event in found]
    print_table(["arrived", "event", "type", "caller"], rows, empty="nothing is held back")


@quarantine.command(epilog="Example: relay quarantine release evt_1a209197a04f8e1f8ff13d8")
@click.argument("event")
@ledger_options
def release(event: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let an event's deliveries go, all but its texts."""
    came = act(config, store, "release", {"event": event})
    tell(came, f"{came['released']} deliveries released", as_json=as_json)
    if not came["released"]:
        stop(NOT_FOUND, f"nothing of {event} is held in quarantine")
