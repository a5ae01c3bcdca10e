"""A relay whose server fails over, or whose wire breaks between a commit and its answer, as a sender sees it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from relay.store.postgres import PostgresStore
from tests.crash.cluster import Sharer
from tests.crash.proxy import Proxy
from tests.crash.relays import SECRET
from tests.crash.trial import owed
from tests.crash.world import World, calm_world
from tests.postgres import Server, commits_wait_for_a_standby, database_of, make_database, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with calm_world() as it:
        yield it


@pytest.fixture
def primary() -> Iterator[Server]:
    with serving(synced=True) as it:
        yield it


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    with serving(synced=True, follows=primary) as it:
        yield it


async def post(relay: Sharer, place: int) -> tuple[int, dict[str, Any]]:
    """A missed call of a person of its own; answers the status and the body."""
    body = {
        "event": "call.missed",
        "call_id": f"c-{place}",
        "caller_number": f"+1312555{100 + place:04d}",
        "tracking_number": "+13125550199",
    }
    async with (
        aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
        session.post(relay.door, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_a_failover_is_503_until_promotion_and_what_was_acknowledged_is_known(
    tmp_path: Path, world: World, primary: Server, standby: Server, until: Any
):
    await commits_wait_for_a_standby(primary, until)
    url = await make_database(primary.url())
    relay = Sharer(
        tmp_path / "relay", world, url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/")
    )
    await relay.open()
    await relay.start()
    status, first = await post(relay, 1)
    assert status == 202
    await asyncio.to_thread(primary.stop, "immediate")
    assert (await post(relay, 2))[0] == 503
    await asyncio.to_thread(standby.promote)

    async def accepted() -> bool:
        return (await post(relay, 2))[0] == 202

    await until(accepted)
    assert await post(relay, 1) == (200, {**first, "duplicate": True})
    ledger = await PostgresStore.open(database_of(standby.url(), url.rpartition("/")[2]), read_only=True)

    async def settled() -> bool:
        return not await owed(ledger)

    await until(settled)
    assert (await ledger.balance()).wrong is None
    await ledger.close()
    assert await relay.end(signal.SIGTERM) == 0
    await relay.close()
    assert min(world.crm.calls[call] for call in ("c-1", "c-2")) >= 1
    assert max(world.texted.values(), default=0) <= 1
    assert relay.wrong == []


async def test_a_commit_whose_answer_is_lost_is_503_and_its_repeat_has_the_first_id(
    tmp_path: Path, world: World, primary: Server, until: Any
):
    url, proxy = await make_database(primary.url()), Proxy(primary.port)
    await proxy.start()
    relay = Sharer(tmp_path / "relay", world, url.replace(f":{primary.port}/", f":{proxy.port}/"))
    await relay.open()
    await relay.start()
    ledger = await PostgresStore.open(url, read_only=True)
    unheard: list[tuple[int, str]] = []
    for place in range(1, 500):  # the relay commits for itself, too: the commit that is cut off need not be a sender's
        proxy.cut_after_commits(1)
        if (await post(relay, place))[0] == 503:
            found = await ledger.events(limit=1)
            unheard = [(place, one.id) for one in found if one.call["id"] == f"c-{place}"]
        if unheard:
            break

    async def known() -> dict[str, Any] | None:
        status, said = await post(relay, unheard[0][0])
        assert status in {200, 503}
        return said if status == 200 else None

    assert await until(known) == {"event": unheard[0][1], "duplicate": True}
    assert proxy.broken >= 1
    await ledger.close()
    assert await relay.end(signal.SIGTERM) == 0
    await relay.close()
    await proxy.stop()
    assert relay.wrong == []
