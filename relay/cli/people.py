"""`relay optout`: people who are never texted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from relay.cli.common import CONFIG, NOT_FOUND, USAGE, config_option, ledger_path, stop, store_option

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.store import Store


@click.group()
def optout() -> None:
    """People who asked not to be texted; the service must be stopped while this list is changed by hand."""


def _number(written: str) -> str:
    from relay import phone  # noqa: PLC0415 - quick help

    number = phone.normalise(written)
    if number is None:
        stop(USAGE, f"`{written}` is no telephone number; write it as +13125550101")
    return number


def _change(config: str | None, store: str | None, change: Callable[[Store], Awaitable[bool | None]]) -> bool | None:
    from relay.errors import StoreUnusable  # noqa: PLC0415 - quick help
    from relay.store.sqlite import SqliteStore  # noqa: PLC0415 - quick help

    async def run() -> bool | None:
        ledger = SqliteStore(ledger_path(config, store))
        try:
            return await change(ledger)
        finally:
            await ledger.close()

    try:
        return asyncio.run(run())
    except StoreUnusable as error:
        stop(CONFIG, str(error))


@optout.command(epilog="Example: relay optout add 312-555-0101")
@click.argument("number")
@config_option
@store_option
def add(number: str, config: str | None, store: str | None) -> None:
    """Never text this person again."""
    person = _number(number)
    _change(config, store, lambda ledger: ledger.opt_out(person, now=time.time(), how="by hand"))
    click.echo(f"{person} is never texted again")


@optout.command(epilog="Example: relay optout remove 312-555-0101")
@click.argument("number")
@config_option
@store_option
def remove(number: str, config: str | None, store: str | None) -> None:
    """Allow texts to this person again, because they asked for it."""
    person = _number(number)
    if not _change(config, store, lambda ledger: ledger.opt_in(person)):
        stop(NOT_FOUND, f"{person} had not opted out")
    click.echo(f"{person} may be texted again")
