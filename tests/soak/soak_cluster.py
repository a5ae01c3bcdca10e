"""Two hundred faults among three relays, the wires to their PostgreSQL, and the server itself."""

import json

import pytest

from tests.crash.cluster import try_cluster
from tests.postgres import Server

FAULTS = 100


@pytest.fixture
def server():
    it = Server(synced=True)
    it.start()
    yield it
    it.remove()


@pytest.mark.parametrize("seed", [21, 22])
async def test_a_hundred_faults_lose_nothing_and_text_nobody_twice(tmp_path, server, seed):
    found = await try_cluster(tmp_path, server, seed=seed, faults=FAULTS)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good
