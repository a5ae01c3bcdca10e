"""Who is woken by what another relay on the same PostgreSQL wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.models import State
from relay.store.nodes import Node
from relay.store.postgres import PostgresStore
from relay.store.postgres.bell import Later, place_in
from tests.store.ledger import (
    NOW,
    claimed,
    owe,
    owed,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


@pytest.fixture
async def hands(postgres: str) -> AsyncIterator[list[PostgresStore]]:
    """Three relays' stores on one database, which say that they plan and send."""
    stores = [await PostgresStore.open(postgres) for _ in range(3)]
    for store in stores:
        now = store.clock()
        await store.report(Node(store.node, "a.example", 1, "0", "c", "worker", now), [], now=now, lease=9)
    yield stores
    for store in stores:
        await store.close()


async def listening(stores: Sequence[PostgresStore], until: Any) -> list[int]:
    """Everybody listens; what is answered grows by the place of each one that is called."""
    heard: list[int] = []
    for place, store in enumerate(stores):
        store.on_call(lambda place=place: heard.append(place))
    await until(lambda: sorted(heard) == list(range(len(stores))))  # each is called once when it begins to listen
    heard.clear()
    return heard


async def test_what_a_relay_writes_down_wakes_nobody_else(two: tuple[PostgresStore, PostgresStore], until: Any):
    heard = await listening(two, until)
    await owe(two[0], owed("one"))
    (one,) = await claimed(two[0])
    await settle(two[0], one, State.DELIVERED)
    two[1].call_others()
    await until(lambda: heard)

    assert heard == [0]


async def test_a_call_wakes_two_of_those_that_plan_and_send_and_lets_the_others_sleep(
    postgres: str, hands: list[PostgresStore], until: Any
):
    door = await PostgresStore.open(postgres)
    await door.report(Node(door.node, "b.example", 1, "0", "c", "intake", NOW), [], now=door.clock(), lease=9)
    heard = await listening([*hands, door], until)
    door.call_others()
    await until(lambda: len(heard) == 2)

    assert len(set(heard)) == 2
    assert 3 not in heard
    await door.close()


async def test_a_call_about_what_one_does_for_all_names_that_one_first(
    two: tuple[PostgresStore, PostgresStore], hands: list[PostgresStore], until: Any
):
    now = hands[2].clock()
    await hands[2].report(Node(hands[2].node, "a.example", 1, "0", "c", "worker", now), ["a duty"], now=now, lease=60)
    heard = await listening(hands, until)
    for _ in range(6):
        two[0].call_others("a duty")
        await until(lambda: len(heard) == 2)
        assert heard[0] == 2
        heard.clear()


async def test_a_relay_that_calls_is_not_among_those_that_are_called(hands: list[PostgresStore], until: Any):
    heard = await listening(hands, until)
    hands[0].call_others()
    await until(lambda: sorted(heard) == [1, 2])


async def test_where_nobody_is_known_everybody_else_is_called(two: tuple[PostgresStore, PostgresStore], until: Any):
    heard = await listening(two, until)
    two[0].call_others()
    await until(lambda: heard)

    assert heard == [1]


async def test_one_that_calls_and_ends_at_once_is_heard(
    postgres: str, two: tuple[PostgresStore, PostgresStore], until: Any
):
    heard = await listening(two[:1], until)
    command = await PostgresStore.open(postgres)
    command.call_others()
    await command.close()
    await until(lambda: heard, 30)


def test_a_call_of_an_earlier_version_says_who_calls():
    assert (place_in("one", "one"), place_in("one", "two")) == (None, 0)
    assert [place_in("to:one,two", name) for name in ("one", "two", "three")] == [0, 1, None]


async def test_a_second_call_within_a_moment_is_passed_on_with_the_first(until: Any):
    heard: list[int] = []
    later = Later(lambda: heard.append(1))
    later.call()
    later.call()
    assert heard == []
    await until(lambda: heard)
    later.call()
    await until(lambda: len(heard) == 2)
