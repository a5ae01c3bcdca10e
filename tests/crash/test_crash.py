"""Relays killed in the middle of everything, and relays broken on purpose, which must be found out."""

import json
import os
import shutil
import signal
import subprocess
import sys

import aiohttp
import pytest

from relay import failpoints
from relay.store.sqlite import SqliteStore
from tests.crash.mutants import MUTANTS
from tests.crash.relays import ROOT, SECRET, Relays
from tests.crash.trial import owed, try_out
from tests.crash.world import calm_world
from tests.patience import HUNG
from tests.sized import sized

KILLS, TEXTS = sized(8, 40), sized(25, 100)
PAUSE = sized(10, 3) / 10
SENT = {"text_begun": {0}, "text_leaving": {0}, "text_settled": {0, 1}}
"""Texts that leave although the relay dies there; what was marked as sending is not sent again. Elsewhere one."""
FSYNC_ACKS = 50
ACCEPT = """
import asyncio, pathlib, sys
from tests.crash.mutants import MUTANTS
if sys.argv[2:]: MUTANTS[sys.argv[2]].apply()
from relay.intake import merge
from relay.store.sqlite import SqliteStore
from tests.store.ledger import event
async def main():
    store = SqliteStore(pathlib.Path(sys.argv[1]))
    print("open", flush=True)
    for number in range(%d):
        await store.accept(event(f"call-{number}"), b"{}", merge)
    print("done", flush=True)
    await store.close()
asyncio.run(main())
"""


async def test_kills_lose_nothing_and_text_nobody_twice(tmp_path):
    found = await try_out(tmp_path, seed=11, kills=KILLS, pause=PAUSE, texts=TEXTS)
    assert found.good, json.dumps(found.public())
    assert found.texts >= TEXTS
    assert sum(found.faults.values()) >= KILLS


async def test_bad_network_between_all_parts_loses_nothing_and_texts_nobody_twice(tmp_path):
    found = await try_out(tmp_path, seed=21, kills=2, weather=float(sized(3, 20)))
    assert found.good, json.dumps(found.public())
    assert set(found.network) == {"relay", "crm", "phone"}
    assert {"reset", "slices", "late"} <= set().union(*found.network.values())
    assert found.files < 200


async def test_a_relay_that_answers_before_it_has_written_is_found_out(tmp_path):
    found = await try_out(tmp_path, seed=11, kills=3, mutant="ack_before_commit")
    assert found.lost, json.dumps(found.public())


def fsyncs_of_fifty_acks(tmp_path, *mutant):
    """How many writes of fifty acknowledged events were forced to the disk, as the kernel saw it."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the kernel cannot be asked what was forced to the disk")
    trace = tmp_path / "trace"
    subprocess.run(
        [
            *(strace, "-f", "-e", "trace=fsync,fdatasync,write", "-s", "8", "-o", str(trace)),
            *(sys.executable, "-c", ACCEPT % FSYNC_ACKS, str(tmp_path / "relay.db"), *mutant),
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        timeout=HUNG,
    )
    lines = trace.read_text().splitlines()
    first = next(place for place, line in enumerate(lines) if 'write(1, "open' in line)
    last = next(place for place, line in enumerate(lines) if 'write(1, "done' in line)
    return sum("sync(" in line for line in lines[first:last])


def test_every_acknowledged_event_was_forced_to_the_disk(tmp_path):
    assert fsyncs_of_fifty_acks(tmp_path) >= FSYNC_ACKS


def test_a_ledger_that_does_not_wait_for_the_disk_is_found_out(tmp_path):
    assert MUTANTS["synchronous_off"].caught == "fsyncs"
    assert fsyncs_of_fifty_acks(tmp_path, "synchronous_off") < FSYNC_ACKS


@pytest.fixture
async def world():
    async with calm_world() as it:
        yield it


@pytest.fixture
async def relays(tmp_path, world):
    it = Relays(tmp_path, world, settle="1s")
    await it.open()
    yield it
    await it.close()


@pytest.mark.parametrize("place", [*failpoints.WEBHOOK, *failpoints.TEXT, "text_accepted"])
async def test_a_relay_that_dies_at_this_edge_texts_once_at_most_and_forgets_nothing(relays, world, post, until, place):
    armed = {} if place == "text_accepted" else {"RELAY_FAILPOINT": f"{place}:kill"}
    world.accepted = (lambda: relays.signal(signal.SIGKILL)) if not armed else lambda: None
    await relays.start()
    assert await relays.end(signal.SIGTERM) == 0  # a start of its own writes, too: only later ones strike
    await relays.start()
    assert await relays.end(signal.SIGKILL) == -signal.SIGKILL
    await relays.start(armed)
    acked = relays.url and await post("c-1")
    assert await relays.end(None) == -signal.SIGKILL
    world.accepted = lambda: None
    await relays.start()
    if not acked:
        assert await post("c-1")
    ledger = SqliteStore(relays.ledger, read_only=True)

    async def settled():
        return world.crm.calls["c-1"] and not await owed(ledger)

    await until(settled)
    await ledger.close()
    assert world.texted.total() in SENT.get(place, {1})
    assert await relays.end(signal.SIGTERM) == 0


@pytest.fixture
def post(relays):
    async def send(call):
        body = {"event": "call.missed", "call_id": call, "caller_number": "+13125550101"}
        body["tracking_number"] = "+13125550142"
        try:
            async with (
                aiohttp.ClientSession(headers={"X-Relay-Secret": SECRET}) as session,
                session.post(relays.url, json=body) as answer,
            ):
                return answer.status in {200, 202}
        except (aiohttp.ClientError, ValueError):
            return False

    return send
