"""The demo's world: the pretend phone system, the stand-ins, and a relay among them, all on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

import aiohttp

from connectors.table import CONNECTORS
from relay.app import App
from relay.demo.day import PARKED
from relay.models import OWED
from relay.sandbox import Sandbox, SandboxSettings
from relay.settings import read_settings
from relay.settings.shipped import shipped
from relay.standins import CrmStandIn, GoogleStandIn, SinkStandIn, SlackStandIn
from relay.standins.crm import TOKEN
from relay.store.place import open_ledger
from relay.trying import offer_trials

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.store import Store
    from relay.store.place import Place

MORNING = dt.datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo("America/Chicago")).timestamp()
"""When the demo's day begins, whatever the real hour: a Tuesday, business hours."""
PATIENCE = 45.0
"""Seconds that anything in the demo may take."""
_LOOK = 0.05


class Clock:
    """Runs like every clock, from the demo's morning on."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> float:
        """Unix seconds of the demo's day."""
        return MORNING + time.monotonic() - self._began


class World:
    """Everything that the demo needs, started together and stopped together."""

    def __init__(self, store: Place, port: int = 0) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(None, clock=self.clock, settings=SandboxSettings(past_calls=0, webhook_timeout=PATIENCE))
        self.slack = SlackStandIn()
        self.google = GoogleStandIn(reads_a_minute=None, writes_a_minute=None)
        self.crm = CrmStandIn()
        self.sink = SinkStandIn()
        self.remembered: dict[str, str] = {}
        self.forged = 0
        self._place = store
        self._port = port
        self._secret = secrets.token_hex(16)
        self._later: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()
        self.app: App
        self.store: Store

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        await self._stack.aclose()

    async def _start(self) -> None:
        self.sandbox.add_number(PARKED, "Spring flyer", group="Parked", flow="Google Ads")
        await self.sandbox.start(port=self._port + 2 if self._port else 0)
        self._stack.push_async_callback(self.sandbox.stop)
        for standin in (self.slack, self.google, self.crm, self.sink):
            await standin.start()
            self._stack.push_async_callback(standin.stop)
        settings = read_settings(shipped("demo.yaml"), CONNECTORS, self._environment())
        self.store = await open_ledger(self._place)
        self.app = App(settings, self.store, CONNECTORS, clock=self.clock)
        offer_trials(self.app, CONNECTORS)
        self._stack.push_async_callback(self.app.stop)
        await self.app.start()
        self.sandbox.point_webhook(None, self.hook_url, {"X-Relay-Secret": self._secret}, retries=(0.5, 1.0))
        await self._numbers_known()

    async def _numbers_known(self) -> None:
        """Rules ask which group a number is in: the relay must have read the list once."""
        await _until(self.store.numbers)

    def _environment(self) -> Mapping[str, str]:
        listen = f"127.0.0.1:{self._port}"
        admin = f"127.0.0.1:{self._port + 1 if self._port else 0}"
        return {
            "DEMO_LISTEN": listen,
            "DEMO_ADMIN": admin,
            "DEMO_API_KEY": self.sandbox.key,
            "DEMO_API_URL": f"{self.sandbox.url}/api/v1",
            "DEMO_HOOK_SECRET": self._secret,
            "DEMO_SLACK_URL": self.slack.webhook_url,
            "DEMO_SHEETS_URL": self.google.base_url,
            "DEMO_SPREADSHEET": self.google.spreadsheet,
            "DEMO_GOOGLE_KEY": self.google.credentials(),
            "DEMO_CRM_URL": self.crm.base_url,
            "DEMO_CRM_TOKEN": TOKEN,
            "DEMO_ARCHIVE_URL": f"{self.sink.url}/calls",
            "DEMO_SIGNING_SECRET": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        }

    @property
    def hook_url(self) -> str:
        """Where the phone system posts its webhooks."""
        return f"http://127.0.0.1:{self.app.public_port}/hooks/callscaler"

    async def forge(self, secret: str) -> None:
        """Post a call that nobody made, with a secret that is not ours."""
        body = {"event": "call.missed", "call_id": f"forged-{self.forged}", "caller_number": "+13125550199"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.hook_url, json=body, headers={"X-Relay-Secret": secret}) as answer,
        ):
            self.forged += answer.status == 401  # noqa: PLR2004 - refused, as it should be

    def enrich_later(self, call_id: str, fields: Mapping[str, Any]) -> None:
        """Let the AI fields of a call arrive a moment after the call, by a second webhook."""
        task = asyncio.get_running_loop().create_task(self._enrich(call_id, fields))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _enrich(self, call_id: str, fields: Mapping[str, Any]) -> None:
        await asyncio.sleep(1.0)
        await self.sandbox.phone.enrich(call_id, webhook=True, **fields)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something to become true.

        Raises:
            TimeoutError: it took longer than 45 s.
        """

        async def look() -> bool:
            return true()

        await _until(look)

    async def settled(self) -> None:
        """Wait until the world has done all it will do, and the relay owes nothing any more.

        Raises:
            TimeoutError: it took longer than 45 s.
        """
        if self._later:
            await asyncio.wait(self._later, timeout=PATIENCE)
        await self.sandbox.phone.settled()
        await _until(self._nothing_owed)

    async def _nothing_owed(self) -> bool:
        totals, states = await self.store.totals(), await self.store.states()
        return not totals["unplanned"] and not any(states.get(state) for state in OWED)


async def _until(true: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await true():  # noqa: ASYNC110 - what is watched is a ledger, which rings no bell
            await asyncio.sleep(_LOOK)
