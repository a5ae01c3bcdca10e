"""`relay doctor`: prove the path end to end."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import click

from relay.cli.common import (
    FOUND,
    ledger_options,
    ledger_place,
    print_json,
    running_at,
    settings_of,
    start_logging,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.doctor import Finding
    from relay.numbers import Drift
    from relay.settings import Settings
    from relay.store import Store
    from relay.store.place import Place

_MARKS = {"ok": "ok  ", "note": "note", "problem": "!!  "}


@click.command(epilog="Example: relay doctor --through https://calls.example.com")
@click.option("--through", metavar="URL", help="Where senders reach the relay, instead of server: public_url.")
@ledger_options
def doctor(through: str | None, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Prove the path end to end: machine, ledger, phone system, connectors, and a probe round the public address.

    Needs no running service and works beside one. Exit 6 when something does not work.
    """
    start_logging("ERROR")
    settings = settings_of(config)
    through, listen = _base(through or settings.server.public_url), running_at(settings, store)
    found = asyncio.run(_examine(settings, ledger_place(config, store), through, listen))
    problems = [finding for _, finding in found if finding.word == "problem"]
    if as_json:
        print_json({"ok": not problems, "checks": [_told(name, finding) for name, finding in found]})
    else:
        width = max(len(name) for name, _ in found)
        for name, finding in found:
            click.echo(f"{_MARKS[finding.word]}  {name:<{width}}  {finding.said}")
            if finding.remedy:
                click.echo(f"{'':<{width + 8}}→ {finding.remedy}")
        click.echo(_sum(len(problems)), err=True)
    raise SystemExit(FOUND if problems else 0)


def _sum(problems: int) -> str:
    return f"{problems} problem{'' if problems == 1 else 's'}" if problems else "all is well"


def _base(address: str) -> str:
    """The public address, also where somebody names the whole of what `relay url` prints."""
    return address.partition("/hooks/")[0]


def _told(name: str, finding: Finding) -> dict[str, Any]:
    return {"check": name, "state": finding.word, "said": finding.said, "remedy": finding.remedy or None}


async def _examine(settings: Settings, place: Place, through: str, listen: str) -> list[tuple[str, Finding]]:
    from relay.callscaler import CallScaler  # noqa: PLC0415 - quick help
    from relay.doctor import Bench, examine  # noqa: PLC0415 - quick help
    from relay.http import Http  # noqa: PLC0415 - quick help
    from relay.models import CALLSCALER  # noqa: PLC0415 - quick help
    from relay.moving import drift_now  # noqa: PLC0415 - quick help
    from relay.texting import PhoneConnector  # noqa: PLC0415 - quick help

    http = Http(settings.network)
    store, fault = await _open(place)
    form = settings.callscaler
    has_key = settings.can_call_back
    moved = bool(settings.groups) or any(rule.each_number for rule in settings.rules)
    cls = settings.connectors[CALLSCALER].cls if has_key else None
    phone = None if cls is None else cls(settings.connectors[CALLSCALER].options, http)

    async def drift() -> Sequence[Drift]:
        if store is None or not isinstance(phone, PhoneConnector):
            return ()
        return await drift_now(store, phone, settings, time.time())

    bench = Bench(
        clock=time.time,
        http=http,
        sources=settings.sources,
        connectors={
            name: item.cls(item.options, http) for name, item in settings.connectors.items() if name != CALLSCALER
        },
        phone=CallScaler(http, api_key=form.api_key, base_url=form.base_url) if has_key else None,
        base_url=form.base_url if has_key else "",
        texts=any(rule.texts and rule.mode != "off" for rule in settings.rules),
        warnings=[str(warning) for warning in settings.warnings],
        through=through,
        listen=listen,
        drift=drift if moved and has_key and store is not None else None,
        store=store,
        fault=fault,
        folder=None if place.file is None else place.file.parent,
    )
    try:
        return await examine(bench)
    finally:
        await http.close()
        if store is not None:
            await store.close()


async def _open(place: Place) -> tuple[Store | None, str]:
    """The ledger for reading, and why it cannot be read; neither where there is none yet."""
    from relay.errors import StoreError  # noqa: PLC0415 - quick help
    from relay.store.place import open_ledger  # noqa: PLC0415 - quick help
    from relay.store.sealing import read_keys  # noqa: PLC0415 - quick help

    if place.file is not None and not place.file.exists():
        return None, ""
    try:
        return await open_ledger(place, read_only=True, keys=read_keys(os.environ)), ""
    except StoreError as error:
        return None, str(error)
