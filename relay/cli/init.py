"""`relay init`: a configuration to begin with."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import FAILURE, USAGE, stop
from relay.cli.unwritable import unwritable

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME, _ZONE = "Bright Plumbing", "America/Chicago"
_HOURS = "mon-fri: 08:00-18:00, sat: 09:00-13:00"
_ENVIRONMENT = """\
# Secrets of the relay, read from the file .env beside relay.yaml, or from the environment. Never commit that file.
RELAY_HOOK_SECRET={RELAY_HOOK_SECRET}
SLACK_WEBHOOK_URL={SLACK_WEBHOOK_URL}
CALLSCALER_API_KEY={CALLSCALER_API_KEY}
"""
_IGNORED = ".env\n*.db\n*.db-shm\n*.db-wal\n*.jsonl\n"
_SCHEMA = "relay.schema.json"
"""Where the shipped files tell editors to look for the names of all keys and facts."""


@click.command(epilog='Example: relay init --name "Bright Plumbing" --timezone America/Chicago --yes')
@click.option(
    "--dir", "folder", default="config", show_default=True, type=click.Path(file_okay=False), help="Where to."
)
@click.option("--name", help="The business's name.")
@click.option("--timezone", help="Its time zone, like America/Chicago.")
@click.option("--hours", help=f"When it is open, like: {_HOURS}")
@click.option("--slack", metavar="URL", help="Address of a Slack webhook; without one, calls go to a file.")
@click.option("--key", metavar="KEY", help="The CallScaler API key, needed once texts go live.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is not given from the example.")
def init(
    folder: str,
    name: str | None,
    timezone: str | None,
    hours: str | None,
    slack: str | None,
    key: str | None,
    *,
    yes: bool,
) -> None:
    """Write a commented relay.yaml, with the text-back in shadow mode, and its secrets beside it."""
    from relay.hours import read_zone  # noqa: PLC0415 - quick help

    target = Path(folder) / "relay.yaml"
    if target.exists():
        stop(USAGE, f"{target} exists; it is never written over. Choose another --dir, or edit it")
    if not yes:
        name = name or click.prompt("What is the business called?", default=_NAME)
        timezone = timezone or click.prompt("In which time zone is it?", default=_ZONE, value_proc=_sound_zone)
        hours = hours or click.prompt("When is it open?", default=_HOURS, value_proc=_sound_hours)
        slack = slack or click.prompt(
            "Address of a Slack webhook (blank for none yet)", default="", show_default=False, value_proc=_sound_slack
        )
        key = key or click.prompt("CallScaler API key (blank for none yet)", default="", show_default=False)
    try:
        zone = read_zone(timezone or _ZONE)
    except ValueError as error:
        stop(USAGE, str(error))
    values = {
        "RELAY_HOOK_SECRET": secrets.token_hex(32),
        "SLACK_WEBHOOK_URL": slack or "",
        "CALLSCALER_API_KEY": key or "",
    }
    text = _written(name or _NAME, str(zone), hours or _HOURS, slack=bool(slack))
    if wrong := _wrong(text, values):
        stop(USAGE, wrong)
    try:
        written = _write(target, text, values)
    except OSError as error:
        stop(FAILURE, f"{unwritable(target, error)} by --dir")
    click.echo("wrote " + ", ".join(str(file) for file in written))
    relay = "relay" if folder == "config" else f"relay -c {target}"
    click.echo(f"secrets stand in {target.with_name('.env')}; no text is sent before `{relay} live RULE`", err=True)
    click.echo(f"next: `{relay} check`, `{relay} doctor`, `{relay} serve`, `{relay} url`", err=True)


def _written(name: str, zone: str, hours: str, *, slack: bool) -> str:
    from relay.settings.shipped import shipped  # noqa: PLC0415 - quick help

    start = shipped("relay.example.yaml" if slack else "relay.start.yaml").read_text(encoding="utf-8")
    text = start.replace(f"name: {_NAME}", f"name: {_quoted(name)}", 1)
    text = text.replace(f"timezone: {_ZONE}", f"timezone: {zone}", 1)
    return text.replace(f"{{{_HOURS}}}", f"{{{hours.strip().strip('{}')}}}", 1)


def _sound_zone(said: str) -> str:
    """A time zone as it was answered; what is none is asked again, before four more questions are answered."""
    from relay.hours import read_zone  # noqa: PLC0415 - quick help

    try:
        return str(read_zone(said))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _sound_hours(said: str) -> str:
    return _sound(said, _written(_NAME, _ZONE, said, slack=False), "")


def _sound_slack(said: str) -> str:
    return _sound(said.strip(), _written(_NAME, _ZONE, _HOURS, slack=bool(said.strip())), said.strip())


def _sound(said: str, text: str, slack: str) -> str:
    """The answer, if a file with it can be used."""
    if wrong := _wrong(text, {"RELAY_HOOK_SECRET": secrets.token_hex(32), "SLACK_WEBHOOK_URL": slack}):
        raise click.BadParameter(wrong)
    return said


def _wrong(text: str, values: Mapping[str, str]) -> str:
    """What keeps the relay from taking a file of what was answered; nothing where it takes it."""
    import tempfile  # noqa: PLC0415 - quick help

    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.errors import ConfigError  # noqa: PLC0415 - quick help
    from relay.settings import read_settings  # noqa: PLC0415 - quick help

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "relay.yaml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
        try:
            read_settings(file, CONNECTORS, {name: value for name, value in values.items() if value})
        except ConfigError as error:
            lines = text.splitlines()
            return "\n".join(f"`{lines[m.line - 1].strip()}`: {m.message}" for m in error.mistakes)
    return ""


def _write(target: Path, text: str, values: Mapping[str, str]) -> list[Path]:
    """Every file but those that are there already; secrets readable by their owner only."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.settings.schema import schema  # noqa: PLC0415 - quick help

    example = {**values, "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/…", "CALLSCALER_API_KEY": ""}
    files = {
        "relay.yaml": (text, 0o600),
        ".env": (_ENVIRONMENT.format(**values), 0o600),
        ".env.example": (_ENVIRONMENT.format(**{**example, "RELAY_HOOK_SECRET": secrets.token_hex(32)}), 0o644),
        ".gitignore": (_IGNORED, 0o644),
        _SCHEMA: (json.dumps(schema(CONNECTORS)), 0o644),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (content, mode) in files.items():
        file = target.with_name(name)
        if file.exists() and name in {".env", ".gitignore"}:
            continue
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as opened:
            opened.write(content)
        written.append(file)
    return written


def _quoted(name: str) -> str:
    """A name as YAML takes it, whatever it holds."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
