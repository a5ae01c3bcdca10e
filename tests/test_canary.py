"""Secrets pushed through every path turn up in no output: logs, metrics, pages, columns, commands, reprs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import subprocess

import aiohttp
import pytest

from connectors.table import CONNECTORS
from relay.settings import read_settings
from relay.standins import SinkStandIn
from tests import forked
from tests.patience import PATIENCE

SECRETS = {
    "RELAY_HOOK_SECRET": "canary-hook-0001-0001-0001",
    "RELAY_HOOK_SECRET_OLD": "canary-old-0002-0002-0002",
    "RELAY_ADMIN_TOKEN": "canary-admin-0003-0003-0003",
    "RELAY_VIEW_TOKEN": "canary-view-0004-0004-0004",
    "CALLSCALER_API_KEY": "cs_key_canary-0005-0005-0005",
    "ARCHIVE_SECRET": "whsec_Y2FuYXJ5LTAwMDYtMDAwNi0wMDA2LTAwMDY=",
    "CRM_TOKEN": "canary-crm-0007-0007-0007",
    "SLACK_PATH": "canary-slack-0008-0008-0008",
}
KEY = "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="
GUESS = "canary-guess-0009-0009-0009"
CALLER = "+13125550177"
FILE = """
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
network: {allow: [127.0.0.1/32], allow_http: true}
callscaler: {api_key: "${CALLSCALER_API_KEY}", base_url: "${SINK}/api"}
sources:
  phone:
    type: callscaler
    proof: {header: X-Relay-Secret, secret: "${RELAY_HOOK_SECRET}", previous: "${RELAY_HOOK_SECRET_OLD}"}
connectors:
  good: {type: webhook, url: "${SINK}/good", signing_secret: "${ARCHIVE_SECRET}"}
  echo: {type: crm, base_url: "${SINK}/echo", auth: {bearer: "${CRM_TOKEN}"}, find: {method: GET, path: "/x", id: id},
         create: {method: POST, path: /x, id: id}, retry: {for: 1s, first: 0.1s, most: 0.1s}}
  team: {type: slack, webhook_url: "${SINK}/services/${SLACK_PATH}", retry: {for: 1s, first: 0.1s, most: 0.1s}}
rules:
  - name: Everywhere
    when: call.*
    then:
      - {send: good}
      - {send: echo, match: "{{ caller.number }}", fields: {name: "{{ caller.name }}"}}
      - {send: team, message: "{{ caller.name }} {{ caller.number }}"}
  - name: Back
    mode: shadow
    when: call.missed
    then: [{text: caller, body: "Sorry. Reply STOP to opt out."}]
"""


@pytest.fixture
async def sink():
    standin = SinkStandIn()
    await standin.start()
    standin.status = 401
    yield standin
    await standin.stop()


@pytest.fixture(params=["plain", "sealed"])
async def relay(request, tmp_path, sink):
    """A relay in a process of its own: its ports, what it said, its folder and environment."""
    (tmp_path / "relay.yaml").write_text(FILE)
    key = {"RELAY_ENCRYPTION_KEY": KEY} if request.param == "sealed" else {}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    environment = {**outside, **SECRETS, **key, "SINK": sink.url, "RELAY_LOG": "json"}
    command = [*forked.relay(), "-c", str(tmp_path / "relay.yaml")]
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen([*command, "serve"], env=environment, stderr=log)  # noqa: ASYNC220 - as above
    ports = {}
    for _ in range(600):
        said = (tmp_path / "log").read_text()
        ports = dict(re.findall(r"(listening|admin) on http://127\.0\.0\.1:(\d+)", said))
        if len(ports) == 2:
            break
        assert process.poll() is None, said
        await asyncio.sleep(0.05)

    def run(*arguments):
        return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)

    yield ports, run, request.param == "sealed"
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await asyncio.to_thread(process.wait, PATIENCE)
    log.close()


async def push(ports, secret, call):
    body = {"event": "call.missed", "call_id": call, "caller_number": CALLER, "caller_name": "Dana Example"}
    url = f"http://127.0.0.1:{ports['listening']}/hooks/phone"
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}?secret={GUESS}", json=body, headers={"X-Relay-Secret": secret, "Cookie": GUESS}) as answer,
    ):
        return answer.status, await answer.text()


async def looked_at(ports, token):
    """Everything that the admin listener tells, in one text."""
    paths = ["/", "/calls", "/calls/c-1", "/people", "/texts", "/numbers", "/rules", "/connectors", "/alerts", "/audit",
             "/refused", "/metrics", "/readyz", "/openapi.json", "/api/events", "/api/events/c-1", "/api/deliveries",
             "/api/texts", "/api/refused", "/api/acts", "/api/alerts", "/api/connectors", "/api/rules"]  # fmt: skip
    told = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for path in paths:
            async with session.get(f"http://127.0.0.1:{ports['admin']}{path}") as answer:
                assert answer.status == 200, path
                told[path] = f"{answer.headers} {await answer.text()}"
        async with session.post(
            f"http://127.0.0.1:{ports['admin']}/api/do/optout-add", json={"number": CALLER}
        ) as answer:
            told["deed"] = await answer.text()
    return told


def files(folder):
    """The ledger, its log and its backups, as whoever reads the disk sees them."""
    return [file.read_bytes().decode("latin-1") for file in folder.rglob("relay*.db*") if file.is_file()]


def columns(path):
    """Every value of every table."""
    connection = sqlite3.connect(path)
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    text = " ".join(str(row) for table in tables for row in connection.execute(f"select * from {table}"))  # noqa: S608
    connection.close()
    return text


async def test_no_secret_and_no_number_turns_up_where_it_should_not(relay, sink, tmp_path, until):
    ports, run, sealed = relay
    assert (await push(ports, SECRETS["RELAY_HOOK_SECRET"], "c-1"))[0] == 202
    assert (await push(ports, SECRETS["RELAY_HOOK_SECRET_OLD"], "c-2"))[0] == 202
    assert (await push(ports, GUESS, "c-3"))[0] == 401
    await until(lambda: len([one for one in sink.requests if "echo" in one.path]) >= 2)
    admin, viewer = [await looked_at(ports, SECRETS[name]) for name in ("RELAY_ADMIN_TOKEN", "RELAY_VIEW_TOKEN")]
    commands = [
        run(*words)
        for words in (
            ("check",), ("url",), ("events", "--json"), ("deliveries", "--json"), ("show", "c-1", "--json"),
            ("why", "c-1"), ("texts", "--json"), ("audit", "--json"), ("person", CALLER, "--json"),
        )
    ]  # fmt: skip
    outputs = {
        "log": (tmp_path / "log").read_text(),
        "ledger": columns(tmp_path / "relay.db"),
        "commands": " ".join(f"{one.stdout} {one.stderr}" for one in commands),
        **{f"admin {path}": text for path, text in admin.items()},
        **{f"viewer {path}": text for path, text in viewer.items()},
    }
    values = [*SECRETS.values(), GUESS, KEY]
    found = {where: [value for value in values if value in text] for where, text in outputs.items()}
    assert {where: hits for where, hits in found.items() if hits} == {}
    for where in ("log", "admin /metrics", *(name for name in outputs if name.startswith("viewer"))):
        assert "5550177" not in outputs[where], where
    assert "Dana Example" in outputs["commands"], "what is looked for could be found"
    run("backup", str(tmp_path / "copies"))
    read = [word for word in ("5550177", "Dana Example") for file in files(tmp_path) if word in file]
    assert (read == []) is sealed, read
    assert [json.loads(line) for line in outputs["log"].splitlines() if line.startswith("{")], "there is a log"


def test_no_setting_prints_its_secret(tmp_path):
    (tmp_path / "relay.yaml").write_text(FILE)
    settings = read_settings(tmp_path / "relay.yaml", CONNECTORS, {**SECRETS, "SINK": "http://127.0.0.1:9"})
    shown = f"{settings!r} {settings.connectors!r} {settings.sources!r} {settings.callscaler!r}"
    told = [name for name, value in SECRETS.items() if value in shown]
    assert told == []
