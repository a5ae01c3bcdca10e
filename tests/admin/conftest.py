from dataclasses import dataclass, field

import aiohttp
import pytest

from relay import server
from relay.admin import Admin
from relay.app import App
from relay.metrics import Metrics
from relay.models import Delivery, Plan, State, Verdict
from relay.settings import read_settings
from relay.store import Windows
from tests.store.ledger import accept, event

TOKEN, VIEW = "false-admin-token", "false-view-token"
FILE = """\
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
connectors:
  desk: {type: webhook, url: "https://example.com/hook"}
rules: [{name: Archive, when: call.*, then: [{send: desk}]}]
"""


class Faces:
    """Plain faces of the guard."""

    def signin(self, request, *, status, wrong=None):  # noqa: ARG002 - the protocol
        return aiohttp.web.Response(status=status, text=f"sign in {wrong or ''}", content_type="text/html")

    def error(self, request, status, title, detail):  # noqa: ARG002 - as above
        return aiohttp.web.Response(status=status, text=f"{title} {detail}", content_type="text/html")


@dataclass
class Desk:
    """An admin listener, and a browser before it that keeps no cookies of its own."""

    url: str
    session: aiohttp.ClientSession
    seen: dict = field(default_factory=dict)

    async def ask(self, method, path, token=None, **options):
        headers = dict(options.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **options
        ) as answer:
            return answer, await answer.text()

    async def sign_in(self, token=TOKEN, **headers):
        answer, _ = await self.ask("POST", "/signin", data={"token": token}, headers=headers)
        found = answer.cookies.get("relay") or answer.cookies.get("__Host-relay")
        return {} if found is None else {"Cookie": f"{found.key}={found.value}"}


@pytest.fixture
async def desk(ledger, clock, tmp_path):
    """Starts a listener over a ledger, with the deeds of a whole relay."""
    from connectors.table import CONNECTORS  # noqa: PLC0415 - quick collection

    path = tmp_path / "relay.yaml"
    path.write_text(FILE)
    settings = read_settings(path, CONNECTORS, {"RELAY_HOOK_SECRET": "false-secret-0001-0001"})
    app = App(settings, ledger, CONNECTORS, clock=clock)
    runners = []
    # Header lines go out as they are written, so that a test can say what a browser never would.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def start(**options):
            options = {"token": TOKEN, "view_token": VIEW, "faces": Faces(), "deeds": app.deeds, **options}
            admin = Admin(ledger, Metrics(), clock, **options)
            runner, port = await server.listen(admin.app(), "127.0.0.1", 0)
            runners.append(runner)
            it = Desk(f"http://127.0.0.1:{port}", session)
            it.seen |= {"admin": admin, "deeds": app.deeds}
            return it

        yield start
        for runner in runners:
            await runner.cleanup()


@pytest.fixture
async def dead(ledger, clock):
    """A delivery that was given up on, with its event and a text."""
    arrived = event("call-1", at=clock())
    await accept(ledger, arrived)

    def decide(event, known):
        gone = Delivery(
            "dlv-1", event.id, "run-1", "Archive", "v1", 0, "send", "desk", State.DEAD,
            due_at=clock(), first_due_at=clock(), action={"body": "hi"}, reason="410: gone",
        )  # fmt: skip
        return Plan((Verdict("Archive", "ran"),), (gone,))

    await ledger.plan(decide, now=clock(), config="v1", windows=Windows(), prefix=lambda number: number[:5], limit=9)
    return "dlv-1"
