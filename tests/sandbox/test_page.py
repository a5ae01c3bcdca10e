"""The page for people, and the description for machines."""

import re

import aiohttp
import pytest

from relay.sandbox.page import BUTTONS
from relay.sandbox.routes import ROUTES


async def page(client, path="/", **form):
    method = "POST" if form else "GET"
    headers = form.pop("headers", {})
    async with client.session.request(method, client.sandbox.url + path, data=form or None, headers=headers) as answer:
        return answer.status, await answer.text(), answer.headers


@pytest.mark.parametrize("button", BUTTONS)
async def test_every_button_makes_its_call(client, sandbox, receiver, button):
    await page(client, "/webhook", flow="", url=receiver.url, header="X-Relay-Secret", value="no-secret", mode="now")
    status, text, _ = await page(client, "/ring", button=button, caller="+13125550109", number="+13125550143", name="D")
    await sandbox.phone.settled()
    assert status == 200
    assert "delivered" in text or receiver.got
    assert receiver.got[0]["tracking_number"] == "+13125550143"
    assert receiver.headers[0]["X-Relay-Secret"] == "no-secret"
    assert (receiver.got[0]["caller_number"] is None) == (button == "Withheld number")


async def test_what_people_write_is_only_ever_text(client, sandbox):
    evil = "<script>alert(1)</script>\" onload='x"
    await page(client, "/ring", button="Missed", caller=evil, name=evil)
    await page(client, "/text", sender="+13125550101", number="+13125550142", body=evil)
    await page(client, "/webhook", flow="", url=f"http://example.com/{evil}")
    _, text, headers = await page(client)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/ring", {"button": "Explode"}),
        ("/ring", {"button": "Missed", "number": "+13125559999"}),
        ("/text", {"sender": "+13125550101", "number": "+13125559999", "body": "a"}),
        ("/text", {"sender": "", "number": "+13125550142", "body": "a"}),
        ("/webhook", {"url": "javascript:alert(1)"}),
        ("/webhook", {"url": "http://127.0.0.1", "flow": "nobody"}),
    ],
)
async def test_a_form_that_cannot_be_done_says_why(client, path, form):
    status, text, _ = await page(client, path, **form)
    assert status == 400
    assert 'role="alert"' in text


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_forms_of_other_sites_are_refused(client, sandbox, origin):
    before = len(sandbox.calls())
    status, _, _ = await page(client, "/ring", button="Missed", headers={"Origin": origin})
    assert (status, len(sandbox.calls())) == (403, before)
    await page(client, "/ring", button="Missed", headers={"Origin": sandbox.url})
    assert len(sandbox.calls()) == before + 1


async def test_the_style_is_served(client):
    status, text, headers = await page(client, "/page.css")
    assert (status, headers["Content-Type"].startswith("text/css")) == (200, True)
    assert "font" in text


async def test_the_description_names_every_operation_and_every_answer_is_as_it_says(client, sandbox):
    schemas = pytest.importorskip("jsonschema_rs")
    async with client.session.get(f"{sandbox.url}/openapi.json") as answer:
        document = await answer.json()
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert described == {(route.method, route.path) for route in ROUTES}
    ids = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(ids) == len(set(ids))
    await sandbox.phone.ring("voicemail", caller=None)
    await sandbox.phone.receive_text("+13125550101", "+13125550142", "Hello")
    for path, operations in document["paths"].items():
        if "get" not in operations or "{" in path:
            continue
        content = operations["get"]["responses"]["200"]["content"]
        if "application/json" not in content:
            continue
        schema = content["application/json"]["schema"] | {"components": document["components"]}
        _, body = await client.ask("GET", path, params={"group_by": "status"} if "analytics" in path else {})
        schemas.validator_for(schema).validate(body)


async def test_every_reference_in_the_description_leads_somewhere(client, sandbox):
    async with client.session.get(f"{sandbox.url}/openapi.json") as answer:
        text, document = await answer.text(), await answer.json()
    for name in set(re.findall(r'"#/components/schemas/(\w+)"', text)):
        assert name in document["components"]["schemas"]


async def test_the_page_needs_no_key_and_the_api_does(client, sandbox):
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(sandbox.url) as answer:
            assert answer.status == 200
        async with stranger.get(f"{sandbox.url}/api/v1/numbers") as answer:
            assert answer.status == 401
