"""`relay refused`: requests that made no event, and why."""

from __future__ import annotations

from dataclasses import asdict

import click

from relay.cli.common import (
    config_option,
    json_option,
    limit_option,
    print_json,
    read_ledger,
    store_option,
    zone_of,
)
from relay.cli.tables import clock, print_table
from relay.models import iso


@click.command(epilog="Example: relay refused -n 20")
@config_option
@store_option
@limit_option
@click.option("--tests", is_flag=True, help="Tests by the sender's button, in place of refused requests.")
@json_option
def refused(config: str | None, store: str | None, limit: int, *, tests: bool, as_json: bool) -> None:
    """Requests that were refused, newest first, with the reason that their sender is not told."""
    kind = "test" if tests else "refused"
    found = read_ledger(config, store, lambda ledger: ledger.requests(limit=limit, kind=kind))
    if as_json:
        told = [{**asdict(one), "at": iso(one.at), "body": one.body.decode("utf-8", "replace")} for one in found]
        print_json({"requests": told})
        return
    zone = zone_of(config)
    rows = [[clock(one.at, zone), one.source, str(one.status), one.reason, one.remote] for one in found]
    nothing = "no tests came in" if tests else "nothing was refused"
    print_table(["at", "source", "status", "why", "from"], rows, empty=nothing)
