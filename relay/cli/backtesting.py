"""`relay backtest`: what other rules would have made of the calls of the last days."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.cli.common import (
    CONFIG,
    FAILURE,
    busy,
    ledger_options,
    print_json,
    read_ledger,
    settings_of,
    start_logging,
    stop,
)
from relay.cli.modes import modes_by_hand
from relay.models import iso

if TYPE_CHECKING:
    from relay.backtest import Difference, Side, Texted
    from relay.hours import Business


@click.command(epilog="Example: relay backtest new.yaml --days 30")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 365), help="How far back.")
@ledger_options
def backtest(file: str, days: int, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Run the rules of FILE, a whole configuration, over the stored calls of the last days, and print the difference.

    Nothing is sent. Rules in shadow mode count as live, in FILE and in the configured file.
    """
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.app import with_modes  # noqa: PLC0415 - quick help
    from relay.backtest import backtest as run  # noqa: PLC0415 - quick help

    start_logging("CRITICAL")
    if not Path(file).is_file():
        stop(CONFIG, f"there is no file {file}")
    said = modes_by_hand(config, store)
    in_force, other = (with_modes(settings_of(written), said) for written in (config, file))
    now = time.time()
    try:
        with busy(f"playing {days} days of calls, twice …"):
            found = read_ledger(config, store, lambda ledger: run(ledger, days, in_force, other, CONNECTORS, now=now))
    except ValueError as error:
        stop(FAILURE, str(error))
    if not found.events:
        click.echo(
            f"no call came in within the last {days} days, so there was nothing to compare the rules on; --days looks "
            "further back, `relay backfill --since` fetches older calls, `relay try` takes a sample",
            err=True,
        )
    if as_json:
        print_json(_public(found, in_force.about.hours))
    else:
        _print(found, file, in_force.about.hours)


def _public(found: Difference, hours: Business) -> dict[str, Any]:
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "events": found.events,
        "now": _side(found.now),
        "then": _side(found.then),
        "more": [_text(text) for text in found.more],
        "fewer": [_text(text) for text in found.fewer],
        "changed": [{"now": _text(old), "then": _text(new)} for old, new in found.changed],
        "hours": {f"{hour:02}": {"more": more, "fewer": fewer} for hour, more, fewer in _by_hour(found, hours)},
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "texts": len(side.texts),
        "segments": side.segments,
        "suppressed": side.suppressed,
        "delivered": dict(side.delivered),
    }


def _text(text: Texted) -> dict[str, Any]:
    return {**asdict(text), "at": iso(text.at)}


def _by_hour(found: Difference, hours: Business) -> list[tuple[int, int, int]]:
    """(hour of the business's clock, texts more, texts fewer), where there are any."""
    more = Counter(hours.local(text.at).hour for text in found.more)
    fewer = Counter(hours.local(text.at).hour for text in found.fewer)
    return [(hour, more[hour], fewer[hour]) for hour in range(24) if more[hour] or fewer[hour]]


def _print(found: Difference, file: str, hours: Business) -> None:
    now, then = found.now, found.then
    click.echo(f"{found.events} events from {_clock(found.since, hours)} to {_clock(found.until, hours)}")
    click.echo(f"  texts     {len(now.texts)} now, {len(then.texts)} with {file}")
    click.echo(f"  segments  {now.segments} now, {then.segments} with {file}")
    click.echo(f"  suppressed  {now.suppressed} now, {then.suppressed} with {file}")
    for name in sorted({*now.delivered, *then.delivered}):
        before, after = now.delivered.get(name, 0), then.delivered.get(name, 0)
        if before != after:
            click.echo(f"  to {name}  {before} now, {after} with {file}")
    for word, texts in (("more", found.more), ("fewer", found.fewer)):
        for text in texts:
            click.echo(f"  {word:<6} {_line(text, hours)}")
    for old, new in found.changed:
        click.echo(f"  was    {_line(old, hours)}")
        click.echo(f"  is     {_line(new, hours)}")
    for hour, more, fewer in _by_hour(found, hours):
        click.echo(f"  {hour:02}:00  +{more} -{fewer}")
    if not (found.more or found.fewer or found.changed):
        click.echo("  the same texts")


def _line(text: Texted, hours: Business) -> str:
    plural = "" if text.segments == 1 else "s"
    return f"{_clock(text.at, hours)}  {text.person}  {text.segments} segment{plural}  {text.rule}"


def _clock(at: float, hours: Business) -> str:
    return hours.local(at).strftime("%a %Y-%m-%d %H:%M")
