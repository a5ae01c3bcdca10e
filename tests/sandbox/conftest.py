"""A sandbox on a free port, somebody who speaks to it with a key, and a receiver of webhooks."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from relay.sandbox import Sandbox, SandboxSettings
from tests.patience import PATIENCE


class Clock:
    def __init__(self, now: float = 1_772_450_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now


class Client:
    """Sends with the owner's key; the answer is (status, parsed JSON)."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))

    async def raw(self, method, path, *, key=None, **more):
        headers = {"Authorization": f"Bearer {key or self.sandbox.key}", **more.pop("headers", {})}
        url = f"{self.sandbox.url}/api/v1{path}"
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with self.session.request(method, url, headers=headers, timeout=timeout, **more) as answer:
            return answer.status, answer.headers, await answer.read()

    async def ask(self, method, path, **more) -> tuple[int, Any]:

        status, _, body = await self.raw(method, path, **more)
        return status, json.loads(body)

    async def data(self, method, path, **more) -> Any:
        status, body = await self.ask(method, path, **more)
        assert status == 200, body
        assert list(body) == ["data"]
        return body["data"]


@dataclass
class Receiver:
    """Keeps what it gets; answers with the statuses given, 200 after those."""

    url: str = ""
    got: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    raw: list = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request):
        self.raw.append(await request.read())
        self.got.append(await request.json())
        self.headers.append(request.headers)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            await self.silent.wait()
        headers = {"Location": "/elsewhere"} if status in (301, 307) else {}
        return web.Response(status=status or 200, headers=headers)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def world(clock):
    """Makes sandboxes with the settings given, and clients for them."""
    started = []

    async def make(db=None, *, sample=True, seed=0, key=None, **settings):
        sandbox = Sandbox(db, clock=clock, sample=sample, seed=seed, key=key, settings=SandboxSettings(**settings))
        await sandbox.start()
        client = Client(sandbox)
        started.append((sandbox, client))
        return sandbox, client

    yield make
    for sandbox, client in started:
        await client.session.close()
        await sandbox.stop()


@pytest.fixture
async def pair(world):
    return await world()


@pytest.fixture
def sandbox(pair):
    return pair[0]


@pytest.fixture
def client(pair):
    return pair[1]


@pytest.fixture
async def receiver():
    kept = Receiver()
    app = web.Application()
    app.router.add_route("*", "/hook", kept.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kept.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield kept
    kept.silent.set()
    await runner.cleanup()
