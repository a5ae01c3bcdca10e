"""Plan, apply, undo, approve, drift: on the real sandbox, over HTTP."""

from __future__ import annotations

import pytest

from connectors.webhook import Webhook, WebhookOptions
from relay.errors import Unavailable
from relay.moving import Refused, drift_now
from relay.sandbox import SandboxSettings
from relay.store.sqlite import SqliteStore
from tests.moving.office import DAY, GROUPS, NOW, Office, no_pause, number

A, B, C, D = (number(n) for n in (142, 143, 144, 145))


async def test_a_plan_says_what_would_move_and_why_and_moves_nothing(office):
    came = await office.numbers.plan()
    assert came["moves"] == [
        {
            "number": A,
            "from": "Sales",
            "to": "Main",
            "because": "it fits no other group (number.calls_30d is 1), and Main is the default",
        },
        {"number": B, "from": "Sales", "to": "Parked", "because": "number.calls_30d is 0"},
        {"number": C, "from": "Sales", "to": "Parked", "because": "number.calls_30d is 0"},
    ]
    assert came["held"] == []
    assert {method for method, _, _ in office.sandbox.requests()} == {"GET"}


async def test_apply_makes_the_planned_moves_and_the_groups_that_are_missing_and_a_second_plan_is_empty(office):
    await office.numbers.plan()
    came = await office.numbers.apply()
    assert (came["state"], [move["state"] for move in came["moves"]]) == ("done", ["done"] * 3)
    assert office.groups() == {"Main": [A, D], "Parked": [B, C], "Sales": []}
    assert await office.in_ledger() == {A: "Main", B: "Parked", C: "Parked", D: "Main"}
    assert (await office.numbers.plan())["moves"] == []


async def test_undo_brings_back_what_was_before_and_may_be_asked_for_twice(office):
    before, ledger = office.groups(), {A: "Sales", B: "Sales", C: "Sales", D: "Main"}
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply(run)
    for _ in range(2):
        came = await office.numbers.undo(run)
        assert [move["state"] for move in came["moves"]] == ["done"] * 3
        assert office.groups() == {**before, "Parked": []}
        assert await office.in_ledger() == ledger


async def test_an_undo_can_be_undone(office):
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply(run)
    after = office.groups()
    back = (await office.numbers.undo(run))["run"]
    await office.numbers.undo(back)
    assert office.groups() == after


async def test_what_was_undone_stays_put(office):
    await office.numbers.plan()
    await office.numbers.apply()
    office.now += 1
    await office.numbers.undo("last")
    came = await office.numbers.plan()
    assert came["moves"] == []
    assert {held["because"].split(":")[0] for held in came["held"]} == {"stay"}


async def test_without_a_plan_nothing_is_applied_and_what_was_applied_is_not_applied_again(office):
    with pytest.raises(Refused, match="there is no plan"):
        await office.numbers.apply()
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    with pytest.raises(Refused, match="there is no plan"):
        await office.numbers.apply()
    changed = len([method for method, _, _ in office.sandbox.requests() if method != "GET"])
    assert (await office.numbers.apply(run))["state"] == "done"
    assert len([method for method, _, _ in office.sandbox.requests() if method != "GET"]) == changed
    with pytest.raises(Refused, match="there is no run"):
        await office.numbers.apply("run_nothing")


async def test_a_plan_is_stale_once_something_else_would_move(office):
    await office.numbers.plan()
    await office.called(B, at=NOW - 30)
    with pytest.raises(Refused, match=f"stale: since .*{B.replace('+', '.')} would not move to Parked any more"):
        await office.numbers.apply()
    assert office.groups()["Sales"] == [A, B, C]


async def test_a_plan_is_stale_once_somebody_moved_a_number_by_hand(office):
    await office.numbers.plan()
    office.sandbox.put_into_group(B, "Main")
    with pytest.raises(Refused, match="stale"):
        await office.numbers.apply()


async def test_a_plan_is_stale_after_a_day_and_gone_once_there_is_a_newer_one(office):
    first = (await office.numbers.plan())["run"]
    await office.numbers.plan()
    with pytest.raises(Refused, match="is expired"):
        await office.numbers.apply(first)
    office.now += 1.1 * DAY
    await office.store.alive(now=office.now)
    with pytest.raises(Refused, match="stale: made 26h ago"):
        await office.numbers.apply()


async def test_a_number_that_is_moved_by_hand_between_the_look_and_the_move_is_left_there(office):
    await office.numbers.plan()
    send = office.phone.send

    async def meddling(job):
        if job.action.step.number == B:
            office.sandbox.put_into_group(B, "Main")
        return await send(job)

    office.phone.send = meddling
    came = await office.numbers.apply()
    by_number = {move["number"]: move for move in came["moves"]}
    assert (by_number[B]["state"], by_number[C]["state"]) == ("failed", "done")
    assert "somebody moved it" in by_number[B]["reason"]
    assert office.groups()["Main"] == [A, B, D]
    assert came["why"] == "1 of 3 were not made"


async def test_what_somebody_moved_by_hand_stays_unless_it_is_enforced(office):
    await office.numbers.plan()
    await office.numbers.apply()
    office.sandbox.put_into_group(B, "Sales")
    office.now += 8 * DAY
    await office.called(A, D, at=office.now - 60)
    await office.store.alive(now=office.now)
    await office.store.fill_outages(since=0.0, until=office.now)
    [held] = (await office.numbers.plan())["held"]
    assert held["number"] == B
    assert held["because"].startswith("by hand: groups and rules put it into Parked, and somebody put it into Sales")
    office.brake(enforce=True)
    assert [move["number"] for move in (await office.numbers.plan())["moves"]] == [B]
    await office.numbers.apply()
    assert office.groups()["Parked"] == [B, C]


async def test_what_somebody_moved_by_hand_is_accepted_and_speaks_again_once_its_time_is_over(office):
    with pytest.raises(Refused, match="nothing to accept"):
        await office.numbers.accept([], "Dana")
    await office.numbers.plan()
    await office.numbers.apply()
    for one in (B, C):
        office.sandbox.put_into_group(one, "Sales")
    with pytest.raises(Refused, match="nothing to accept"):
        await office.numbers.accept([A], "Dana")
    came = await office.numbers.accept([B], "Dana")
    assert [(move["number"], move["kind"], move["state"], move["to"]) for move in came["moves"]] == [
        (B, "accept", "done", "Sales")
    ]
    assert office.groups()["Sales"] == [B, C], "nothing is moved"
    held = {one["number"]: one["because"] for one in (await office.numbers.plan())["held"]}
    assert held[B].startswith("stay: moved 0s ago by Dana")
    assert held[C].startswith("by hand: groups and rules put it into Parked")
    with pytest.raises(Refused, match="changed nothing"):
        await office.numbers.undo(came["run"])
    office.now += 8 * DAY
    await office.called(A, D, at=office.now - 60)
    await office.store.alive(now=office.now)
    await office.store.fill_outages(since=0.0, until=office.now)
    again = await office.numbers.plan()
    assert [move["number"] for move in again["moves"]] == [B]
    assert [one["number"] for one in again["held"]] == [C]


async def test_too_many_moves_stop_and_ask_and_go_once_somebody_says_so(office):
    office.brake(max_changes=2)
    run = (await office.numbers.plan())["run"]
    asked = await office.numbers.apply()
    assert (asked["state"], asked["why"]) == (
        "asking",
        "3 numbers would move, and regroup.max_changes allows 2 at once",
    )
    assert office.groups()["Sales"] == [A, B, C]
    [alert] = await office.store.alerts(open_only=True)
    assert f"relay numbers approve {run}" in alert.remedy
    with pytest.raises(Refused, match="waits for an answer"):
        await office.numbers.apply()
    came = await office.numbers.answer(run, "Dana", yes=True)
    assert (came["state"], came["answered_by"]) == ("done", "Dana")
    assert office.groups()["Parked"] == [B, C]
    assert await office.store.alerts(open_only=True) == ()


async def test_a_run_that_is_rejected_or_answered_too_late_moves_nothing(office):
    office.brake(max_changes=2)
    for late in (False, True):
        run = (await office.numbers.plan())["run"]
        await office.numbers.apply()
        if late:
            office.now += 2 * DAY
            await office.numbers.step()
            with pytest.raises(Refused, match="is expired"):
                await office.numbers.answer(run, "Dana", yes=True)
        else:
            assert (await office.numbers.answer(run, "Dana", yes=False))["state"] == "rejected"
        with pytest.raises(Refused, match=r"rejected|expired"):
            await office.numbers.apply(run)
    assert office.groups()["Sales"] == [A, B, C]


async def test_an_approval_is_of_the_plan_that_was_shown(office):
    office.brake(max_changes=2)
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    await office.called(B, at=NOW - 30)
    with pytest.raises(Refused, match="stale"):
        await office.numbers.answer(run, "Dana", yes=True)
    assert office.groups()["Sales"] == [A, B, C]


async def test_a_plan_that_could_not_be_made_once_approved_asks_anew_when_it_is_applied(tmp_path):
    office = await Office(tmp_path, max_changes=1).start()
    office.sandbox.add_number(C, "C", group="Sales")
    office.sandbox.add_number(B, "B", group="Sales")
    try:
        run = (await office.numbers.plan())["run"]
        assert (await office.numbers.apply())["state"] == "asking"
        office.sandbox.put_into_group(B, "Main")
        with pytest.raises(Refused, match="stale"):
            await office.numbers.answer(run, "Dana", yes=True)
        await office.numbers.step()
        assert (await office.numbers.told(run))["state"] == "stopped"
        office.sandbox.put_into_group(B, "Sales")
        assert (await office.numbers.apply(run))["state"] == "asking"
        await office.numbers.answer(run, "Dana", yes=True)
        assert office.groups()["Parked"] == [B, C]
    finally:
        await office.stop()


async def test_a_group_that_asks_is_asked_about_with_a_link(tmp_path, sink, http):
    office = await Office(
        tmp_path, GROUPS.replace("calls_30d: 0}", "calls_30d: 0}, approve: {by: team, within: 2h}")
    ).start()
    office.others["team"] = Webhook(WebhookOptions.model_validate({"url": sink.url}), http)
    office.admin_url = "https://relay.example/"
    office.sandbox.add_number(B, "B", group="Sales")
    try:
        run = (await office.numbers.plan())["run"]
        asked = await office.numbers.apply()
        [body] = sink.bodies
        assert asked["until"] == "2026-03-02T18:00:00.000Z"
        assert f"{B}: Sales to Parked (number.calls_30d is 0)" in str(body)
        assert f"https://relay.example/numbers#run-{run}" in str(body)
        await office.numbers.step()
        assert len(sink.bodies) == 1
        await office.numbers.answer(run, "Dana", yes=True)
        assert office.groups()["Parked"] == [B]
    finally:
        await office.stop()


async def test_the_phone_system_that_does_not_answer_fails_the_plan_and_not_the_moves(office):
    office.phone.client.numbers._transport._sleep = no_pause
    office.sandbox.faults.next("GET", "/numbers", "500", times=9)
    with pytest.raises(Unavailable):
        await office.numbers.plan()


async def test_a_run_whose_moves_fail_half_way_goes_on_later(office):
    office.phone.client.numbers._transport._sleep = no_pause
    await office.numbers.plan()
    office.sandbox.faults.next("POST", "/number-groups/*/members", "503", times=3)
    came = await office.numbers.apply()
    assert (came["state"], "503" in came["why"]) == ("applying", True)
    await office.numbers.step()
    assert office.groups() == {"Main": [A, D], "Parked": [B, C], "Sales": []}


async def test_a_key_that_was_revoked_stops_the_run_with_one_alert(office):
    run = (await office.numbers.plan())["run"]
    office.sandbox._world.state.run("UPDATE api_keys SET role = 'viewer'")
    came = await office.numbers.apply()
    assert came["state"] == "stopped"
    asked = len(office.sandbox.requests())
    await office.numbers.step()
    assert len(office.sandbox.requests()) == asked
    assert [alert.cause for alert in await office.store.alerts(open_only=True)] == [f"numbers:{run}"]
    office.sandbox._world.state.run("UPDATE api_keys SET role = 'owner'")
    assert (await office.numbers.apply(run))["state"] == "done"
    assert office.groups()["Parked"] == [B, C]


async def test_a_group_that_was_renamed_under_us_is_found_again_by_its_id(office):
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    office.sandbox._world.state.run("UPDATE number_groups SET name = 'Sold' WHERE name = 'Sales'")
    await office.numbers.undo(run)
    assert office.groups()["Sold"] == [A, B, C]


async def test_a_group_that_was_deleted_under_us_is_reported(office):
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    office.sandbox._world.state.run("DELETE FROM number_groups WHERE name = 'Sales'")
    came = await office.numbers.undo(run)
    assert {move["state"] for move in came["moves"]} == {"failed"}
    assert "the number group Sales that it was in is gone" in came["moves"][0]["reason"]
    assert office.groups()["Parked"] == [B, C]


async def test_undo_leaves_what_somebody_has_moved_since(office):
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    office.sandbox.put_into_group(B, "Main")
    came = await office.numbers.undo(run)
    by_number = {move["number"]: move for move in came["moves"]}
    assert (by_number[B]["state"], by_number[C]["state"]) == ("failed", "done")
    assert office.groups()["Main"] == [B, D]


@pytest.mark.parametrize("enforce", [False, True])
async def test_a_number_in_several_groups_is_reported_or_put_into_one(tmp_path, enforce):
    office = await Office(tmp_path, sandbox=SandboxSettings(several_groups=True), enforce=enforce).start()
    office.sandbox.add_number(B, "B", group="Sales")
    office.sandbox.put_into_group(B, "Old")
    came = await office.numbers.plan()
    if enforce:
        run = came["run"]
        await office.numbers.apply()
        assert office.groups() == {"Old": [], "Parked": [B], "Sales": []}
        await office.numbers.undo(run)
        assert office.groups() == {"Old": [B], "Parked": [], "Sales": [B]}
    else:
        assert "it is in several groups (Old, Sales)" in came["held"][0]["because"]
        assert [one.what for one in await office.numbers.drift()] == [
            "declared, and not there: Parked, Main",
            f"in several groups: {B}",
        ]
    await office.stop()


async def test_a_number_with_a_live_call_is_moved_afterwards(office):
    await office.numbers.plan()
    await office.sandbox.phone.ring("missed", caller="+13125550101", number=B, at=NOW - 30, webhook=False)
    office.sandbox._world.state.run("UPDATE calls SET status = 'in-progress'")
    came = await office.numbers.apply()
    assert (came["state"], "a call is live" in came["why"]) == ("applying", True)
    assert B in office.groups()["Sales"]
    office.sandbox._world.state.run("UPDATE calls SET status = 'completed'")
    await office.numbers.step()
    assert office.groups()["Parked"] == [B, C]


async def test_an_api_that_lags_behind_ends_well(tmp_path):
    office = await Office(tmp_path, sandbox=SandboxSettings(group_lag=0.3, several_groups=True)).start()
    office.sandbox.add_number(B, "B", group="Sales")
    await office.numbers.plan()
    came = await office.numbers.apply()
    assert (came["state"], "does not show" in came["why"] or "still shows" in came["why"]) == ("applying", True)
    for _ in range(10_000):
        if (await office.numbers.told(came["run"]))["state"] == "done":
            break
        await office.numbers.step()
    assert office.groups() == {"Parked": [B], "Sales": []}
    await office.stop()


async def test_drift_says_what_is_not_as_declared(office):
    said = {one.what for one in await office.numbers.drift()}
    assert said == {
        "declared, and not there: Parked",
        f"{A} is in Sales, belongs in Main, {B} is in Sales, belongs in Parked, {C} is in Sales, belongs in Parked",
    }
    await office.numbers.plan()
    await office.numbers.apply()
    assert await office.numbers.drift() == ()


async def test_drift_is_told_from_a_ledger_that_is_only_read(office, tmp_path):
    reader = SqliteStore(tmp_path / "relay.db", read_only=True)
    said = await drift_now(reader, office.phone, office.book, office.now)
    await reader.close()
    assert said[0].what == "declared, and not there: Parked"
