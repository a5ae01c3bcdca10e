"""What the resources remember and forbid."""

import pytest

from relay.sandbox.state import State


async def test_a_number_is_searched_bought_renamed_attached_and_released(client, sandbox):
    offers = (await client.data("POST", "/numbers/search", json={"area_code": "773"}))["numbers"]
    assert offers[0]["phone_number"] == "+17735550100"
    assert set(offers[0]["capabilities"]) == {"voice", "sms", "mms"}
    before = sandbox.balance()
    bought = (await client.data("POST", "/numbers/purchase", json={"phone_number": "+17735550100"}))["number"]
    assert sandbox.balance() == before - 300
    assert bought["sms_enabled"] is False
    assert (await client.ask("POST", "/numbers/purchase", json={"phone_number": "+17735550100"}))[0] == 400
    flow = (await client.data("GET", "/call-flows"))["call_flows"][0]
    path = f"/numbers/{bought['id']}"
    changed = await client.data("PATCH", path, json={"friendly_name": "Van", "call_flow_id": flow["id"]})
    assert changed["number"]["friendly_name"] == changed["number"]["name"] == "Van"
    assert changed["number"]["call_flow_name"] == flow["name"]
    detached = await client.data("PATCH", path, json={"call_flow_id": None})
    assert detached["number"]["call_flow_id"] is None
    assert detached["number"]["friendly_name"] == "Van"
    assert await client.data("DELETE", path) == {"id": bought["id"], "deleted": True}
    assert (await client.ask("GET", path))[0] == 404


async def test_a_purchase_needs_the_money(client, sandbox):
    sandbox.set_balance(299)
    status, answer = await client.ask("POST", "/numbers/purchase", json={"phone_number": "+13125550188"})
    assert (status, sandbox.balance()) == (400, 299)
    assert "insufficient balance" in answer["error"]
    assert (await client.data("GET", "/numbers"))["total"] == 6


async def test_a_single_number_can_be_missing_as_a_newer_page_says(world):
    sandbox, client = await world(number_lookup=False)
    status, _ = await client.ask("GET", f"/numbers/{sandbox.number('+13125550142')['id']}")
    assert status == 404


async def test_versions_of_a_call_flow_grow_and_come_back(client):
    made = (
        await client.data("POST", "/call-flows", json={"name": "A", "steps": [{"type": "forward", "number": "+1"}]})
    )["call_flow"]
    path = f"/call-flows/{made['id']}"
    assert made["version"] == 1
    changed = (await client.data("PUT", path, json={"name": "B", "settings": {"whisper": True}}))["call_flow"]
    assert (changed["version"], changed["name"], changed["steps"]) == (2, "B", made["steps"])
    assert changed["settings"] == {"recording": False, "whisper": True, "press1": False}
    versions = await client.data("GET", f"{path}/versions")
    assert [(row["version"], row["name"]) for row in versions["versions"]] == [(2, "B"), (1, "A")]
    back = (await client.data("POST", f"{path}/versions/1/restore"))["call_flow"]
    assert (back["version"], back["name"], back["settings"]["whisper"]) == (3, "A", False)
    copy = (await client.data("POST", f"{path}/duplicate"))["call_flow"]
    assert (copy["version"], copy["name"], copy["steps"]) == (1, "A (copy)", made["steps"])


async def test_a_deleted_call_flow_leaves_its_numbers_without_one(client, sandbox):
    flow = sandbox.number("+13125550142")["call_flow_id"]
    assert (await client.data("GET", f"/call-flows/{flow}/numbers"))["total"] == 2
    await client.data("DELETE", f"/call-flows/{flow}")
    assert sandbox.number("+13125550142")["call_flow_id"] is None


async def test_adding_a_number_to_a_group_moves_it(client, sandbox):
    number = sandbox.number("+13125550142")
    groups = {row["name"]: row["id"] for row in (await client.data("GET", "/number-groups"))["number_groups"]}
    added = await client.data("POST", f"/number-groups/{groups['Parked']}/members", json={"number_ids": [number["id"]]})
    assert [row["phone_number"] for row in added["members"]] == sandbox.members("Parked") == ["+13125550142"]
    assert "+13125550142" not in sandbox.members("Main")
    assert (await client.ask("DELETE", f"/number-groups/{groups['Main']}/members/{number['id']}"))[0] == 404
    await client.data("DELETE", f"/number-groups/{groups['Parked']}/members/{number['id']}")
    assert sandbox.members("Parked") == []
    assert sandbox.number("+13125550142")["group_id"] is None


async def test_a_group_counts_whoever_is_in_it_where_a_number_may_be_in_several(world):
    sandbox, client = await world(several_groups=True)
    groups = {row["name"]: row["id"] for row in (await client.data("GET", "/number-groups"))["number_groups"]}
    number, calls = sandbox.number("+13125550142"), await client.data("GET", "/calls?number_group_id=" + groups["Main"])
    await client.data("POST", f"/number-groups/{groups['Parked']}/members", json={"number_ids": [number["id"]]})

    told = {row["name"]: row["number_count"] for row in (await client.data("GET", "/number-groups"))["number_groups"]}
    assert told == {name: len(sandbox.members(name)) for name in groups}
    assert told["Parked"] == 1
    assert await client.data("GET", "/calls?number_group_id=" + groups["Main"]) == calls


async def test_members_are_added_all_or_none(client, sandbox):
    group = (await client.data("GET", "/number-groups"))["number_groups"][2]
    wanted = [sandbox.number("+13125550142")["id"], "nobody"]
    status, _ = await client.ask("POST", f"/number-groups/{group['id']}/members", json={"number_ids": wanted})
    assert status == 400
    assert sandbox.members("Parked") == []


async def test_a_deleted_group_leaves_its_numbers(client, sandbox):
    group = sandbox.number("+13125550142")["group_id"]
    await client.data("DELETE", f"/number-groups/{group}")
    assert sandbox.number("+13125550142")["group_name"] is None
    assert (await client.data("GET", "/numbers"))["total"] == 6


async def test_a_pool_keeps_what_a_change_leaves_out(client):
    made = await client.data("POST", "/number-pools", json={"name": "Site", "website_url": "https://www.example.com"})
    assert made["number_pool"]["session_length"] == 1800
    path = f"/number-pools/{made['number_pool']['id']}"
    changed = await client.data("PUT", path, json={"session_length": 600})
    assert changed["number_pool"]["website_url"] == "https://www.example.com"
    assert changed["number_pool"]["session_length"] == 600
    await client.data("DELETE", path)
    assert (await client.ask("GET", path))[0] == 404


async def test_a_voicemail_plays(client, sandbox):
    await sandbox.phone.ring("voicemail", caller="+13125550101", duration=10)
    newest = (await client.data("GET", "/voicemails"))["voicemails"][0]
    assert (newest["caller_number"], newest["duration_seconds"]) == ("+13125550101", 10)
    status, headers, audio = await client.raw("GET", f"/voicemails/{newest['id']}/recording")
    assert (status, headers["Content-Type"]) == (200, "audio/mpeg")
    assert playing_time(audio) == pytest.approx(10, abs=0.05)


def playing_time(audio: bytes) -> float:
    """Walk the frames as a player does; every byte must belong to one."""
    place = frames = 0
    while place < len(audio):
        sync, rate = audio[place : place + 2], audio[place + 2]
        assert sync == b"\xff\xfb"
        assert (rate >> 4, rate >> 2 & 3) == (1, 0)  # 32 kbit/s, 44.1 kHz
        place += 144 * 32_000 // 44_100 + (rate >> 1 & 1)
        frames += 1
    assert place == len(audio)
    return frames * 1152 / 44_100


async def test_the_balance_is_the_sum_of_its_history(client, sandbox):
    sandbox.set_balance(1_000)
    await client.data("POST", "/numbers/purchase", json={"phone_number": "+13125550188"})
    history = (await client.data("GET", "/billing/history"))["transactions"]
    assert history[0]["amount_cents"] == -300
    assert sum(row["amount_cents"] for row in history) == 700
    assert (await client.data("GET", "/billing/balance")) == {"balance_cents": 700, "currency": "USD"}


async def test_a_list_can_be_had_in_parts(client):
    everything = (await client.data("GET", "/numbers"))["numbers"]
    part = await client.data("GET", "/numbers?limit=2&offset=3")
    assert part == {"numbers": everything[3:5], "total": 6}


async def test_state_outlives_a_restart_and_the_old_key_does_not(world, tmp_path):
    db = tmp_path / "sandbox.db"
    first, client = await world(db)
    group = (await client.data("POST", "/number-groups", json={"name": "Night"}))["number_group"]
    await first.stop()
    _, again = await world(db)
    groups = await again.data("GET", "/number-groups")
    assert group in groups["number_groups"]
    assert (await again.data("GET", "/numbers"))["total"] == 6
    assert (await again.ask("GET", "/numbers", key=first.key))[0] == 401


async def test_a_stopped_sandbox_starts_again_where_it_was(sandbox, client):
    port = int(sandbox.url.rpartition(":")[2])
    await sandbox.phone.ring("missed", caller="+13125550101")
    await sandbox.stop()
    await sandbox.start(port=port)
    assert (await client.data("GET", "/calls?limit=1"))["calls"][0]["caller_number"] == "+13125550101"


def test_a_transaction_that_breaks_leaves_nothing():
    state = State(None)

    def half():
        with state.transaction():
            state.add("number_groups", name="Half", created_at=0.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with state.transaction(), state.transaction():
        state.add("number_groups", name="Whole", created_at=0.0)
    assert [row["name"] for row in state.rows("SELECT name FROM number_groups")] == ["Whole"]
    state.close()
