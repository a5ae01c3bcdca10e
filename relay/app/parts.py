"""The parts of a relay that its settings describe: channels, lanes, and what stands in for what is not set up."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiolimiter import AsyncLimiter

from relay.callscaler import CallScaler
from relay.errors import Rejected
from relay.models import CALLSCALER
from relay.settings.forms import read_address, read_rate
from relay.texting import PhoneConnector
from relay.traces import open_traces
from relay.worker import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.alerts import Alerts
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


def channels(settings: Settings, table: Mapping[str, type[Connector[Any, Any]]], http: Http) -> dict[str, Channel]:
    """Every connector of these settings with its manners, by name; `table` are the classes by type."""
    set_up = {name: _channel(item, http) for name, item in settings.connectors.items()}
    phone = table.get(CALLSCALER)
    if CALLSCALER not in set_up and phone is not None:
        # Shadow rules may text without a key: their texts are judged and written down, and never leave.
        set_up[CALLSCALER] = Channel(CALLSCALER, Unset(phone))
    return set_up


def client(settings: Settings, http: Http) -> CallScaler:
    """The client of the phone system's API."""
    form = settings.callscaler
    return CallScaler(http, api_key=form.api_key, base_url=form.base_url, timeout=form.timeout)


def phone_source(settings: Settings) -> str | None:
    """The name of the source that calls of the phone system belong to."""
    return next((name for name, source in settings.sources.items() if source.type == CALLSCALER), None)


def point(alerts: Alerts, settings: Settings, http: Http) -> None:
    """Let alerts tell whoever these settings name."""
    to = None if settings.alerts_to is None else settings.connectors[settings.alerts_to]
    alerts.to = None if to is None else to.cls(to.options, http)
    alerts.silence, alerts.hours = settings.alerts_silence, settings.about.hours
    alerts.business = settings.about.name


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


def _channel(item: Configured, http: Http) -> Channel:
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
