"""Carrying out one `relay api` command: the request shown or sent, the answer printed, the exit code chosen."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from yarl import URL

from relay.callscaler import CallScaler
from relay.callscaler.client import BASE_URL
from relay.callscaler.operations import Deed
from relay.cli.api_shown import plain, show
from relay.errors import DeliveryFailed, Invalid, NotFound
from relay.http import Http, Network

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from relay.callscaler.operations import Operation, Request

    Moved = Callable[[int, int | None], None]

_STDOUT = "-"


class _Missing(click.ClickException):
    """There is no such thing."""

    exit_code = 4


class _RemoteFailed(click.ClickException):
    """The service failed, or said no."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """One command as it was typed."""

    operation: Operation
    values: Mapping[str, Any]
    as_json: bool
    dry_run: bool
    yes: bool
    key_env: str
    base_url: str
    output: str = _STDOUT


def run(wish: Wish) -> None:
    """Do it.

    Raises:
        click.UsageError: exit 2, nothing was sent.
        click.ClickException: exit 4 when there is no such thing, 5 when the service failed or said no, else 1.
    """
    operation = wish.operation
    try:
        request = operation.request(wish.values)
    except Invalid as error:
        raise click.UsageError(str(error)) from None
    if wish.dry_run:
        _print_request(wish, request)
        return
    if operation.deed is Deed.FINAL and not wish.yes:
        raise click.UsageError(f"{operation.name} costs money or cannot be undone; say --yes to do it")
    key = os.environ.get(wish.key_env, "").strip()
    if not key:
        raise click.UsageError(
            f"there is no API key: create one in CallScaler under Settings, API Keys, and put it into {wish.key_env}"
        )
    asyncio.run(_carry_out(wish, key))


def _print_request(wish: Wish, request: Request) -> None:
    url = str(URL(wish.base_url.rstrip("/") + request.path).with_query(list(request.query) or None))
    headers = {"Authorization": "Bearer ***", **request.headers}
    if wish.as_json:
        body = request.body
        shown = {"method": wish.operation.method, "url": url, "headers": headers, "body": body}
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo(f"{wish.operation.method} {url}")
    for name, value in headers.items():
        click.echo(f"{name}: {value}")
    if request.body is not None:
        click.echo(f"Content-Type: application/json\n\n{json.dumps(request.body, indent=2)}")


async def _carry_out(wish: Wish, key: str) -> None:
    http = Http(_network(wish.base_url))
    try:
        client = CallScaler(http, api_key=key, base_url=wish.base_url, everything=wish.yes)
        if wish.operation.file:
            await _download(wish, client)
        else:
            _print(wish, await _answer(wish, client))
    except NotFound as failure:
        raise _Missing(str(failure)) from None
    except DeliveryFailed as failure:
        raise _RemoteFailed(str(failure)) from None
    except OSError as error:
        raise click.ClickException(f"{wish.output}: {error.strerror or error}") from None
    finally:
        await http.close()


def _network(base_url: str) -> Network:
    """Permits the address that was named, if it is a private one; the key never travels the internet without TLS."""
    if base_url == BASE_URL:
        return Network()
    try:
        url = URL(base_url)
        found = socket.getaddrinfo(url.host or "", url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return Network()
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return Network(
        allow=tuple(ipaddress.ip_network(address) for address in addresses if address.is_private),
        allow_http=all(address.is_private for address in addresses),
    )


def _call(wish: Wish, client: CallScaler, **more: Any) -> Any:
    """The client's own method for the operation, called with what was typed."""
    resource, action = wish.operation.attribute
    given = {name: value for name, value in wish.values.items() if name != "fields"}
    return getattr(getattr(client, resource), action)(**given, **wish.values.get("fields", {}), **more)


async def _answer(wish: Wish, client: CallScaler) -> Any:
    answer, most = _call(wish, client), wish.values.get("limit")
    if hasattr(answer, "__aiter__"):
        with _progress(wish.operation.name, counted="rows") as moved:
            return await _gather(answer, most, moved)
    answer = await answer
    return answer[:most] if isinstance(answer, list) else answer


async def _gather(rows: AsyncGenerator[Any, None], most: int | None, moved: Moved) -> list[Any]:
    """All rows, or the first `most` of them."""
    found: list[Any] = []
    async with contextlib.aclosing(rows):
        async for row in rows:
            found.append(row)
            moved(len(found), most)
            if len(found) == most:
                break
    return found


async def _download(wish: Wish, client: CallScaler) -> None:
    if wish.output == _STDOUT:
        await _call(wish, client, to=sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with _progress(wish.output, counted="bytes") as moved:
        size = await _call(wish, client, to=Path(wish.output), progress=moved)
    click.echo(json.dumps({"file": wish.output, "bytes": size}) if wish.as_json else f"{wish.output}: {size} bytes")


@contextlib.contextmanager
def _progress(label: str, *, counted: str) -> Iterator[Moved]:
    """A bar on stderr, for people only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn(f"{{task.completed}} {counted}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(wish: Wish, answer: Any) -> None:
    if wish.as_json:
        click.echo(json.dumps(plain(answer), indent=2))
    else:
        show(plain(answer), nothing="Nothing to show." if wish.operation.deed is Deed.READ else "Done.")
