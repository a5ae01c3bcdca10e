"""`relay store copy`: a whole ledger to another place."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from relay.cli.common import CONFIG, NOT_FOUND, USAGE, json_option, print_json, start_logging, stop
from relay.errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.store.copying import Proof
    from relay.store.place import Place


@click.group(epilog="Example: relay store copy sqlite:///relay.db postgresql://relay@db/relay")
def store() -> None:
    """The ledger as a whole."""


@store.command(epilog="Example: relay store copy sqlite:///relay.db postgresql://relay@db/relay")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def copy(source: str, target: str, *, as_json: bool) -> None:
    """Copy a ledger from one place to another, in either direction, and prove the copy.

    Stop every relay first. Broken off, the same command goes on where it stopped. The ledger that is left behind sends
    no text any more, unless somebody allows it (`relay texts on --after-restore`).
    """
    start_logging("WARNING")
    places = _place(source), _place(target)
    if places[0] == places[1]:
        stop(USAGE, "the two are the same ledger")
    if places[0].file is not None and not places[0].file.exists():
        stop(NOT_FOUND, f"there is no ledger at {places[0].file}")
    try:
        proofs = asyncio.run(_copy(*places))
    except (StoreUnusable, OSError) as error:
        stop(CONFIG, str(error))
    if as_json:
        print_json({"tables": [asdict(proof) for proof in proofs], "rows": sum(proof.rows for proof in proofs)})
        return
    for proof in proofs:
        if proof.rows:
            click.echo(f"{proof.table:<14} {proof.rows:>9} rows, the same on both sides ({proof.sha256[:12]})")
    click.echo("copied and proved; name the new place in store: and start the relay")


def _place(written: str) -> Place:
    from relay.settings import read_place  # noqa: PLC0415 - quick help

    try:
        return read_place(written)
    except ValueError as error:
        stop(USAGE, str(error))


async def _copy(source: Place, target: Place) -> list[Proof]:
    from relay.store.copying import copy, end_at  # noqa: PLC0415 - quick help

    with _progress() as told:
        async with end_at(source, new=False) as there, end_at(target, new=True) as here:
            return await copy(there, here, told)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each table on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda table, done, total: None  # noqa: ARG005 - nobody looks
        return
    from rich.console import Console  # noqa: PLC0415 - quick help
    from rich.progress import Progress  # noqa: PLC0415 - quick help

    with Progress(console=Console(stderr=True)) as bars:
        tasks = {}

        def told(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=done, total=total)

        yield told
