"""Three relays on one PostgreSQL, killed, frozen beyond their leases, cut off, and the server felled."""

import json

import pytest

from tests.crash.cluster import try_cluster
from tests.postgres import Server

FAULTS = 60


@pytest.fixture
def server():
    it = Server(synced=True)
    it.start()
    yield it
    it.remove()


@pytest.mark.parametrize("seed", [41, 42])
async def test_sixty_faults_among_three_relays_and_their_server_lose_nothing(tmp_path, server, seed):
    found = await try_cluster(tmp_path, server, seed=seed, faults=FAULTS)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good
