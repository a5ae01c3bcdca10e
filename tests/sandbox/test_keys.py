"""Who may do what."""

import re

import pytest

from relay.sandbox.routes import ROUTES


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic {key}", "{key}", "Bearer 12|letters", "Bearer {key}x"]
)
@pytest.mark.parametrize("path", ["/numbers", "/me", "/"])
async def test_without_a_good_key_every_path_is_401_in_the_live_form(sandbox, client, header, path):
    headers = {} if header is None else {"Authorization": header.format(key=sandbox.key)}
    async with client.session.get(f"{sandbox.url}/api/v1{path}", headers=headers) as answer:
        assert answer.status == 401
        assert await answer.json() == {"error": "unauthorized"}


async def test_errors_can_have_the_documented_form(world):
    _, client = await world(errors="documented")
    assert await client.ask("GET", "/numbers", key="no") == (
        401,
        {"error": {"code": "401", "message": "Invalid API key"}},
    )
    assert (await client.ask("GET", "/nonsense"))[1] == {"error": {"code": "404", "message": "not found"}}


async def test_a_key_is_shown_once_and_stops_at_once(client):
    made = await client.data("POST", "/api-keys", json={"name": "CRM"})
    assert re.fullmatch(r"cs_key_[a-z0-9]{32}", made["key"])
    assert made["prefix"] == made["key"][:15]
    assert (await client.ask("GET", "/numbers", key=made["key"]))[0] == 200
    _, _, listed = await client.raw("GET", "/api-keys")
    assert made["prefix"].encode() in listed
    assert made["key"].encode() not in listed
    await client.data("DELETE", f"/api-keys/{made['id']}")
    assert (await client.ask("GET", "/numbers", key=made["key"]))[0] == 401
    assert (await client.ask("DELETE", f"/api-keys/{made['id']}"))[0] == 404


async def test_an_eleventh_active_key_is_refused_until_one_is_revoked(client):
    made = [await client.data("POST", "/api-keys", json={"name": f"k{n}"}) for n in range(9)]
    status, answer = await client.ask("POST", "/api-keys", json={"name": "k10"})
    assert (status, "at most 10" in answer["error"]) == (400, True)
    await client.data("DELETE", f"/api-keys/{made[0]['id']}")
    await client.data("POST", "/api-keys", json={"name": "k10"})


async def key_of(client, role):
    return (await client.data("POST", "/api-keys", json={"name": role, "role": role}))["key"]


@pytest.mark.parametrize(("role", "rank"), [("viewer", 1), ("manager", 2), ("admin", 3), ("owner", 4)])
async def test_each_operation_wants_its_role_before_anything_else(client, role, rank):
    key = await key_of(client, role)
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "nobody", route.path)
        status, _, _ = await client.raw(route.method, path, key=key)
        assert (status == 403) == (rank < route.role), (role, route.method, route.path)


async def test_a_key_makes_and_revokes_none_above_itself(client, sandbox):
    admin = await key_of(client, "admin")
    assert (await client.ask("POST", "/api-keys", json={"name": "a", "role": "owner"}, key=admin))[0] == 403
    made = await client.data("POST", "/api-keys", json={"name": "a"}, key=admin)
    rows = {row["id"]: row["role"] for row in (await client.data("GET", "/api-keys"))["api_keys"]}
    assert rows[made["id"]] == "admin"
    owner = next(row_id for row_id, role in rows.items() if role == "owner")
    assert (await client.ask("DELETE", f"/api-keys/{owner}", key=admin))[0] == 403
