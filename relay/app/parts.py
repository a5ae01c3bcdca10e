"""The parts of a relay that its settings describe: channels, lanes, and what stands in for what is not set up."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiolimiter import AsyncLimiter

from relay.deeds import BadDeed
from relay.errors import Rejected
from relay.settings.forms import read_address, read_rate
from relay.texting import PhoneConnector
from relay.traces import open_traces
from relay.worker import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from relay.backfill import Backfill
    from relay.connector import Connector, Job, Receipt
    from relay.http import Http
    from relay.intake import Intake
    from relay.planner import Planner
    from relay.settings import Configured, Settings
    from relay.store import Store
    from relay.traces import Traces
    from relay.worker import Worker


class Unset(PhoneConnector):
    """Stands where the phone system would, when no key is set: nothing can be sent."""

    def __init__(self, cls: type[Connector[Any, Any]]) -> None:
        self.Action = cls.Action  # type: ignore[misc]

    async def send(self, job: Job[Any]) -> Receipt:  # noqa: ARG002 - the seam
        """Refuse."""
        raise Rejected("the CallScaler API is not set up: set CALLSCALER_API_KEY")

    async def owned(self, now: float) -> list[Any]:  # noqa: ARG002 - as above
        """No numbers are known."""
        return []

    async def sent_texts(self, since: float) -> list[Any]:  # noqa: ARG002 - as above
        """Refuse."""
        raise Rejected("the CallScaler API is not set up: set CALLSCALER_API_KEY")

    async def answered(self, person: str, since: float) -> bool:  # noqa: ARG002 - as above
        """Nobody knows."""
        return False


def channel(item: Configured, http: Http) -> Channel:
    """A connector with its manners."""
    manners = item.manners
    return Channel(
        name=item.name,
        connector=item.cls(item.options, http),
        concurrency=manners.concurrency,
        timeout=manners.timeout,
        lease=manners.lease_seconds,
        retry=item.retry,
        rate=None if manners.rate is None else AsyncLimiter(*read_rate(manners.rate)),
    )


def lane(item: Configured, http: Http) -> Callable[[Mapping[str, Any]], str | None]:
    """How the lane of a rendered action is found."""
    connector = item.cls(item.options, http)

    def lane_of(action: Mapping[str, Any]) -> str | None:
        try:
            return connector.lane(item.cls.Action.model_validate(dict(action)))
        except ValueError:
            return None  # it cannot be sent either, and says so when it is tried

    return lane_of


def disk_free(store: Store) -> float | None:
    """The share of the disk under the ledger's file that is free; None where it stands in no file."""
    path: Path | None = getattr(store, "path", None)
    if path is None:
        return None
    try:
        disk = shutil.disk_usage(path.parent)
    except OSError:
        return None
    return disk.free / disk.total if disk.total else None


def host_names(settings: Settings) -> list[str]:
    """Names under which the admin listener may be asked."""
    host, _ = read_address(settings.server.admin)
    named = urlsplit(settings.server.admin_url).hostname
    return [name.lower() for name in (host, named) if name]


def secure_names(settings: Settings) -> list[str]:
    """Those of them that are reached over TLS: a proxy stands before the listener there."""
    named = urlsplit(settings.server.admin_url)
    return [named.hostname.lower()] if named.scheme == "https" and named.hostname else []


def trace(*parts: Intake | Planner | Worker) -> Traces:
    """Let these parts tell what takes how long, to whoever the environment names."""
    traces = open_traces(os.environ)
    for part in parts:
        part.traces = traces
    return traces


async def checked(channel: Channel) -> str | None:
    """Why a connector cannot work as it is set up, by its own word; None when it can."""
    try:
        async with asyncio.timeout(channel.timeout):
            await channel.connector.check()
    except TimeoutError:
        return f"no answer within {channel.timeout:g} s"
    except Exception as failure:  # noqa: BLE001 - whatever it raises is told to whoever asked
        return str(failure) or type(failure).__name__
    return None


async def swept(backfill: Backfill | None, since: float | None) -> dict[str, Any]:
    """Fetch what the webhooks missed, now; answers what was found.

    Raises:
        BadDeed: there is nothing to fetch from, or no source that it would belong to.
        DeliveryFailed: the calls could not be read to their end.
        StoreBusy: the ledger refused.
    """
    if backfill is None:
        raise BadDeed("nothing can be fetched: it takes CALLSCALER_API_KEY, and a source of type callscaler")
    return asdict(await backfill.sweep(since))
