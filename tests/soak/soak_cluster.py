"""Two hundred faults among three relays, the wires to their PostgreSQL, and the server itself, in one run."""

import json

import pytest

from tests.crash.cluster import try_cluster
from tests.postgres import serving

FAULTS = 200
LONG_FREEZES = 4
USEFUL = 30.0
"""Seconds within which a relay takes calls again, whatever was done to it."""


@pytest.fixture
def server():
    with serving(synced=True) as it:
        yield it


async def test_two_hundred_faults_lose_nothing_text_nobody_twice_and_every_relay_is_soon_of_use(tmp_path, server):
    found = await try_cluster(tmp_path, server, seed=21, faults=FAULTS, long_freezes=LONG_FREEZES)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good
    assert sum(found.faults.values()) == FAULTS
    assert found.faults["freeze of a minute"] == LONG_FREEZES
    assert 0 < found.useless < USEFUL
