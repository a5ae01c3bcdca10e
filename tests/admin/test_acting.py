"""What people do over HTTP: every deed has an address, and what is asked twice under one key is done once."""

import json

import pytest

from tests.admin.conftest import TOKEN

RETRY = ("POST", "/api/do/retry", TOKEN)
BODY = {"ids": ["dlv-1"]}


async def test_an_act_under_a_key_is_done_once(desk, dead, ledger):
    it = await desk()
    key = {"Idempotency-Key": "mine-1"}
    first, told = await it.ask(*RETRY, json=BODY, headers=key)
    again, told_again = await it.ask(*RETRY, json=BODY, headers=key)
    assert (first.status, again.status, json.loads(told)) == (200, 200, {"retried": 1})
    assert told == told_again, "asked again without the key, it would say 0"
    _, without = await it.ask(*RETRY, json=BODY)
    assert json.loads(without) == {"retried": 0}


async def test_a_key_belongs_to_one_act(desk, dead):
    it = await desk()
    key = {"Idempotency-Key": "mine-1"}
    await it.ask(*RETRY, json=BODY, headers=key)
    answer, text = await it.ask(*RETRY, json={"ids": ["dlv-2"]}, headers=key)
    assert answer.status == 422
    assert "used for something else" in text


async def test_an_act_that_was_cut_off_is_not_done_again_by_itself(desk, dead, ledger, clock):
    it = await desk()
    key = {"Idempotency-Key": "mine-1"}
    await it.ask(*RETRY, json=BODY, headers=key)
    asked = await ledger.begin_act("mine-1", "", now=clock())
    await ledger.end_act("mine-1", None)
    await ledger.begin_act("mine-1", asked.what, now=clock())
    answer, text = await it.ask(*RETRY, json=BODY, headers=key)
    assert answer.status == 409
    assert "cut off" in text


async def test_an_act_that_could_not_be_read_leaves_its_key_free(desk, dead):
    it = await desk()
    key = {"Idempotency-Key": "mine-1"}
    assert (await it.ask(*RETRY, json={"ids": []}, headers=key))[0].status == 422
    assert (await it.ask(*RETRY, json=BODY, headers=key))[0].status == 200


@pytest.mark.parametrize("key", ["", "with blank", "x" * 201])
async def test_a_key_that_is_none_is_refused(desk, dead, key):
    assert (await (await desk()).ask(*RETRY, json=BODY, headers={"Idempotency-Key": key}))[0].status == 422


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(desk, body):
    headers = {"Content-Type": "application/json"}
    answer, _ = await (await desk()).ask(*RETRY, data=body, headers=headers)
    assert (answer.status, answer.content_type) == (422, "application/problem+json")


async def test_every_deed_has_an_address_of_its_own(desk):
    it = await desk()
    _, text = await it.ask("GET", "/openapi.json", TOKEN)
    described = json.loads(text)["paths"]
    deeds = it.seen["deeds"].forms
    assert deeds
    assert [name for name in deeds if f"/api/do/{name}" not in described] == []


async def test_a_deed_that_there_is_not_is_refused(desk):
    answer, text = await (await desk()).ask("POST", "/api/do/nonsense", TOKEN, json={})
    assert answer.status == 422
    assert "there is no deed nonsense" in text
    without = await desk(deeds=None)
    assert (await without.ask("POST", "/api/do/retry", TOKEN, json=BODY))[0].status == 404


HALF = '"\\ud800"'
BENT = [
    HALF, f"[{HALF}]", f'{{"a": {HALF}}}', "NaN", "1e999", "9" * 400, '"\\u0000"', '"' + "x" * 50_000 + '"',
    "[" * 900 + "]" * 900,
    '{"a": 1, "a": 2}', "null", "true", '["\\u202e", null, {}]', '"+1312555010100000000000000000"', '"\\u0661\\u0662"',
]  # fmt: skip


@pytest.mark.parametrize("value", BENT)
async def test_whatever_a_deed_is_asked_with_is_no_mistake_of_ours(desk, dead, value):
    it = await desk()
    statuses = {}
    for name, form in it.seen["deeds"].forms.items():
        asked = form.model_json_schema().get("properties", {"x": {}})
        body = "{" + ", ".join(f"{json.dumps(key)}: {value}" for key in asked) + "}"
        headers = {"Content-Type": "application/json"}
        answer, _ = await it.ask("POST", f"/api/do/{name}", TOKEN, data=body.encode(), headers=headers)
        statuses[name] = answer.status
    assert len(statuses) > 15
    assert {name: status for name, status in statuses.items() if status not in {200, 404, 413, 422}} == {}


@pytest.mark.parametrize("body", ['{"ids": ["dlv-1"], "ids": ["dlv-2"]}', f'{{"ids": [{HALF}]}}', '{"ids": NaN}'])
async def test_a_body_with_two_readings_or_half_a_character_is_refused(desk, dead, body):
    headers = {"Content-Type": "application/json"}
    answer, _ = await (await desk()).ask(*RETRY, data=body.encode(), headers=headers)
    assert answer.status == 422
