"""The outside, in the harness's own process, so that what it accepted outlives every relay: a CRM, a phone system."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from relay.sandbox import Sandbox, SandboxSettings
from tests.crash.weather import Proxy
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

OURS = "+13125550142"
KEY = "cs_key_" + "c" * 32
TEXT_FAULTS = {
    "429": 6,
    "500": 4,
    "hang": 4,
    "late-reset": 4,
    "reset-after": 8,
    "500-after": 4,
    "html-after": 2,
}
"""Per cent of texts, by what goes wrong; `-after` and `late-` ones were accepted (reliability 4.3)."""
LIST_FAULTS = 10.0
LIST_LAG = 0.3
HANG = 20.0
BUSY = 500


class Crm:
    """Takes notes of calls; now and then fails, hangs, or takes one and resets the connection."""

    def __init__(self, dice: random.Random) -> None:
        self.calls: Counter[str] = Counter()
        """How often a call was accepted by the rule that logs every call."""
        self.texted: Counter[str] = Counter()
        """How often it was told that a person had been texted."""
        self.keys: dict[str, tuple[str, str]] = {}
        """What came under each idempotency key."""
        self.confused: list[str] = []
        """Keys that came again with other contents."""
        self.faulty = True
        self.url = ""
        self._dice = dice
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{kind}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ConnectionError:
            return web.Response(status=400)
        roll = self._dice.random() if self.faulty else 1.0
        if roll < 0.08:
            return web.Response(status=BUSY)
        if roll < 0.12:
            await asyncio.sleep(HANG)
            return web.Response()
        kind, named = request.match_info["kind"], body["named"]
        key = request.headers["Idempotency-Key"]
        if self.keys.setdefault(key, (kind, named)) != (kind, named):
            self.confused.append(key)
        (self.calls if kind == "calls" else self.texted)[named] += 1
        if roll < 0.18 and request.transport is not None:
            request.transport.abort()
        return web.json_response({"ok": True})


class World:
    """A CRM and a phone system, going wrong by the same seeded dice."""

    def __init__(self, dice: random.Random, seed: int, *, lag: float = LIST_LAG) -> None:
        self.crm = Crm(dice)
        self.phone = Sandbox(key=KEY, sample=False, seed=seed, settings=SandboxSettings(hang=HANG, list_lag=lag))
        self.phone.set_balance(10_000_000)
        self.phone.add_number(OURS, "Main", flow="Main Office Line")
        self.proxies: dict[str, Proxy] = {}
        """What stands before the parts, by their names: crm, phone, relay."""
        self.accepted: Callable[[], None] = lambda: None
        """Called when a text was accepted, before its sender is answered."""
        self._undo = contextlib.ExitStack()

    async def start(self) -> None:
        """Listen, and begin to go wrong."""
        state = self.phone._world.state
        add = state.add

        def adding(table: str, **row: object) -> object:
            added = add(table, **row)
            if table == "texts":
                self.accepted()
            return added

        state.add = adding
        self._undo.callback(delattr, state, "add")
        await self.crm.start()
        await self.phone.start()
        self.phone.faults.chaos(sum(TEXT_FAULTS.values()), TEXT_FAULTS, method="POST", path="/texts")
        self.phone.faults.chaos(LIST_FAULTS, ["503"], method="GET", path="/texts*")

    async def cloud_over(self, relay: Callable[[], str], dice: random.Random) -> None:
        """Put bad network between all parts; `relay` answers where webhooks go to."""
        targets = {"crm": lambda: self.crm.url, "phone": lambda: self.phone.url, "relay": relay}
        self.proxies = {name: Proxy(target, dice) for name, target in targets.items()}
        for proxy in self.proxies.values():
            await proxy.start()

    def address(self, part: str, direct: str) -> str:
        """Where a part is reached: by its proxy, if one stands before it."""
        proxy = self.proxies.get(part)
        return direct if proxy is None or not direct else direct.replace(direct[: _host_end(direct)], proxy.url)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        for proxy in self.proxies.values():
            proxy.calm = True
        self.crm.faulty = False
        self.phone.faults.calm()

    async def has_texted(self, count: int) -> None:
        """Come back once so many texts went out; that they never do is for the reckoning to tell."""
        end = time.monotonic() + PATIENCE
        while self.texted.total() < count and time.monotonic() < end:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Close the doors; what was accepted stays."""
        for proxy in self.proxies.values():
            await proxy.stop()
        await self.phone.stop()
        await self.crm.stop()
        self._undo.close()

    @property
    def texted(self) -> Counter[str]:
        """How many texts each person was really sent."""
        return Counter(text["to"] for text in self.phone.texts())


@contextlib.asynccontextmanager
async def calm_world() -> AsyncIterator[World]:
    """One in which nothing goes wrong by itself."""
    it = World(random.Random(5), 5)  # noqa: S311 - the same in every run
    await it.start()
    it.calm()
    try:
        yield it
    finally:
        await it.stop()


def _host_end(url: str) -> int:
    """Where the path of a URL begins."""
    path = url.find("/", len("http://"))
    return len(url) if path < 0 else path
