"""Commands that change the ledger: through the running service where there is one, else on the file itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import click

from relay.cli import choices
from relay.cli.common import (
    CONFIG,
    FAILURE,
    NOT_FOUND,
    REMOTE,
    USAGE,
    ledger_options,
    place_of,
    print_json,
    settings_of,
    start_logging,
    stop,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from relay.app import App
    from relay.errors import StoreHeld
    from relay.settings import Settings

_CODES = {404: NOT_FOUND, 422: USAGE, 502: REMOTE}
"""Exit codes for what a service answers: the same as without one."""


def act(
    config: str | None, store: str | None, deed: str, given: Mapping[str, Any], patience: float = 15.0
) -> dict[str, Any]:
    """Do one thing on the ledger, and answer what came of it; a running service is given `patience` seconds."""
    start_logging("WARNING")
    settings = settings_of(config)
    return asyncio.run(_act(settings, store, deed, given, patience))


async def _act(
    settings: Settings, store: str | None, deed: str, given: Mapping[str, Any], patience: float
) -> dict[str, Any]:
    from relay.deeds import BadDeed, NoSuch  # noqa: PLC0415 - quick help
    from relay.errors import DeliveryFailed, StoreHeld  # noqa: PLC0415 - quick help

    try:
        async with app_on(settings, store) as app:
            for warning in await app.learn_modes():
                click.echo(f"warning: {warning}", err=True)
            return await app.deeds.do(deed, given)
    except StoreHeld as held:
        return await ask_service(held, settings.server.admin, deed, given, patience)
    except NoSuch as error:
        stop(NOT_FOUND, str(error))
    except BadDeed as error:
        stop(USAGE, str(error))
    except DeliveryFailed as error:
        stop(REMOTE, str(error))


@contextlib.asynccontextmanager
async def app_on(settings: Settings, store: str | None) -> AsyncIterator[App]:
    """An app that has the ledger to itself; exit 3 where that cannot be used, 1 where it takes nothing now.

    Raises:
        StoreHeld: a service has it: ask that one.
    """
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick help
    from relay.app import App  # noqa: PLC0415 - quick help
    from relay.errors import StoreBusy, StoreHeld, StoreUnusable  # noqa: PLC0415 - quick help
    from relay.store.place import open_ledger  # noqa: PLC0415 - quick help
    from relay.store.sealing import read_keys  # noqa: PLC0415 - quick help

    try:
        ledger = await open_ledger(place_of(settings, store), keys=read_keys(os.environ))
    except StoreHeld:
        raise
    except StoreUnusable as error:
        stop(CONFIG, str(error))
    app = App(settings, ledger, CONNECTORS, intake=False, worker=False)
    try:
        yield app
    except StoreBusy as error:
        stop(FAILURE, str(error))
    finally:
        await app.stop()


async def ask_service(
    held: StoreHeld, configured: str, deed: str, given: Mapping[str, Any], patience: float
) -> dict[str, Any]:
    """Have it done by the service that holds the ledger; only one process writes to it.

    Where it did not write down at which HOST:PORT it listens, it is looked for at the `configured` one.
    """
    import aiohttp  # noqa: PLC0415 - quick help

    address = f"http://{held.admin or configured}/api/do/{deed}"
    token = os.environ.get("RELAY_ADMIN_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(address, json=dict(given), headers=headers, timeout=aiohttp.ClientTimeout(patience)) as answer,
        ):
            body = json.loads(await answer.text())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        why = f"does not answer at {address} ({type(error).__name__})"
        if held.admin is not None:
            stop(FAILURE, f"a service holds the ledger, but {why}")
        stop(
            FAILURE,
            f"process {held.process} holds the ledger, and {why}: a command that is at work, or a relay that starts or "
            "ends; do this again once it is through",
        )
    if answer.status >= 400:  # noqa: PLR2004 - HTTP's own classes
        stop(_CODES.get(answer.status, FAILURE), f"the service refused: {body.get('detail', answer.status)}")
    found: dict[str, Any] = body
    return found


@click.command(epilog="Example: relay retry dlv_1a209197a04f8e1f8ff13d8-3227a420-0")
@click.argument("ids", nargs=-1, required=True)
@ledger_options
def retry(ids: tuple[str, ...], config: str | None, store: str | None, *, as_json: bool) -> None:
    """Give dead deliveries another schedule of tries."""
    _report(act(config, store, "retry", {"ids": list(ids)}), "retried", as_json=as_json)


@click.command(epilog="Example: relay cancel dlv_1a209197a04f8e1f8ff13d8-3227a420-0")
@click.argument("ids", nargs=-1, required=True)
@ledger_options
def cancel(ids: tuple[str, ...], config: str | None, store: str | None, *, as_json: bool) -> None:
    """Call off deliveries that have not begun; the steps below them are not taken either."""
    _report(act(config, store, "cancel", {"ids": list(ids)}), "cancelled", as_json=as_json)


@click.command(epilog="Example: relay pause crm")
@click.argument("connector", shell_complete=choices.connectors)
@ledger_options
def pause(connector: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Send nothing to CONNECTOR until it is resumed; what is owed to it is kept, and rules go on as they are."""
    _tell(act(config, store, "pause", {"connector": connector}), as_json=as_json)


@click.command(epilog="Example: relay resume crm")
@click.argument("connector", shell_complete=choices.connectors)
@ledger_options
def resume(connector: str, config: str | None, store: str | None, *, as_json: bool) -> None:
    """Let CONNECTOR go on: what is owed to it goes out, oldest first, at its own rate."""
    _tell(act(config, store, "resume", {"connector": connector}), as_json=as_json)


_SAID = {
    True: ("is paused; what is owed to it waits", "was paused already"),
    False: ("goes on", "was not paused"),
}


def _tell(came: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(came)
        return
    became, stayed = _SAID[came["paused"]]
    click.echo(f"{came['connector']} {became if came['changed'] else stayed}")


def _report(came: Mapping[str, Any], word: str, *, as_json: bool) -> None:
    tell(came, f"{came[word]} {word}", as_json=as_json)
    if not came[word]:
        stop(NOT_FOUND, "no delivery of these could be " + word)
