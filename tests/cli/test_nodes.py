import asyncio
from dataclasses import replace

import pytest

from relay.store.nodes import Node
from relay.store.postgres import PostgresStore
from relay.store.sqlite import SqliteStore


async def report(url, *nodes):
    store = await PostgresStore.open(url)
    now = store.clock()
    for node in nodes:
        await store.report(replace(node, started_at=now), ["clock"], now=now - node.lag, lease=20)
    await store.close()


def node(name, config="c1", *, silent=0.0):
    return Node(name, f"{name}.example", 7, "0.1.0", config, "intake, worker", 0.0, lag=silent)


def test_who_lives_and_who_is_gone_is_listed_with_what_each_holds(run, postgres):
    asyncio.run(report(postgres, node("one"), node("two", silent=90.0)))
    told = run("nodes", "--json", "--store", postgres).json
    ran = run("nodes", "--store", postgres, COLUMNS="200")

    assert {one["id"]: (one["lives"], one["holds"]) for one in told["nodes"]} == {
        "one": (True, ["clock"]),
        "two": (False, []),
    }
    assert told["same_config"]
    assert "gone since" in ran.out
    assert not ran.err


@pytest.mark.parametrize(("silent", "lives"), [(80.0, True), (100.0, False)])
def test_a_relay_with_a_file_to_itself_speaks_rarely_and_lives(run, folder, silent, lives):
    async def fill():
        store = SqliteStore(folder / "relay.db")
        await store.report(node("one"), [], now=store.clock() - silent, lease=20)
        await store.close()

    asyncio.run(fill())
    assert [one["lives"] for one in run("nodes", "--json").json["nodes"]] == [lives]


def test_relays_that_run_different_files_are_told(run, postgres):
    asyncio.run(report(postgres, node("one"), node("two", "c2")))

    assert not run("nodes", "--json", "--store", postgres).json["same_config"]
    assert "different configurations" in run("nodes", "--store", postgres).err
