"""Secrets of the ledger: `secrets rotate`."""

from __future__ import annotations

import click

from relay.cli.acting import act
from relay.cli.common import config_option, json_option, print_json, store_option


@click.group(epilog="Example: relay secrets rotate")
def secrets() -> None:
    """The key that the ledger is sealed with."""


@secrets.command(epilog="Example: RELAY_ENCRYPTION_KEY=new,old relay secrets rotate")
@config_option
@store_option
@json_option
def rotate(config: str | None, store: str | None, *, as_json: bool) -> None:
    """Seal the ledger anew with the first key of RELAY_ENCRYPTION_KEY, which a running service must have as well.

    Afterwards the older keys can be taken out of RELAY_ENCRYPTION_KEY. Earlier backups still need them.
    """
    came = act(config, store, "secrets-rotate", {})
    if as_json:
        print_json(came)
    else:
        click.echo(f"{came['resealed']} rows are sealed with the newest key")
