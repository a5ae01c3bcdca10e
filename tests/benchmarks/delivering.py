"""Connectors by themselves: posts by one process, and rows into a spreadsheet within its quota of requests."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from typing import TYPE_CHECKING

from connectors.google_sheets import GoogleSheets, Row, SheetsOptions
from connectors.webhook import Webhook, WebhookAction, WebhookOptions
from relay.connector import Job
from relay.http import Http, Network
from relay.standins import GoogleStandIn
from tests.benchmarks.figure import Figure, Setting, median
from tests.benchmarks.rig import sinking

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_FLIGHT = 64
ROWS, BATCH = 3000, 50
LOOPBACK = Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True)
EVENT = {"id": "e1", "event": "call.missed", "call_id": "c1", "call": {"id": "c1", "outcome": "missed"}}


async def _posts(url: str, seconds: float) -> float:
    """Deliveries a second."""
    http = Http(LOOPBACK)
    connector = Webhook(WebhookOptions(url=url), http)
    end, done = time.monotonic() + seconds, 0

    async def deliver(worker: int) -> None:
        nonlocal done
        while time.monotonic() < end:
            await connector.send(Job(f"job-{worker}-{done}", WebhookAction(), EVENT))
            done += 1

    began = time.monotonic()
    await asyncio.gather(*(deliver(worker) for worker in range(IN_FLIGHT)))
    took = time.monotonic() - began
    await http.close()
    return done / took


async def _rows() -> tuple[float, int, int]:
    """Seconds that 3,000 rows took, and how many reads and writes."""
    service, http = GoogleStandIn(reads_a_minute=None, writes_a_minute=None), Http(LOOPBACK)
    await service.start()
    connector = GoogleSheets(
        SheetsOptions.model_validate(
            {
                "base_url": service.base_url,
                "spreadsheet": service.spreadsheet,
                "worksheet": "Calls",
                "credentials": service.credentials(),
            }
        ),
        http,
    )
    rows = [Job(f"job-{n}", Row(row={"Call": f"c{n}"}, key=f"c{n}", key_column="Call"), EVENT) for n in range(ROWS)]
    await connector.send(Job("first", Row(row={"Call": "first"}, key="first", key_column="Call"), EVENT))
    service.requests.clear()
    began = time.monotonic()
    for start in range(0, ROWS - BATCH, BATCH):  # the batch that made the header was the first of sixty
        await connector.send_batch(rows[start : start + BATCH])
    took = time.monotonic() - began
    asked = [request.method for request in service.requests if request.path.startswith("/v4/")]
    if len(service.rows("Calls")) != ROWS - BATCH + 1:
        raise SystemExit("rows are missing")
    await http.close()
    await service.stop()
    return took, asked.count("GET"), len(asked) - asked.count("GET")


def delivering(setting: Setting) -> Iterator[Figure]:
    """Webhook deliveries a second at 64 in flight; rows a minute within 60 reads and 60 writes."""
    with sinking() as sinks:
        url = f"http://127.0.0.1:{sinks.ports[0]}/"
        speeds = [asyncio.run(_posts(url, setting.seconds)) for _ in range(setting.rounds)]
    yield Figure("webhook deliveries by one process, 64 in flight", median(speeds), "a second", 1000)
    took, reads, writes = asyncio.run(_rows())
    yield Figure("rows into Sheets for each write request", (ROWS - BATCH) / writes, "rows", BATCH)
    yield Figure("rows into Sheets for each read request", (ROWS - BATCH) / reads, "rows", BATCH)
    yield Figure("time for 2,950 rows, the quota aside", took, "s", 60, at_most=True)
