"""Services that repeat what they were sent: whatever they say is kept and shown, and our secrets in it are not."""

from __future__ import annotations

import base64
import json
import sqlite3

import aiohttp
import pytest
from aiohttp import web

from connectors.table import CONNECTORS
from relay.app import App
from relay.settings import read_settings
from relay.store.sqlite import SqliteStore

SECRET, TOKEN = "false-secret-0001-0001", "false-admin-token"
SECRETS = {f"CANARY_{nth}": f"canary-{nth}-false-{nth}\u00e9" for nth in range(1, 4)} | {
    "BEARER": "canary-bearer-false-0004", "PASSWORD": "canary-password-false-0005", "QUERY": "canary query&false/0006",
    "SIGNING": "canary-signing-false-0007", "KEY": "canary-key-false-0008",
}  # fmt: skip
CODED = base64.b64encode(f"user:{SECRETS['PASSWORD']}".encode()).decode()
CRM = """
    type: crm
    base_url: "{url}/{status}"
    auth: {auth}
    headers: {{X-Key: "{key}"}}
    retry: {{for: 1s, first: 0.1s, most: 0.1s}}
    find: {{method: GET, path: "/contacts", id: items.0.id}}
    create: {{method: POST, path: /contacts, id: id}}
    update: {{method: PATCH, path: "/contacts/{{{{ found.id }}}}"}}"""
WEBHOOK = """
    type: webhook
    url: "{url}/{status}"
    headers: {{X-Token: "${{CANARY_1}}", Content-Type: application/json}}
    signing_secret: "${{SIGNING}}"
    retry: {{for: 1s, first: 0.1s, most: 0.1s}}"""
WAYS = {
    "bearer": '{bearer: "${BEARER}"}',
    "basic": '{basic: "user:${PASSWORD}"}',
    "header": '{header: {X-Api-Key: "${CANARY_2}"}}',
    "query": '{query: {api_key: "${QUERY}"}}',
}


@pytest.fixture
async def parrot():
    """A service that answers with all that it was sent, under the status that its address names."""

    async def repeat(request):
        told = {
            "said": await request.text(), "to": request.path_qs, "headers": dict(request.headers),
            "query": dict(request.query),
        }  # fmt: skip
        record = {
            "proof": request.headers.get("Authorization"),
            "id": "7",
            "url": f"https://crm.example{request.path_qs}",
            "told": told,
        }
        return web.json_response({**record, "items": [record]}, status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_route("*", "/{status}{rest:.*}", repeat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def written(url):
    connectors = {f"hook-{status}": WEBHOOK.format(url=url, status=status) for status in (200, 422)}
    for way, auth in WAYS.items():
        connectors |= {
            f"{way}-{status}": CRM.format(url=url, status=status, auth=auth, key="${KEY}" if way == "bearer" else "x")
            for status in (200, 422)
        }
    steps = [{"send": name, "id": name.replace("-", "_")} for name in connectors if name.startswith("hook")]
    steps += [{"send": n, "match": "+13125550101", "fields": {"name": "Dana"}} for n in connectors if "hook" not in n]
    rules = [{"name": "Everywhere", "when": ["call.missed"], "then": steps}]
    return (
        'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
        "network: {allow: [127.0.0.1/32], allow_http: true}\n"
        "connectors:\n"
        + "".join(f"  {name}: {said}\n" for name, said in connectors.items())
        + f"rules: {json.dumps(rules)}\n"
    )


async def test_what_a_service_repeats_of_our_secrets_is_neither_kept_nor_shown(tmp_path, parrot, until):
    path = tmp_path / "relay.yaml"
    path.write_text(written(parrot))
    path.chmod(0o600)
    environment = {"RELAY_HOOK_SECRET": SECRET, "RELAY_ADMIN_TOKEN": TOKEN, **SECRETS}
    app = App(read_settings(path, CONNECTORS, environment), SqliteStore(tmp_path / "relay.db"), CONNECTORS)
    await app.start()
    try:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{app.public_port}/hooks/callscaler"
            body = {"event": "call.missed", "call_id": "c1", "caller_number": "+13125550101"}
            async with session.post(url, json=body, headers={"X-Relay-Secret": SECRET}) as answer:
                assert answer.status == 202

            async def over():
                states = await app.store.states()
                return states.get("delivered") == states.get("dead") == 5

            await until(over)
            shown = []
            for told in ("/api/deliveries", "/api/events/c1", "/calls/c1", "/connectors"):
                headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/html"}
                async with session.get(f"http://127.0.0.1:{app.admin_port}{told}", headers=headers) as answer:
                    assert answer.status == 200, told
                    shown.append(await answer.text())
        receipts = {one.connector: one.receipt for one in await app.store.deliveries(limit=20) if one.receipt}
    finally:
        await app.stop()
    assert receipts["hook-200"]["body"]["told"]["headers"]["X-Token"] == "…"
    assert receipts["hook-200"]["body"]["told"]["headers"]["Content-Type"] == "application/json", (
        "what is no secret is kept"
    )
    assert receipts["query-200"]["url"] == "https://crm.example/200/contacts?api_key=…"
    secrets = [*SECRETS.values(), CODED, "canary+query", "canary%20query"]
    kept = columns(tmp_path / "relay.db")
    assert [secret for secret in secrets if secret in kept or json.dumps(secret)[1:-1] in kept] == []
    assert [secret for secret in secrets if any(secret in page for page in shown)] == []


def columns(path):
    """Every value of every table."""
    connection = sqlite3.connect(path)
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    text = " ".join(str(row) for table in tables for row in connection.execute(f"select * from {table}"))  # noqa: S608
    connection.close()
    return text
