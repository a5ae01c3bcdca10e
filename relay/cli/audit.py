"""What people did to the relay: `audit`."""

from __future__ import annotations

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


@click.command(epilog="Example: relay audit -n 20")
@config_option
@store_option
@limit_option
@json_option
def audit(config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """Who asked for what by hand, from where and under which configuration, newest first.

    It is written down before it is done: what was then refused stands there too.
    """
    found = read_ledger(config, store, lambda ledger: ledger.acts(limit=limit))
    if as_json:
        acts = [{"at": iso(a.at), "who": a.who, "what": a.what, "about": a.about, "config": a.config} for a in found]
        print_json({"acts": acts})
        return
    zone = zone_of(config)
    rows = [[clock(act.at, zone), act.who, act.what, act.about, act.config] for act in found]
    print_table(
        ["at", "who", "what", "about", "config"], rows, empty="nobody did anything by hand yet", spare=["config"]
    )
