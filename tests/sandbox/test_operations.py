"""The whole of the vendor's Resources document, operation by operation."""

import io

import pytest

from relay.sandbox.routes import ROUTES

LISTED = [
    "GET /numbers",
    "GET /numbers/{}",
    "POST /numbers/search",
    "POST /numbers/purchase",
    "PATCH /numbers/{}",
    "DELETE /numbers/{}",
    "GET /call-flows",
    "GET /call-flows/{}",
    "POST /call-flows",
    "PUT /call-flows/{}",
    "DELETE /call-flows/{}",
    "GET /call-flows/{}/versions",
    "GET /number-groups",
    "GET /number-groups/bulk-stats",
    "GET /number-groups/{}/members",
    "POST /number-groups",
    "PUT /number-groups/{}",
    "DELETE /number-groups/{}",
    "POST /number-groups/{}/members",
    "DELETE /number-groups/{}/members/{}",
    "GET /number-pools",
    "POST /number-pools",
    "GET /number-pools/{}",
    "PUT /number-pools/{}",
    "DELETE /number-pools/{}",
    "GET /voicemails",
    "GET /voicemails/{}",
    "GET /voicemails/{}/recording",
    "GET /conversations",
    "GET /texts",
    "GET /sms",
    "POST /texts",
    "GET /forms",
    "GET /forms/{}",
    "GET /dashboard/stats",
    "GET /billing/balance",
    "GET /billing/history",
    "GET /api-keys",
    "POST /api-keys",
    "DELETE /api-keys/{}",
    "GET /webhooks/deliveries",
]

NUMBER = [
    "id",
    "phone_number",
    "friendly_name",
    "type",
    "call_flow_id",
    "call_flow_name",
    "group_id",
    "group_name",
    "status",
    "created_at",
]
FLOW = ["id", "name", "steps", "settings", "version", "assigned_numbers", "created_at"]
STATS = [
    "total_calls",
    "answered_calls",
    "missed_calls",
    "voicemail_calls",
    "qualified_calls",
    "unique_callers",
    "total_minutes",
    "average_duration",
]
KEY = ["id", "name", "key", "prefix", "created_at"]
DELIVERY = [
    "id",
    "call_id",
    "call_flow_id",
    "url",
    "status",
    "http_status",
    "attempts",
    "last_error",
    "created_at",
    "delivered_at",
]


def plain(path):
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_the_table_of_operations_is_the_document_and_the_documented_extras():
    listed = sorted(f"{route.method} {plain(route.path)}" for route in ROUTES if route.listed)
    assert listed == sorted(LISTED)
    assert len(listed) == 41
    extra = {f"{route.method} {plain(route.path)}" for route in ROUTES if not route.listed}
    assert {"GET /calls", "GET /calls/{}", "POST /calls/batch", "GET /analytics/calls", "GET /numbers/export"} <= extra
    assert len(extra) == 13


@pytest.fixture
async def ids(client, sandbox):
    """One of everything that a path may name."""
    call = await sandbox.phone.ring("voicemail", caller="+13125550101")
    flow = (await client.data("POST", "/call-flows", json={"name": "Night"}))["call_flow"]["id"]
    group = (await client.data("POST", "/number-groups", json={"name": "Night"}))["number_group"]["id"]
    number = sandbox.number("+13125550142")["id"]
    await client.data("POST", f"/number-groups/{group}/members", json={"number_ids": [number]})
    return {
        "call_id": call,
        "flow_id": flow,
        "group_id": group,
        "number_id": number,
        "version": "1",
        "pool_id": (await client.data("GET", "/number-pools"))["number_pools"][0]["id"],
        "voicemail_id": (await client.data("GET", "/voicemails"))["voicemails"][0]["id"],
        "form_id": (await client.data("GET", "/forms"))["forms"][0]["id"],
        "key_id": (await client.data("POST", "/api-keys", json={"name": "CRM"}))["id"],
    }


def body_for(route, ids):
    return {
        "POST /numbers/search": {"area_code": "312"},
        "POST /numbers/purchase": {"phone_number": "+13125550188"},
        "PATCH /numbers/{number_id}": {"friendly_name": "Renamed"},
        "POST /call-flows": {"name": "New"},
        "PUT /call-flows/{flow_id}": {"name": "Newer"},
        "POST /number-groups": {"name": "New"},
        "PUT /number-groups/{group_id}": {"name": "Newer"},
        "POST /number-groups/{group_id}/members": {"number_ids": [ids["number_id"]]},
        "POST /number-pools": {"name": "New"},
        "PUT /number-pools/{pool_id}": {"name": "Newer"},
        "POST /texts": {"from_number_id": ids["number_id"], "to": "+13125550101", "body": "Hello"},
        "POST /api-keys": {"name": "New"},
        "POST /calls/batch": {"ids": [ids["call_id"]]},
    }.get(f"{route.method} {route.path}")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_operation_answers_well_and_is_gone_for_ids_that_nobody_has(client, ids, route):
    query = {"group_by": "status"} if "analytics" in route.path else {}
    more = {"params": query, "json": body_for(route, ids)}
    status, headers, body = await client.raw(route.method, route.path.format(**ids), **more)
    assert status == 200, body
    assert body
    assert headers["Content-Type"].split(";")[0] in {"application/json", "audio/mpeg", "text/csv"}
    if "{" in route.path:
        nobody = dict.fromkeys(ids, "00000000-0000-0000-0000-000000000000")
        status, body = await client.ask(route.method, route.path.format(**nobody), **more)
        assert status == 404
        assert body["error"].endswith("not found")


async def test_documented_objects_have_every_documented_field(client, sandbox, receiver):
    sandbox.point_webhook(None, receiver.url, {})
    await sandbox.phone.ring("answered", caller="+13125550101")
    await sandbox.phone.settled()
    numbers = await client.data("GET", "/numbers")
    assert set(numbers) == {"numbers", "total"}
    number = numbers["numbers"][0]
    assert list(number)[: len(NUMBER)] == NUMBER
    assert (number["phone_number"], number["friendly_name"], number["group_name"]) == (
        "+13125550142",
        "Google Ads",
        "Main",
    )
    flow = (await client.data("GET", f"/call-flows/{number['call_flow_id']}"))["call_flow"]
    assert list(flow) == FLOW
    assert set(flow["settings"]) == {"recording", "whisper", "press1"}
    assert flow["steps"][0] == {"type": "greeting", "message": "Thanks for calling"}
    assert list(await client.data("GET", "/dashboard/stats")) == STATS
    assert list(await client.data("POST", "/api-keys", json={"name": "CRM Integration"})) == KEY
    deliveries = await client.data("GET", "/webhooks/deliveries")
    assert set(deliveries) == {"deliveries", "total"}
    assert list(deliveries["deliveries"][0]) == DELIVERY


async def test_bulk_stats_is_no_id(client, sandbox):
    stats = (await client.data("GET", "/number-groups/bulk-stats"))["stats"]
    groups = (await client.data("GET", "/number-groups"))["number_groups"]
    assert set(stats) == {group["id"] for group in groups}
    assert list(stats[groups[0]["id"]]) == STATS


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("POST", "/numbers/search", {"area_code": "31"}, "area_code"),
        ("POST", "/call-flows", {}, "missing required field: name"),
        ("POST", "/call-flows", {"name": "A", "steps": [{"message": "no type"}]}, "steps.0.type"),
        ("POST", "/number-groups", {"name": "Main"}, "already"),
        ("POST", "/number-groups", {"name": "   "}, "name"),
        ("POST", "/numbers/purchase", {"phone_number": "+13125550142"}, "no longer available"),
        ("POST", "/texts", {"from_number_id": "x", "to": "3125550101", "body": "a"}, "to"),
        ("POST", "/texts", {"from_number_id": "x", "to": "+13125550101", "body": "a", "form": 1}, "form"),
        ("POST", "/number-pools", {"name": "A", "call_flow_id": "nope"}, "call_flow_id"),
        ("POST", "/calls/batch", {"ids": []}, "ids"),
    ],
)
async def test_a_wrong_body_is_refused_with_the_field_named(client, method, path, body, sentence):
    status, answer = await client.ask(method, path, json=body)
    assert status == 400
    assert sentence in answer["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"name": NaN}', b'{"name": "\\ud800"}', b'{"name": 1e999}', b"[" * 100_000]
)
async def test_a_body_that_is_no_sound_object_is_refused(client, body):
    status, answer = await client.ask("POST", "/call-flows", data=body)
    assert status == 400
    assert "JSON" in answer["error"]


async def test_a_body_beyond_a_mebibyte_is_refused(client):
    status, _ = await client.ask("POST", "/call-flows", data=io.BytesIO(b"x" * (1024 * 1024 + 1)))
    assert status == 413


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "offset=-1", "status=lost", "limit=101", "offset=99999999999999999999"]
)
async def test_a_wrong_query_is_refused(client, query):
    status, _ = await client.ask("GET", f"/webhooks/deliveries?{query}")
    assert status == 400


async def test_a_wrong_method_and_a_wrong_path_are_errors_in_the_same_form(client):
    assert (await client.ask("GET", "/nonsense")) == (404, {"error": "not found"})
    status, headers, _ = await client.raw("PUT", "/texts")
    assert status == 405
    assert headers["Allow"] == "GET,POST"
