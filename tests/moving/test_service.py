"""Numbers beside a service that runs: what it takes up at its start, what it knows of its own absence."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from connectors.table import CONNECTORS
from relay.app import App
from relay.models import Change, NumberRun, Regroup
from relay.rules import HISTORY
from relay.sandbox import Sandbox
from relay.settings import read_settings
from relay.store.sqlite import SqliteStore
from tests.moving.office import DAY, KEY, number

ONE, TWO = number(142), number(143)
FILE = """\
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{base_url: "{url}/api/v1", backfill: {{every: {every}}}}}
groups:
  - {{name: Parked, if: {{number.calls_30d: 0}}}}
  - {{name: Main, default: true}}
regroup: {{max_changes: 1}}
"""


@pytest.fixture
async def sandbox():
    it = Sandbox(key=KEY, sample=False)
    for one in (ONE, TWO):
        it.add_number(one, one, group="Sales")
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def service(tmp_path, sandbox):
    """A relay that was last heard of an hour ago."""
    started = []

    async def start(prepare=None, key=KEY, every="1h"):
        file = tmp_path / "relay.yaml"
        file.write_text(FILE.format(url=sandbox.url, every=every))
        settings = read_settings(
            file, CONNECTORS, {"RELAY_HOOK_SECRET": "false-secret-0001", "CALLSCALER_API_KEY": key}
        )
        store = SqliteStore(tmp_path / "relay.db")
        await store.set_mark(HISTORY, time.time() - 40 * DAY)
        await store.set_mark("backfill_mark", time.time() - 3600)
        await store.alive(now=time.time() - 3600)
        if prepare is not None:
            await prepare(store)
        app = App(settings, store, CONNECTORS)
        started.append(app)
        await app.start()
        return app

    yield start
    for app in started:
        await app.stop()


async def test_an_hour_of_absence_is_unknown_until_its_calls_were_fetched(service, sandbox, until):
    sandbox.faults.next("GET", "/calls", "500", times=99)
    app = await service(every="1s")
    await until(lambda: app.planner.book.about.outages)
    came = await app.deeds.do("numbers-plan", {})
    assert came["moves"] == []
    assert "an outage from" in came["held"][0]["because"]
    sandbox.faults.calm()

    async def filled():
        return await app.store.outages(now=time.time()) == ()

    await until(filled)
    assert {move["to"] for move in (await app.deeds.do("numbers-plan", {}))["moves"]} == {"Parked"}


async def test_a_run_that_was_left_half_way_is_ended_by_the_next_start(service, sandbox, until):
    async def left(store):
        now = time.time()
        run = NumberRun("run_left", "plan", "groups and rules", now, "applying", moves=1)
        step = Regroup(number=ONE, to="Parked", create=True, expected=["Sales"])
        change = Change("run_left-0", run.id, ONE, "regroup", step.model_dump(), "silent", to="Parked", at=now)
        await store.add_run(run, [replace(change, state="under_way")])

    app = await service(left)

    async def done():
        return (await app.store.number_run("run_left")).state == "done"

    await until(done)
    assert (sandbox.members("Parked"), sandbox.members("Sales")) == ([ONE], [TWO])


async def test_what_is_approved_beside_a_service_is_carried_out_by_it(service, sandbox, until):
    app = await service()

    async def filled():
        return await app.store.outages(now=time.time()) == ()

    await until(filled)
    run = (await app.deeds.do("numbers-plan", {}))["run"]
    assert (await app.deeds.do("numbers-apply", {}))["state"] == "asking"
    approved = await app.deeds.do("numbers-approve", {"run": run})
    assert (approved["state"], approved["why"]) == ("approved", "")  # whoever approves it waits for its end

    async def done():
        return (await app.store.number_run(run)).state == "done"

    await until(done)
    assert sandbox.members("Parked") == [ONE, TWO]
    assert (await app.store.number_run(run)).answered_by == "the command line, on the ledger itself"
    assert (await app.deeds.do("numbers-approve", {"run": run}))["refused"] == f"{run} is done and asks nothing"
