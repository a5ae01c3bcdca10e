"""A small service of our own on loopback that answers what a test tells it to, and a client that speaks to it."""

import json
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from relay.callscaler import CallScaler

KEY = "cs_key_false0canary0false0canary0false00"


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object


@dataclass
class Service:
    """Answers the next of `answers` each time, the last one for ever; remembers what it was asked."""

    url: str = ""
    answers: list = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def says(self, *answers):
        """Each one a body for 200 (JSON, text or bytes), a pair of status and body, or a function of the request."""
        self.answers = list(answers)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.path.removeprefix("/api/v1")
        body = json.loads(raw) if raw else None
        self.asked.append(Asked(request.method, path, dict(request.query), dict(request.headers), body))
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(said):
            said = await said(request)
        if isinstance(said, web.StreamResponse):
            return said
        status, told, *more = said if isinstance(said, tuple) else (200, said)
        headers = more[0] if more else {}
        if isinstance(told, bytes):
            return web.Response(status=status, body=told, headers=headers)
        if isinstance(told, str):
            return web.Response(status=status, text=told, content_type="text/html", headers=headers)
        return web.json_response(told, status=status, headers=headers)


@pytest.fixture
async def service():
    it = Service()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{anything:.*}", it.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1"
    yield it
    await runner.cleanup()


@pytest.fixture
def waits():
    """The seconds that the client wanted to wait between tries, one entry a wait."""
    return []


@pytest.fixture
def make_client(http, service, waits):
    async def wait(seconds):
        waits.append(seconds)

    def make(**options):
        return CallScaler(http, **{"api_key": KEY, "base_url": service.url, "sleep": wait, **options})

    return make


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def key():
    return KEY
