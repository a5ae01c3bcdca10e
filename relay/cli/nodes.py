"""`relay nodes`: which relays share the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from relay.cli.common import ledger_options, print_json, read_ledger, zone_of
from relay.cli.tables import clock, print_table

if TYPE_CHECKING:
    from relay.store import Store


@click.command(epilog="Example: relay nodes")
@ledger_options
def nodes(config: str | None, store: str | None, *, as_json: bool) -> None:
    """Who lives, who does what for all, how far each lags, and whether all run the same configuration."""
    from relay.store.nodes import node_json, same_config  # noqa: PLC0415 - quick help

    async def read(ledger: Store) -> list[dict[str, Any]]:
        return [node_json(node, now=ledger.clock(), shared=ledger.shared) for node in await ledger.nodes()]

    told = read_ledger(config, store, read)
    if as_json:
        print_json({"nodes": told, "same_config": same_config(told)})
        return
    zone = zone_of(config)
    print_table(
        ["node", "host", "process", "version", "config", "roles", "holds", "seen", "lag"],
        [_row(node, zone) for node in told],
        empty="no relay runs on this ledger",
    )
    if not same_config(told):
        click.echo("the relays run different configurations: give all the same file, and reload them", err=True)


def _row(node: dict[str, Any], zone: str) -> list[str]:
    seen = f"{node['silent']:.0f} s ago" if node["lives"] else f"gone since {clock(node['seen_at'], zone)}"
    lag = "" if node["lag"] is None else f"{node['lag']:.1f} s"
    return [
        node["id"], node["host"], str(node["pid"]), node["version"], node["config"], node["roles"],
        ", ".join(node["holds"]), seen, lag,
    ]  # fmt: skip
