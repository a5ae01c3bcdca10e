"""What several parts of the tests start: a ledger in a file, a clock that stands still, a sink, a patient look."""

import asyncio
import gc
import ipaddress
import logging
import os
import shutil
import time
from pathlib import Path

import pytest
import structlog
from coverage import Coverage
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from relay.http import Http, Network
from relay.standins import SinkStandIn
from relay.store.postgres import PostgresStore
from relay.store.sqlite import SqliteStore
from tests import forked
from tests.patience import PATIENCE
from tests.postgres import Server, drop_database, empty, make_database, named_programs

# No test is timed, and the same examples are drawn each time: what a loaded machine does slowly is still right, and a
# run can be had again. `--hypothesis-profile=search` looks for new ones.
hypothesis_settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile(
    "relay", hypothesis_settings.get_profile("search"), derandomize=True, database=None
)
hypothesis_settings.load_profile("relay")

gc.disable()  # what is imported and collected stays; see `pytest_collection_finish`


def pytest_configure(config):
    """Watch the tests alone for coverage, not who hands them out, nor programs that they start; write into memory.

    No test is about a disk that it has not bent itself, so what they write is kept in memory where there is room.
    """
    watching, hands_out = Coverage.current(), config.getoption("numprocesses", None)
    if hands_out:
        gc.enable()
        forked.open_door()
    if watching and hands_out:
        watching.stop()
    elif watching:
        watch_no_programs()
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def watch_no_programs():
    """Programs that are started from here on are not watched; whenever coverage starts, it says otherwise."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_collection_modifyitems(items):
    """What takes longest comes first at two workers: they steal from each other's ends, and none stays there."""
    at_first, half_way, others = [], [], []
    for item in items:
        later = half_way if item.nodeid.startswith(HALF_WAY) else others
        (at_first if item.nodeid.startswith(AT_FIRST) else later).append(item)
    middle = len(items) // 2 - len(at_first)
    items[:] = [*at_first, *others[:middle], *half_way, *others[middle:]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Long searches are not watched for coverage: they go the same ways many times, which other tests went before."""
    watching = None if SEARCHES.isdisjoint(vars(item.module)) else Coverage.current()
    if watching is None:
        return (yield)
    watching.stop()
    try:
        return (yield)
    finally:
        watching.start()
        watch_no_programs()


def pytest_collection_finish(session):
    """Whatever stands now stays to the end: no collection of garbage looks at it again, and each waits for more.

    Looked for as often as Python does by itself, garbage took 12 % of a worker's time; so it takes 4 %.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


# Where the relay has not set up logging, a trace is drawn with every local variable, at sixty times the cost.
structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback

AT_FIRST = "tests/crash/"
HALF_WAY = (
    "tests/faults/test_io_errors.py",
    "tests/moving/test_turn.py",
    "tests/test_demo.py",
    "tests/test_hostile.py",
)
"""As much again of slow disks, leases, a day that is played, and one test of every sink."""
SEARCHES = {"sized", "SINKS"}
"""What a file of long searches imports, as tests/soak/soak_searches.py finds them."""
ROOM = 2**31
"""Bytes that the files of a whole run find room in, with much to spare."""
MONDAY = 1772467200.0
"""2026-03-02 10:00 in Chicago."""


class Clock:
    """Stands still unless moved."""

    def __init__(self, now=MONDAY):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def loopback():
    return Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True)


@pytest.fixture
async def http(loopback):
    """A client that reaches this machine, unencrypted too."""
    it = Http(loopback)
    yield it
    await it.close()


@pytest.fixture
async def ledger(tmp_path):
    store = SqliteStore(tmp_path / "relay.db")
    yield store
    await store.close()


@pytest.fixture
async def sink():
    it = SinkStandIn()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def quiet():
    """Puts logging back as it was: commands set it up for a process of their own."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def until():
    """Comes back once something is true, looking often; an answer that never comes fails the test."""

    async def look(true, seconds=PATIENCE):
        start = time.monotonic()
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            waited = time.monotonic() - start
            assert waited < seconds, "it never came true"
            await asyncio.sleep(min(0.005 + waited / 10, 0.05))

    return look


@pytest.fixture
def call():
    """A webhook's body in the vendor's shape."""

    def body(**fields):
        return {
            "event": "call.missed",
            "call_id": "c-0001",
            "direction": "inbound",
            "status": "no-answer",
            "caller_number": "+13125550101",
            "caller_name": "Dana Example",
            "tracking_number": "+13125550142",
            "destination_number": "+13125550167",
            "duration_seconds": 0,
            "call_flow_name": "Google Ads",
            "recording_url": None,
            "transcription": None,
            "ai_score": None,
            "created_at": "2026-03-02T15:58:00Z",
            **fields,
        }

    return body


@pytest.fixture(scope="session")
def postgres_server():
    """The address of a PostgreSQL server for the whole session: the one of RELAY_TEST_POSTGRES, or one of our own."""
    given = os.environ.get("RELAY_TEST_POSTGRES")
    if given and named_programs() is None:
        yield given
        return
    server = Server()
    server.start()
    yield server.url()
    server.remove()


@pytest.fixture(scope="session")
def postgres_ledger(postgres_server):
    """The address of a ledger in PostgreSQL that the whole session uses, one test after another."""

    async def make():
        url = await make_database(postgres_server)
        store = await PostgresStore.open(url)
        await store.close()
        return url

    url = asyncio.run(make())
    yield url
    asyncio.run(drop_database(url))


@pytest.fixture
async def postgres(postgres_ledger):
    """The address of an empty ledger in PostgreSQL."""
    await empty(postgres_ledger)
    return postgres_ledger
