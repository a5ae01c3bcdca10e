"""On a disk that is full, what is owed is still written down and nothing new is taken in; it ends once there is room.

These run inside a namespace of their own, where a disk can be made small: see test_full_disk.py.
"""

import os
import shutil
from pathlib import Path

import pytest

from relay.errors import StoreBusy
from relay.intake import merge
from relay.models import Attempt, State
from relay.store import Settlement, Want
from relay.store.sqlite import Ballast, SqliteStore
from relay.store.sqlite.backup import back_up
from tests.store.ledger import DAY, NOW, accept, event, nobody_waits, nothing_owed, owe, owed, plan

BODY = b"x" * 4000
KILOBYTE, MEGABYTE = 2**10, 2**20


class SmallDisk:
    """The tmpfs that SMALL_DISK names, and a file that fills it."""

    def __init__(self, folder):
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, leave=0):
        """Leave so many bytes free, to the page."""
        left = self.free - leave
        with self._filler.open("ab") as file:
            while left > 0:
                left -= file.write(bytes(min(left, MEGABYTE)))

    def clear(self):
        self._filler.unlink(missing_ok=True)

    @property
    def free(self):
        """Bytes."""
        return shutil.disk_usage(self.folder).free


@pytest.fixture
def disk():
    folder = Path(os.environ["SMALL_DISK"])
    yield SmallDisk(folder)
    for left in folder.iterdir():
        left.unlink()


@pytest.fixture
async def store(disk):
    path = disk.folder / "relay.db"
    it = SqliteStore(path, ballast=Ballast(path))
    yield it
    await it.close()


async def fill_up(store, disk):
    """Take in events until the disk is full; answers those that were acknowledged."""
    disk.fill(leave=200 * KILOBYTE)
    acked = []
    for number in range(5000):
        try:
            acked.append((await store.accept(event(f"full-{number}"), BODY, merge)).event)
        except StoreBusy:
            return acked
    raise AssertionError("the disk was never full")


async def test_nothing_new_is_taken_in_while_the_disk_is_full_and_what_was_sent_is_written_down(store, disk):
    await owe(store, *(owed(f"d{number}") for number in range(50)))
    taken = (await store.claim({"team": Want(50)}, now=NOW)).claimed
    acked = await fill_up(store, disk)
    sent = [
        Settlement(one.delivery.moved(State.DELIVERED, tries=1), Attempt(one.delivery.id, 1, NOW, 0.1, "delivered", ""))
        for one in taken
    ]
    assert await store.settle(sent, nobody_waits) == 50
    assert await store.states() == {"delivered": 50}
    assert store.strained is not None
    assert store.broken is None
    assert set(acked) <= {one.id for one in await store.events(limit=9999)}


async def test_it_is_over_once_there_is_room(store, disk, until):
    await fill_up(store, disk)
    assert not (disk.folder / "relay.db.ballast").exists()
    disk.clear()

    async def taken_again():
        try:
            return await store.accept(event("later"), BODY, merge)
        except StoreBusy:
            await store.claim({}, now=NOW)
            return None

    await until(taken_again)
    assert store.strained is None
    assert (disk.folder / "relay.db.ballast").exists()


async def test_what_is_old_can_be_deleted_although_the_disk_is_full(store, disk):
    """Deleting writes to the log before it frees a page."""
    for number in range(200):
        await accept(store, event(f"old-{number}", at=NOW - 900 * DAY))
    await plan(store, nothing_owed, now=NOW, limit=200)
    await fill_up(store, disk)
    pruned = await store.prune("events", before=NOW - 800 * DAY, limit=500)
    assert pruned.rows == 200


async def test_a_process_that_was_killed_on_a_full_disk_can_be_started_again(store, disk):
    path = disk.folder / "relay.db"
    await store.accept(event("kept"), BODY, merge)
    await store.close()
    assert not (disk.folder / "relay.db.ballast").exists()
    assert Ballast(path).take()
    disk.fill()
    again = SqliteStore(path, ballast=Ballast(path))
    assert [one.key for one in await again.events(limit=9)] == ["kept"]
    await again.close()


async def test_without_room_to_spare_there_is_no_ballast(disk):
    disk.fill(leave=MEGABYTE)
    ballast = Ballast(disk.folder / "relay.db")
    assert not ballast.take()
    assert not ballast.held
    assert not ballast.drop()


async def test_a_copy_that_has_no_room_is_told_as_that_and_leaves_nothing(store, disk):
    await accept(store, *(event(f"call-{number}") for number in range(200)))
    disk.fill(leave=20 * KILOBYTE)
    with pytest.raises(OSError, match="No space left"):
        back_up(disk.folder / "relay.db", disk.folder, NOW)
    assert not list(disk.folder.glob("*.part"))
