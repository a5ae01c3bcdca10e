"""Relays on one PostgreSQL, felled, frozen and cut off: nothing is lost, and nobody is texted twice."""

import json

import pytest

from tests.crash.cluster import try_cluster
from tests.postgres import Server

FAULTS = 10


@pytest.fixture
def server():
    """A server of its own, whose commits reach the disk: it is felled."""
    it = Server(synced=True)
    it.start()
    yield it
    it.remove()


async def test_ten_faults_among_three_relays_and_their_server_lose_nothing(tmp_path, server):
    found = await try_cluster(tmp_path, server, seed=11, faults=FAULTS)

    assert found.good, json.dumps(found.public())
    assert found.texts > 20
    assert sum(found.faults.values()) >= FAULTS
