"""Secrets of the ledger: `secrets rotate`."""

from __future__ import annotations

import click

from relay.cli.acting import act
from relay.cli.common import ledger_options, tell


@click.group(epilog="Example: relay secrets rotate")
def secrets() -> None:
    """The key that the ledger is sealed with."""


@secrets.command(epilog="Example: RELAY_ENCRYPTION_KEY=new,old relay secrets rotate")
@ledger_options
def rotate(config: str | None, store: str | None, *, as_json: bool) -> None:
    """Seal the ledger anew with the first key of RELAY_ENCRYPTION_KEY, which a running service must have as well.

    Afterwards the older keys can be taken out of RELAY_ENCRYPTION_KEY. Earlier backups still need them.
    """
    came = act(config, store, "secrets-rotate", {})
    tell(came, f"{came['resealed']} rows are sealed with the newest key", as_json=as_json)
