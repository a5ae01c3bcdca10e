"""Keeping the ledger: `prune` and `backup`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.cli.acting import act
from relay.cli.common import (
    CONFIG,
    FAILURE,
    FOUND,
    NOT_FOUND,
    busy,
    ledger_options,
    ledger_place,
    print_json,
    read_ledger,
    settings_of,
    start_logging,
    stop,
)
from relay.cli.unwritable import unwritable
from relay.errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.store import Store


@click.command(epilog="Example: relay prune --dry-run")
@click.option("--dry-run", is_flag=True, help="Only count what would go by its age.")
@ledger_options
def prune(config: str | None, store: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Let go of what `retention:` no longer keeps, and give the room back; a running service does so every minute."""
    start_logging("WARNING")
    came = _foresee(config, store) if dry_run else _prune(config, store)
    if as_json:
        print_json(came)
        return
    word = "would go" if dry_run else "went"
    for kind, rows in came["rows"].items():
        click.echo(f"{kind}: {rows} {word}")
    click.echo(f"size: {came['bytes_before'] / 10**6:.1f} MB before, {came['bytes_after'] / 10**6:.1f} MB after")


def _prune(config: str | None, store: str | None) -> dict[str, Any]:
    """A few seconds at a time, so that a service that does it stays free for others."""
    with busy("letting go of what is old …") as say:
        came = act(config, store, "prune", {})
        rows, before = dict(came["rows"]), came["bytes_before"]
        while not came["done"]:
            say(f"{sum(rows.values()):,} rows went …")
            came = act(config, store, "prune", {})
            rows = {kind: rows[kind] + more for kind, more in came["rows"].items()}
    return {**came, "rows": rows, "bytes_before": before}


def _foresee(config: str | None, store: str | None) -> dict[str, Any]:
    from relay.upkeep import Upkeep  # noqa: PLC0415 - quick help

    retention = settings_of(config).retention

    async def foresee(ledger: Store) -> dict[str, Any]:
        return (await Upkeep(ledger, time.time, retention, pause=0.0).foresee()).public()

    return read_ledger(config, store, foresee)


_BY_SERVER = (
    "the ledger is in PostgreSQL, which makes its own backups: "
    "pg_dump --format=custom --file=relay.dump DATABASE, and pg_restore; docs/postgres.md says more"
)


@click.command(epilog="Example: relay backup /var/backups/relay")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--verify", "file", type=click.Path(path_type=Path), help="Only prove an earlier backup.")
@ledger_options
def backup(folder: Path | None, file: Path | None, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Copy the ledger into FOLDER, also beside a running service, and prove the copy."""
    from relay.store.sqlite.backup import back_up, verify  # noqa: PLC0415 - quick help

    if (folder is None) == (file is None):
        raise click.UsageError("Name a folder to copy into, or a backup to --verify.")
    try:
        if folder is not None:
            with busy("copying the ledger, and proving the copy …"):
                copy = back_up(ledger_place(config, store).file_or(_BY_SERVER), folder, time.time())
        elif file is not None and file.is_file():
            copy = verify(file)
        else:
            stop(NOT_FOUND, f"there is no backup {file}")
    except StoreUnusable as error:
        stop(CONFIG if folder is not None else FOUND, str(error))
    except OSError as error:
        if folder is None:
            stop(FAILURE, f"{file} cannot be read: {error.strerror or error}")
        stop(FAILURE, unwritable(folder, error))
    told = {
        "file": str(copy.file),
        "bytes": copy.bytes,
        "sha256": copy.sha256,
        "events": copy.events,
        "deliveries": copy.deliveries,
        "wrong": list(copy.wrong),
    }
    _say(told, as_json=as_json)
    if copy.wrong:
        stop(FOUND, "\n".join(copy.wrong))


def _say(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    click.echo(told["file"])
    if not told["wrong"]:
        click.echo(f"sound: {told['events']} events, {told['deliveries']} deliveries, {told['bytes'] / 10**6:.1f} MB")
