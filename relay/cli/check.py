"""`relay check`: is the configuration right?"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

from relay.cli.common import (
    CONFIG,
    FOUND,
    config_option,
    config_path,
    json_option,
    print_json,
    start_logging,
    zone_of,
)
from relay.cli.modes import modes_by_hand
from relay.cli.tables import clock
from relay.models import iso

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from relay.errors import Mistake
    from relay.settings import Settings


@click.command(epilog="Example: relay -c config/relay.yaml check --live")
@config_option
@click.option("--live", is_flag=True, help="Also ask each connector whether its options work.")
@json_option
def check(config: str | None, *, live: bool, as_json: bool) -> None:
    """Validate the configuration and run its tests; every mistake is a line file:line:col: message."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.errors import ConfigError, Mistake  # noqa: PLC0415 - quick help
    from relay.settings import read_settings  # noqa: PLC0415 - quick help

    # Scenarios log like the real thing; only what goes wrong in them is worth a line.
    start_logging("ERROR")
    path = config_path(config)
    try:
        settings = read_settings(path, CONNECTORS, os.environ)
    except ConfigError as error:
        _report(error.mistakes, [], as_json=as_json)
        sys.exit(CONFIG)
    from relay.app import not_held  # noqa: PLC0415 - as below
    from relay.scenarios import run_scenarios  # noqa: PLC0415 - a fifth of the time that a file with mistakes takes

    failures = asyncio.run(run_scenarios(settings, CONNECTORS))
    mistakes = [Mistake(str(path), line, column, message) for line, column, message in failures]
    if mistakes:
        _report(mistakes, settings.warnings, as_json=as_json)
        sys.exit(CONFIG)
    problems = asyncio.run(_ask(settings)) if live else {}
    written = {(rule.name, rule.mode) for rule in settings.rules}
    by_hand = [said for said in modes_by_hand(config) if (said.rule, said.over) in written]
    if as_json:
        print_json(
            {
                "ok": not problems,
                "mistakes": [],
                "warnings": [str(warning) for warning in settings.warnings],
                "rules": len(settings.rules),
                "tests": len(settings.tests),
                "connectors": problems,
                "modes": [
                    {"rule": said.rule, "mode": said.mode, "file": said.over, "at": iso(said.at)} for said in by_hand
                ],
            }
        )
    else:
        for warning in settings.warnings:
            click.echo(f"warning: {warning}", err=True)
        for said in by_hand:
            since = clock(said.at, zone_of(config))
            click.echo(f"{said.rule}: {said.mode} by hand since {since}; the file says {said.over}", err=True)
        for why in not_held(settings, by_hand).values():
            click.echo(f"warning: {why}", err=True)
        for name, problem in problems.items():
            click.echo(f"{name}: {problem}")
        if not settings.rules:
            click.echo("no rule stands here: what comes in is written down, and nothing is done about it", err=True)
        if not problems:
            click.echo(f"{path}: {_count(settings.rules, 'rule')}, {_count(settings.tests, 'test')}: good", err=True)
    sys.exit(FOUND if problems else 0)


def _report(mistakes: Sequence[Mistake], warnings: Sequence[Mistake], *, as_json: bool) -> None:
    if as_json:
        rows = [{"file": m.file, "line": m.line, "column": m.column, "message": m.message} for m in mistakes]
        print_json({"ok": False, "mistakes": rows, "warnings": [str(warning) for warning in warnings]})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    for mistake in mistakes:
        click.echo(str(mistake))


async def _ask(settings: Settings) -> dict[str, str]:
    from relay.http import Http  # noqa: PLC0415 - quick help

    http = Http(settings.network)
    problems = {}
    try:
        for name, item in settings.connectors.items():
            try:
                await item.cls(item.options, http).check()
            except Exception as failure:  # noqa: BLE001 - the next connector is asked all the same
                problems[name] = str(failure) or type(failure).__name__
    finally:
        await http.close()
    return problems


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
