"""`relay send`: post a sample webhook with the right proof."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import secrets
from typing import TYPE_CHECKING, Any

import click

from relay.cli import choices
from relay.cli.common import (
    FAILURE,
    REMOTE,
    USAGE,
    ledger_options,
    print_json,
    running_at,
    settings_of,
    stop,
)

if TYPE_CHECKING:
    from relay.settings import Settings


@click.command(epilog="Example: relay send missed-call --set caller_number=+13125550101")
@click.argument("name", shell_complete=choices.samples)
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Change a field of the sample.")
@click.option("--to", metavar="URL", help="Where to, instead of the running service.")
@click.option("--source", default=None, help="Which source's door and proof; the first by default.")
@ledger_options
def send(
    name: str,
    fields: tuple[str, ...],
    to: str | None,
    source: str | None,
    config: str | None,
    store: str | None,
    *,
    as_json: bool,
) -> None:
    """Post a sample webhook (missed-call, voicemail, completed, spam, outbound, withheld and more).

    The sample `test` is what a call flow's test button sends: it is kept, and nothing is done about it.
    """
    from relay.intake.reading import misspelt  # noqa: PLC0415 - quick help
    from relay.settings.samples import TEST, sample  # noqa: PLC0415 - quick help

    try:
        body: dict[str, Any] = sample(name)
    except ValueError as error:
        stop(USAGE, str(error))
    body["call_id"] = None if name == TEST else f"sample-{secrets.token_hex(6)}"
    body["created_at"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            stop(USAGE, f"`{field}`: write --set field=value")
        if slip := misspelt(key):
            click.echo(f"{slip} It is sent as it stands", err=True)
        body[key] = value
    settings = settings_of(config)
    chosen = source or next(iter(settings.sources), "callscaler")
    if chosen not in settings.sources:
        stop(USAGE, f"there is no source {chosen}; there are: {', '.join(settings.sources) or 'none'}")
    target = to or f"http://{running_at(settings, store)}/hooks/{chosen}"
    status, answer = asyncio.run(_post(settings, chosen, target, json.dumps(body).encode()))
    if as_json:
        print_json({"status": status, "answer": answer, "sent": body})
    else:
        click.echo(f"{status} {json.dumps(answer)}")
    if status >= 400:  # noqa: PLR2004 - HTTP's own classes
        raise SystemExit(REMOTE if status >= 500 else FAILURE)  # noqa: PLR2004


async def _post(settings: Settings, source: str, target: str, body: bytes) -> tuple[int, Any]:
    import aiohttp  # noqa: PLC0415 - quick help

    from relay.proof import proving_headers  # noqa: PLC0415 - quick help

    proof = proving_headers(settings.sources[source].proof, body, dt.datetime.now(dt.UTC).timestamp())
    headers = {"Content-Type": "application/json", **proof}
    try:
        # Not through the guard for outgoing requests: this is the operator's own relay, named by the operator.
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(
                target, data=body, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(10)
            ) as answer,
        ):
            text = await answer.text()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text[:500]
    except aiohttp.InvalidURL:
        stop(USAGE, f"`{target}` is no address; write it like http://127.0.0.1:8080/hooks/{source}")
    except (aiohttp.ClientError, TimeoutError, ValueError):
        stop(REMOTE, f"nobody answers at {target}; is `relay serve` running?")
