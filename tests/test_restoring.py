"""The drill that a backup is for: put back, it is sound and whole, goes on with what it owes, and texts nobody."""

import shutil

import pytest

from relay.intake import Intake
from relay.metrics import Metrics
from relay.replies import Replies
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.backup import back_up, verify
from tests.rules.shop import DANA
from tests.texted import AT_ONCE, BOB, worlds
from tests.working import Phone, Service, made

RULE = [{"text": "caller", "body": "Sorry we missed you."}]
SEND = [{"send": "desk"}]


@pytest.fixture
async def later(tmp_path):
    """Opens the ledger of a folder as a process started later does."""
    opened = []

    def open_(folder):
        opened.append(SqliteStore(folder / "relay.db"))
        return opened[-1]

    yield open_
    for store in opened:
        await store.close()


async def put_back(ledger, tmp_path, clock):
    """A copy made now, proved, and put where a new machine looks for it."""
    copy = back_up(ledger.path, tmp_path / "copies", clock())
    (tmp_path / "new").mkdir()
    shutil.copy(copy.file, tmp_path / "new" / "relay.db")
    assert verify(copy.file, thorough=True).wrong == ()
    return copy


async def test_a_backup_put_back_is_whole_and_texts_nobody_again(ledger, clock, tmp_path, later):
    phone = Phone()
    it = made(ledger, clock, RULE, {"phone": phone})
    await it.ring(caller_number="+13125550101")
    copy = await put_back(ledger, tmp_path, clock)
    await it.work()
    assert len(phone.jobs) == 1  # it went out after the copy was made, which knows nothing of it

    restored = later(tmp_path / "new")
    assert (await restored.totals())["events"] == copy.events == 1
    assert (await restored.balance()).wrong is None
    assert await restored.damage() is None
    again = made(restored, clock, RULE, {"phone": phone})
    again.calls = it.calls
    for _ in range(3):
        await again.later(120)
    await again.ring(caller_number="+13125550102")
    await again.later(120)
    assert len(phone.jobs) == 1

    await restored.texts_after_restore(again.planner.follow, now=clock())
    await again.later(120)
    assert [job.action.to for job in phone.jobs] == ["+13125550101", "+13125550102"]
    assert await restored.states() == {"suppressed": 1, "delivered": 1}
    assert (await restored.balance()).wrong is None


async def test_what_a_backup_owes_to_others_goes_out_under_the_same_key(ledger, clock, tmp_path, later):
    desk = Service()
    it = made(ledger, clock, SEND, {"desk": desk})
    await it.ring()
    await put_back(ledger, tmp_path, clock)
    await it.work()
    again = made(later(tmp_path / "new"), clock, SEND, {"desk": desk})
    await again.work()
    first, second = desk.jobs
    assert first.key == second.key
    assert await again.ledger.states() == {"delivered": 1}


async def test_a_stop_that_the_copy_knows_nothing_of_is_heeded_before_texts_go_on(ledger, tmp_path, later):
    async with worlds() as make:
        world = await make(AT_ONCE)

        def reading(store):
            intake = Intake(store, lambda: world.shop.now, Metrics())
            return Replies(store, intake, world.phone, lambda: world.shop.now)

        async def opted_out(store):
            return [row["number"] for row in await store.opt_outs(limit=9)]

        await world.texted("hello", sender=BOB)
        await reading(ledger).read()
        await put_back(ledger, tmp_path, lambda: world.shop.now)
        world.shop.now += 3600.0
        await world.texted("STOP")
        await reading(ledger).read()
        assert await opted_out(ledger) == [DANA]

        restored = later(tmp_path / "new")
        assert (await restored.restored(), await opted_out(restored)) == (True, [])
        world.shop.now += 10 * 86400.0
        await reading(restored).read()
        assert await opted_out(restored) == [DANA]
        await world.texted("START")
        await reading(restored).read()
        assert await opted_out(restored) == []
