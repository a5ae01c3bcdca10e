"""A crowd of calls to services that fail a third of the time, each in every way the connectors' contract knows."""

import asyncio
import random
import time
from collections import Counter

import aiohttp
import pytest

import connectors.slack.connector
from connectors.table import CONNECTORS
from relay.app import App
from relay.settings import read_settings
from relay.standins import CrmStandIn, GoogleStandIn, SlackStandIn
from relay.standins.crm import TOKEN as CRM_TOKEN
from relay.standins.slack import TOKEN as BOT_TOKEN
from relay.store.sqlite import SqliteStore
from tests.patience import HUNG
from tests.sized import sized

SECRET = "false-secret-0001-0001"
AREAS = (312, 213, 415, 617, 512)
CALLS = sized(150, 500)
HANGS = sized(3, 16)
"""So many requests to a service hang at most; each holds up one of its sixteen places for seconds."""
FILE = """
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
connectors:
  team: {{type: slack, webhook_url: "{slack.webhook_url}", {patient}}}
  desk: {{type: slack, token: {bot}, channel: C000CALLS, base_url: "{slack_bot.url}/api", {manners}}}
  call-log:
    type: google_sheets
    base_url: "{google.base_url}"
    spreadsheet: {google.spreadsheet}
    worksheet: Calls
    credentials: "${{GOOGLE}}"
    batch: {{rows: 50, or_after: 0.2s}}
    timeout: 2s
    retry: {{for: 1h, first: 0.05s, most: 0.2s}}
  crm:
    type: crm
    base_url: "{crm.base_url}"
    auth: {{bearer: "{crm_token}"}}
    find: {{method: GET, path: "/contacts?phone={{{{ match | urlencode }}}}", id: items.0.id}}
    create: {{method: POST, path: /contacts, id: id}}
    update: {{method: PATCH, path: "/contacts/{{{{ found.id }}}}"}}
    log: {{method: POST, path: "/contacts/{{{{ found.id }}}}/calls"}}
    concurrency: 16
    timeout: 3s
    retry: {{for: 1h, first: 0.05s, most: 0.2s}}
rules:
  - name: Everywhere
    when: call.*
    then:
      - {{send: team, message: "{{{{ call.id }}}}"}}
      - {{send: desk, message: "{{{{ call.id }}}}"}}
      - {{send: call-log, key: "{{{{ call.id }}}}", row: {{Call: "{{{{ call.id }}}}"}}}}
      - send: crm
        match: "{{{{ caller.number }}}}"
        fields: {{phone: "{{{{ caller.number }}}}"}}
        log: {{call: "{{{{ call.id }}}}"}}
"""
MANNERS = "concurrency: 16, timeout: 3s, retry: {for: 1h, first: 0.05s, most: 0.2s}"
PATIENT = MANNERS.replace("3s", "60s, lease: 90s")
"""For the one whose lost answers are counted: an answer that only comes late is none of them."""


@pytest.fixture
async def services():
    started = {
        "slack": SlackStandIn(),
        "slack_bot": SlackStandIn(),
        "google": GoogleStandIn(reads_a_minute=None, writes_a_minute=None),
        "crm": CrmStandIn(),
    }
    for service in started.values():
        await service.start()
    yield started
    for service in started.values():
        await service.stop()


@pytest.fixture
async def relay(services, tmp_path, monkeypatch):
    monkeypatch.setattr(connectors.slack.connector, "A_MINUTE", 60_000)  # a message a second would take nine minutes
    path = tmp_path / "relay.yaml"
    path.write_text(FILE.format(**services, manners=MANNERS, patient=PATIENT, bot=BOT_TOKEN, crm_token=CRM_TOKEN))
    path.chmod(0o600)
    environment = {"RELAY_HOOK_SECRET": SECRET, "GOOGLE": services["google"].credentials()}
    app = App(read_settings(path, CONNECTORS, environment), SqliteStore(tmp_path / "relay.db"), CONNECTORS)
    await app.start()
    yield app
    await app.stop()


async def test_in_the_end_one_row_one_contact_one_record_and_one_message_for_each_call(relay, services):
    dice = random.Random(20260302)  # noqa: S311 - the same troubles each time
    for service in services.values():
        service.trouble(1 / 3, dice, hangs=0 if service is services["slack"] else HANGS)
    names = [f"call-{number:04}" for number in range(CALLS)]
    url = f"http://127.0.0.1:{relay.public_port}/hooks/callscaler"
    async with aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session:
        for number, name in enumerate(names):
            caller = f"+1{AREAS[number // 100]}55501{number % 100:02}"
            body = {"event": "call.missed", "call_id": name, "caller_number": caller}
            async with session.post(url, json=body) as answer:
                assert answer.status == 202

    until = time.monotonic() + HUNG
    while (states := await relay.store.states()) != {"delivered": 4 * CALLS}:
        assert time.monotonic() < until, states
        await asyncio.sleep(0.1)

    rows = [row["Call"] for row in services["google"].rows("Calls")]
    contacts = services["crm"].contacts
    records = [call["call"] for call in services["crm"].calls]
    bot = [post["text"] for post in services["slack_bot"].posts.values()]
    hook = Counter(message["text"] for message in services["slack"].messages)
    assert sorted(rows) == names
    assert sorted(records) == names
    assert sorted(bot) == names
    assert (len(contacts), len({contact["phone"] for contact in contacts})) == (CALLS, CALLS)
    assert set(hook) == set(names)
    assert 0 < hook.total() - CALLS <= services["slack"].lost
    assert all(service.lost > CALLS / 20 for service in (services["crm"], services["slack_bot"]))
