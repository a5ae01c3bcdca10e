"""`relay live`, `shadow` and `off`: a rule switched by hand, above what the file says."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from relay.cli import choices
from relay.cli.acting import act
from relay.cli.common import (
    CONFIG,
    NOT_FOUND,
    config_path,
    ledger_options,
    print_json,
    settings_of,
    stop,
)

if TYPE_CHECKING:
    from relay.models import Mode, SaidMode


def modes_by_hand(config: str | None, store: str | None = None) -> tuple[SaidMode, ...]:
    """What was said of rules by hand; nothing where there is no ledger to read yet."""
    from relay.errors import ConfigError, StoreBusy, StoreUnusable  # noqa: PLC0415 - quick help
    from relay.settings import find_ledger  # noqa: PLC0415 - quick help
    from relay.store.place import open_ledger  # noqa: PLC0415 - quick help
    from relay.store.sealing import read_keys  # noqa: PLC0415 - quick help

    async def read() -> tuple[SaidMode, ...]:
        place = find_ledger(config_path(config), os.environ, store)
        ledger = await open_ledger(place, read_only=True, keys=read_keys(os.environ))
        try:
            return await ledger.said_modes()
        finally:
            await ledger.close()

    try:
        return asyncio.run(read())
    except (ConfigError, StoreBusy, StoreUnusable, ValueError):
        return ()


_SAID = {
    "live": "acts from now on",
    "shadow": "decides and writes down from now on, and sends nothing",
    "off": "is not judged from now on",
}


def _switch(rule: str, mode: Mode, config: str | None, store: str | None, *, as_json: bool) -> None:
    from relay.app import cannot_be_live  # noqa: PLC0415 - quick help
    from relay.forms import unknown  # noqa: PLC0415 - quick help
    from relay.rules import named  # noqa: PLC0415 - quick help

    settings = settings_of(config)
    meant = named(settings.rules, rule)
    if meant is None:
        stop(NOT_FOUND, unknown(rule, [known.name for known in settings.rules], "rule"))
    why = cannot_be_live(meant, settings) if mode == "live" else None
    if why is not None:
        stop(CONFIG, why)
    came = act(config, store, "mode", {"rule": meant.name, "mode": mode})
    if as_json:
        print_json(came)
        return
    over = "" if came["file"] == mode else f"; the file says {came['file']}, until that changes there"
    click.echo(f"{came['rule']} {_SAID[mode]}{over}")


@click.command(epilog='Example: relay live "Text back missed callers"')
@click.argument("rule", shell_complete=choices.rules)
@ledger_options
def live(rule: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let a rule act, whatever the file's `mode:` of it says; kept until the file changes there."""
    _switch(rule, "live", config, store, as_json=as_json)


@click.command(epilog='Example: relay shadow "Text back missed callers"')
@click.argument("rule", shell_complete=choices.rules)
@ledger_options
def shadow(rule: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let a rule decide and send nothing, whatever the file's `mode:` of it says."""
    _switch(rule, "shadow", config, store, as_json=as_json)


@click.command(epilog='Example: relay off "Text back missed callers"')
@click.argument("rule", shell_complete=choices.rules)
@ledger_options
def off(rule: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let a rule rest, whatever the file's `mode:` of it says.

    Its texts that wait or are held do not go; whatever else it owes does.
    """
    _switch(rule, "off", config, store, as_json=as_json)
