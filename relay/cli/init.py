"""`relay init`: a configuration to begin with."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click

from relay.cli.common import FAILURE, USAGE, stop

_NAME, _ZONE = "Bright Plumbing", "America/Chicago"
_ENVIRONMENT = """\
# Copy to .env, fill in, and load it into the environment of the service; never commit the copy.
RELAY_HOOK_SECRET={secret}
SLACK_WEBHOOK_URL=https://hooks.slack.com/services/…
CALLSCALER_API_KEY=
"""
_SCHEMA = "relay.schema.json"
_EDITORS = f"# yaml-language-server: $schema={_SCHEMA}\n"
"""Tells editors where the names of all keys and facts stand."""


@click.command(epilog='Example: relay init --name "Bright Plumbing" --timezone America/Chicago --yes')
@click.option(
    "--dir", "folder", default="config", show_default=True, type=click.Path(file_okay=False), help="Where to."
)
@click.option("--name", help="The business's name.")
@click.option("--timezone", help="Its time zone, like America/Chicago.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is not given from the example.")
def init(folder: str, name: str | None, timezone: str | None, *, yes: bool) -> None:
    """Write a commented relay.yaml, with the text-back in shadow mode, and .env.example."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.hours import read_zone  # noqa: PLC0415 - quick help
    from relay.settings.schema import schema  # noqa: PLC0415 - quick help
    from relay.settings.shipped import shipped  # noqa: PLC0415 - quick help

    target = Path(folder) / "relay.yaml"
    if target.exists():
        stop(USAGE, f"{target} exists; it is never written over. Choose another --dir, or edit it")
    if not yes:
        name = name or click.prompt("What is the business called?", default=_NAME)
        timezone = timezone or click.prompt("In which time zone is it?", default=_ZONE)
    try:
        zone = read_zone(timezone or _ZONE)
    except ValueError as error:
        stop(USAGE, str(error))
    text = _EDITORS + shipped("relay.example.yaml").read_text(encoding="utf-8")
    text = text.replace(f"name: {_NAME}", f"name: {_quoted(name or _NAME)}").replace(
        f"timezone: {_ZONE}", f"timezone: {zone}"
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o600)
        target.with_name(_SCHEMA).write_text(json.dumps(schema(CONNECTORS)), encoding="utf-8")
        target.with_name(".env.example").write_text(_ENVIRONMENT.format(secret=secrets.token_hex(32)), encoding="utf-8")
    except OSError as error:
        stop(FAILURE, f"{target} cannot be written: {error.strerror}")
    click.echo(f"wrote {target}, {target.with_name('.env.example')} and {target.with_name(_SCHEMA)}")
    click.echo("next: fill in the environment, then `relay check`, `relay serve`, `relay url`", err=True)


def _quoted(name: str) -> str:
    """A name as YAML takes it, whatever it holds."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
