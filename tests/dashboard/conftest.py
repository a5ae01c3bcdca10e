"""A whole relay with its pages, on a ledger where something happened."""

import contextlib
import json
from dataclasses import dataclass

import aiohttp
import pytest

from connectors.table import CONNECTORS
from relay.app import App
from relay.demo.world import Clock
from relay.settings import read_settings
from relay.store.sqlite import SqliteStore
from relay.trying import offer_trials
from tests.dashboard.browser import blank, chromium, driven, engine  # noqa: F401 - fixtures

SECRET = "false-secret-0001-0001"
TOKEN, VIEW = "false-admin-token", "false-view-token"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
FILE = """\
business: {{name: Bright Plumbing, timezone: America/Chicago, hours: {{mon-fri: "08:00-18:00"}}}}
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{api_key: "cs_key_false", base_url: "{url}/api/v1", backfill: {{every: 1h}}}}
connectors:
  archive: {{type: webhook, url: "{url}", retry: {{first: 1s, for: 1s, most: 1s}}}}
rules:
  - name: Text back
    mode: shadow
    when: [call.missed, call.voicemail]
    if: {{caller.line: {{not_in: [toll_free]}}}}
    then:
      - text: caller
        body: "{{{{ business.name }}}}: sorry we missed you. Reply STOP to opt out."
  - name: Archive
    when: call.*
    then: [{{send: archive}}]
  - name: Hold the odd ones
    when: call.*
    if: {{call.duration: {{above: 5000}}}}
    then: [{{quarantine: 24h}}, {{send: archive}}]
"""


@dataclass
class House:
    """A relay that runs, and a sender who knows its secret."""

    app: App
    path: object
    client: aiohttp.ClientSession
    group: object = None
    phone: str = ""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.app.admin_port}"

    async def ring(self, key="c1", **fields):
        body = {"event": "call.missed", "call_id": key, "caller_number": "+13125550101", "direction": "inbound"}
        url = f"http://127.0.0.1:{self.app.public_port}/hooks/callscaler"
        headers = {"X-Relay-Secret": fields.pop("secret", SECRET)}
        async with self.client.post(url, json=body | fields, headers=headers) as answer:
            return await answer.json(content_type=None)

    async def settled(self, until):
        async def nothing_owed():
            totals, states = await self.app.store.totals(), await self.app.store.states()
            owed = sum(states.get(state, 0) for state in ("due", "sending", "waiting"))
            return not totals["unplanned"] and not owed

        await until(nothing_owed)

    async def get(self, path, token=TOKEN, **headers):
        headers = {"Accept": "text/html", **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        async with self.client.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer, await answer.text()

    async def post(self, path, token=TOKEN, **data):
        headers = {"Accept": "text/html", "Authorization": f"Bearer {token}"}
        async with self.client.post(self.url + path, data=data, headers=headers, allow_redirects=False) as answer:
            return answer, await answer.text()

    async def api(self, path):
        return json.loads((await self.get(path))[1])


@contextlib.asynccontextmanager
async def start(folder, url, environment, file=FILE, clock=None, store=None):
    """A relay of its own in a folder, with its ledger there, too, unless another is given."""
    path = folder / "relay.yaml"
    path.write_text(file.format(url=url) if file is FILE else file)
    path.chmod(0o600)
    settings = read_settings(path, CONNECTORS, {"RELAY_HOOK_SECRET": SECRET, **environment})
    # Every hour of the real day is ten in the morning here: quiet hours have tests of their own.
    app = App(settings, store or SqliteStore(folder / "relay.db"), CONNECTORS, clock=clock or Clock())
    offer_trials(app, CONNECTORS)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        try:
            await app.start()
            yield House(app, path, client)
        finally:
            await app.stop()


@pytest.fixture
async def house(tmp_path, sink):
    async with start(tmp_path, sink.url, {"RELAY_ADMIN_TOKEN": TOKEN, "RELAY_VIEW_TOKEN": VIEW}) as it:
        yield it


@pytest.fixture
async def rang(house, until):
    """A missed call, told and archived; an evil one; one that could not prove itself."""
    await house.ring("c1", caller_name="Dana Example", tracking_number="+13125550142")
    await house.ring("c2", caller_name=EVIL, summary=EVIL, call_flow_name=EVIL, caller_number="+13125550102")
    await house.ring("c3", secret="guess")
    await house.settled(until)
    return house
