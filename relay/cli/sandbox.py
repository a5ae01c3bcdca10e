"""`relay sandbox`: the stand-in for the CallScaler API on its own."""

from __future__ import annotations

from pathlib import Path

import click

from relay.cli.common import FAILURE, stop


@click.command(epilog="Example: relay sandbox --port 9000 --db sandbox.db")
@click.option(
    "--port", default=9000, show_default=True, type=click.IntRange(0, 65535), help="Where it listens, on 127.0.0.1."
)
@click.option("--db", type=click.Path(dir_okay=False), help="Where it keeps its state; a temporary file by default.")
@click.option("--key", help="The owner's key; made up by default.")
@click.option("--chaos", type=click.IntRange(0, 100), default=0, help="Percent of requests that go wrong.")
def sandbox(port: int, db: str | None, key: str | None, chaos: int) -> None:
    """A pretend CallScaler with sample data, a phone that rings, and a page with buttons."""
    from relay.sandbox import SandboxSettings, serve  # noqa: PLC0415 - quick help

    try:
        serve(port, Path(db) if db else None, key, settings=SandboxSettings(chaos=chaos))
    except OSError as error:
        stop(FAILURE, f"cannot listen on port {port}: {error.strerror or error}; choose another with --port")
