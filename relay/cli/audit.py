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


@click.command(epilog="Example: relay audit -n 20")
@config_option
@store_option
@limit_option
@json_option
def audit(config: str | None, store: str | None, limit: int, *, as_json: bool) -> None:
    """Who asked for what by hand, from where and under which configuration, newest first.

    It is written down before it is done, and what came of it afterwards: without an outcome it is still being done, or
    the relay fell meanwhile.
    """
    found = read_ledger(config, store, lambda ledger: ledger.acts(limit=limit))
    if as_json:
        from relay.store.audit import act_json  # noqa: PLC0415 - quick help

        print_json({"acts": [act_json(act) for act in found]})
        return
    zone = zone_of(config)
    rows = [[clock(act.at, zone), act.who, act.what, act.about, act.outcome or "", act.config] for act in found]
    print_table(
        ["at", "who", "what", "about", "outcome", "config"],
        rows,
        empty="nobody did anything by hand yet",
        spare=["config"],
    )
