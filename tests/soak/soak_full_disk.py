"""The disk is full for a minute in the middle of a load: 503s, then everything owed arrives, and the file is sound."""

import asyncio
import json
import random
import shutil
import time

import aiohttp

from tests.crash.load import Load
from tests.crash.relays import Relays
from tests.crash.trial import Reckoning, reckon
from tests.crash.world import World

MOUNT = 'mount -t tmpfs -o size=64m none "$1" && shift && exec "$@"'
FULL, BEFORE, AFTER = 60.0, 15.0, 30.0
DRAIN_MOST = 120.0


async def owed(relays):
    """How many deliveries are not settled, by the relay's own figures."""
    async with aiohttp.ClientSession() as session, session.get(f"{relays.admin}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    open_states = ("due", "waiting", "held", "sending", "unknown")
    depths = [line for line in lines if line.startswith("relay_queue_depth{")]
    return sum(float(line.split()[-1]) for line in depths if line.split('"')[1] in open_states)


def fill_up(folder):
    """Write until nothing more fits; the file grows each time that somebody gives room back."""
    with (folder / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            return


async def test_a_disk_that_is_full_for_a_minute(tmp_path):
    dice = random.Random(31)  # noqa: S311 - the same in every run
    world = World(dice, 31)
    await world.start()
    disk = tmp_path / "disk"
    disk.mkdir()
    under = ("unshare", "-Urm", "sh", "-c", MOUNT, "sh", str(disk))
    relays = Relays(tmp_path, world, store="sqlite:///disk/relay.db", under=under)
    load = Load(relays, dice, pause=0.5)
    try:
        await relays.open()
        await relays.start()
        inside = relays.inside / str(disk).lstrip("/")
        load.start()
        await asyncio.sleep(BEFORE)
        before = len(load.acked)
        await asyncio.to_thread(fill_up, inside)
        await asyncio.sleep(FULL)
        during, refused = len(load.acked) - before, load.refused
        (inside / "filler").unlink()
        freed = time.monotonic()
        while len(load.acked) <= before + during:
            assert time.monotonic() - freed < AFTER
            await asyncio.sleep(0.05)
        recovered = time.monotonic() - freed
        await asyncio.sleep(AFTER)
        await load.stop()
        world.calm()
        end = time.monotonic() + DRAIN_MOST
        while await owed(relays) and time.monotonic() < end:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.5)
        code = await relays.end(15)
        shutil.copy(inside / "relay.db", tmp_path / "relay.db")
    finally:
        await relays.close()
        await world.stop()
    found = Reckoning(31, None)
    found.wrong += [*relays.wrong, *load.wrong]
    await reckon(found, tmp_path / "relay.db", load, world)
    figures = {"before": before, "acked_while_full": during, "refused": refused, "recovered_s": round(recovered, 2)}
    print(json.dumps(figures | found.public()))  # noqa: T201 - the figures are what a soak is for
    assert code == 0
    assert refused > 100
    assert found.good
