"""`relay replay`: do again what died, or whole events."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from relay.cli.acting import act
from relay.cli.common import (
    NOT_FOUND,
    ledger_options,
    print_json,
    since_when,
    start_logging,
    stop,
    zone_of,
)

_SHOWN = 1000
"""Ids of deliveries that are told at most."""


@click.command(epilog="Example: relay replay --since 12h --connector crm --dry-run")
@click.option("--since", metavar="TIME", help="Only what began since then: 7d, 12h, or 2026-03-01 (the business's).")
@click.option("--rule", metavar="NAME", help="Only of this rule.")
@click.option("--event", metavar="EVENT", help="Only of this event (its id, its call's id, or last).")
@click.option("--connector", metavar="NAME", help="Only what goes to this connector.")
@click.option("--whole", is_flag=True, help="Judge whole events again, also where nothing died.")
@click.option(
    "--rules",
    type=click.Choice(["then", "now"]),
    help="By the wording that planned it, or today's. Default: then; with --whole now.",
)
@click.option("--texts", is_flag=True, help="Let texts go too, where every guard still allows it.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@ledger_options
def replay(
    since: str | None,
    rule: str | None,
    event: str | None,
    connector: str | None,
    rules: str | None,
    config: str | None,
    store: str | None,
    *,
    whole: bool,
    texts: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Do again what died, from the step that failed; with --whole, or an --event where nothing died, from the start.

    What rings people and what changes numbers is not done again, and texts only with --texts. Asked twice in a row, it
    is done once.
    """
    start_logging("WARNING")
    if whole and since is None and event is None:
        raise click.UsageError("--whole judges everything again that it finds: say --since or --event.")
    asked: dict[str, Any] = {"rule": rule, "event": event, "connector": connector, "rules": rules}
    asked |= {"whole": whole, "texts": texts, "dry_run": dry_run}
    if since is not None:
        asked["since"] = since_when(since, zone_of(config))
    came = _all(config, store, asked)
    if event is not None and not came["replayed"] and not came["left"]:
        came = _all(config, store, {**asked, "whole": True})
    if as_json:
        print_json(came)
    else:
        click.echo(f"{came['replayed']} {'would be done' if dry_run else 'done'} again")
        for why, count in came["left"].items():
            click.echo(f"{count} left: {why}")
    if not came["replayed"] and not came["left"] and not dry_run:
        stop(NOT_FOUND, "nothing to do again" if whole else "nothing died there; --whole judges events from the start")


def _all(config: str | None, store: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Page after page, so that a service that does it stays free for others."""
    left, deliveries, page = Counter[str](), list[str](), None
    while True:
        came = act(config, store, "replay", asked if page is None else {**asked, "page": page})
        left.update(came["left"])
        deliveries += came["deliveries"]
        page = came["next"]
        if page is None:
            break
    told = {"replayed": len(deliveries), "deliveries": deliveries[:_SHOWN], "left": dict(left)}
    return {**told, "dry_run": asked["dry_run"]}
