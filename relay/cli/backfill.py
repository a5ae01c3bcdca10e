"""`relay backfill`: fetch what the webhooks missed, now."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from relay.cli.acting import app_on, ask_service
from relay.cli.common import (
    CONFIG,
    REMOTE,
    busy,
    ledger_options,
    print_json,
    settings_of,
    since_when,
    start_logging,
    stop,
    zone_of,
)

if TYPE_CHECKING:
    from relay.backfill import Sweep
    from relay.settings import Settings

_PATIENCE = 600.0
"""Seconds that a service is given to read calls, page after page."""


@click.command(epilog="Example: relay backfill --since 7d")
@click.option(
    "--since",
    metavar="TIME",
    help="From when on: 7d, 12h, or 2026-03-01 (the business's). Since the last sweep by default.",
)
@ledger_options
def backfill(since: str | None, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Fetch calls whose webhooks never came, and fields that arrived later, through the API.

    A running service does this by itself every few minutes, and for the past when it is asked by this command.
    """
    start_logging()
    settings = settings_of(config)
    if not settings.can_call_back:
        stop(CONFIG, "the CallScaler API is not set up: set CALLSCALER_API_KEY")
    with busy("reading calls from the phone system …"):
        found = asyncio.run(_sweep(settings, store, None if since is None else since_when(since, zone_of(config))))
    if as_json:
        print_json(asdict(found))
        return
    click.echo(f"{found.seen} calls read, {found.created} new to the ledger, {found.enriched} with missing fields")


async def _sweep(settings: Settings, store: str | None, since: float | None) -> Sweep:
    from relay.backfill import Sweep  # noqa: PLC0415 - quick help
    from relay.errors import DeliveryFailed, StoreHeld  # noqa: PLC0415 - quick help

    try:
        async with app_on(settings, store) as app:
            if app.fetching.backfill is None:
                stop(CONFIG, "there is no source of type callscaler to which calls would belong")
            return await app.fetching.backfill.sweep(since)
    except StoreHeld as held:
        return Sweep(**await ask_service(held, settings.server.admin, "backfill", {"since": since}, _PATIENCE))
    except DeliveryFailed as error:
        stop(REMOTE, f"the calls could not be fetched: {error}")
