"""Who shares the ledger, on the page of connectors."""

from dataclasses import replace

import pytest

from relay.store.nodes import Node
from relay.store.postgres import PostgresStore
from tests.dashboard.conftest import TOKEN, VIEW, start

OTHER = Node("other", "other.example", 7, "0.1.0", "c9", "worker", 0.0, lag=3.0)


@pytest.fixture
async def shared(tmp_path, sink, postgres):
    store = await PostgresStore.open(postgres)
    tokens = {"RELAY_ADMIN_TOKEN": TOKEN, "RELAY_VIEW_TOKEN": VIEW}
    async with start(tmp_path, sink.url, tokens, store=store) as it:
        yield it


@pytest.mark.parametrize("token", [TOKEN, VIEW])
async def test_relays_that_live_and_one_that_is_gone_are_shown_with_what_they_do(shared, until, token):
    store = shared.app.store
    await store.report(replace(OTHER, started_at=store.clock()), ["a duty"], now=store.clock(), lease=3600)
    await store.report(replace(OTHER, id="gone", host="gone.example"), [], now=store.clock() - 90, lease=20)

    async def beaten():
        return len((await shared.api("/api/nodes"))["nodes"]) == 3

    await until(beaten)
    answer, text = await shared.get("/connectors", token)
    assert answer.status == 200
    assert "different configurations" in text
    assert "other.example" in text
    assert "a duty" in text
    assert text.count("gone since") == 1
    told = await shared.api("/api/nodes")
    assert {one["host"]: one["lives"] for one in told["nodes"]}["gone.example"] is False
    assert not told["same_config"]


async def test_a_relay_with_a_file_to_itself_shows_no_others(house):
    _, text = await house.get("/connectors")
    assert "Relays" not in text
