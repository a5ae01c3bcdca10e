"""Two relays on one PostgreSQL, killed, stopped beyond their leases, and the server with them."""

import json

import pytest

from tests.crash.fleet import try_many
from tests.postgres import Server, make_database

KILLS = 60


@pytest.fixture
def server():
    it = Server()
    it.start()
    yield it
    it.remove()


@pytest.mark.parametrize("seed", [41, 42])
async def test_a_fleet_loses_nothing_and_texts_nobody_twice(tmp_path, server, seed):
    url = await make_database(server.url())
    found = await try_many(tmp_path, server, url, seed=seed, kills=KILLS)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good
