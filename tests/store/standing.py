"""What every ledger must remember of connectors: open breakers, pauses, and whose back-off is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import Standing, State
from tests.store.ledger import NOW, by_name, claimed, names, owe, owed, settle, text

if TYPE_CHECKING:
    from relay.store import Store

OPEN = {"opened_at": NOW, "probe_at": NOW + 5, "wait": 5.0, "fault": "answered 503"}


class StandingOfConnectors:
    async def test_a_breaker_and_a_pause_are_kept_apart_and_outlive_a_restart(self, store: Store, reopen):
        assert await store.standings() == {}
        await store.save_breaker(Standing("crm", **OPEN))
        assert await store.pause("crm", "answered 410", by="relay", now=NOW + 1)
        again = await reopen()

        found = (await again.standings())["crm"]
        assert found == Standing("crm", **OPEN, paused_at=NOW + 1, paused_by="relay", paused_why="answered 410")
        await again.save_breaker(Standing("crm"))
        found = (await again.standings())["crm"]
        assert (found.open, found.paused) == (False, True)

    async def test_one_relay_of_all_takes_a_probe_when_it_is_due(self, store: Store):
        assert not await store.take_probe("crm", now=NOW, until=NOW + 30)
        await store.save_breaker(Standing("crm", **OPEN))
        assert not await store.take_probe("crm", now=NOW + 4, until=NOW + 30)
        assert await store.take_probe("crm", now=NOW + 5, until=NOW + 30)
        assert not await store.take_probe("crm", now=NOW + 29, until=NOW + 60)
        assert await store.take_probe("crm", now=NOW + 30, until=NOW + 60)
        await store.save_breaker(Standing("crm"))
        assert not await store.take_probe("crm", now=NOW + 99, until=NOW + 120)

    async def test_who_paused_first_is_believed_and_resuming_leaves_the_breaker(self, store: Store):
        await store.save_breaker(Standing("crm", **OPEN))
        assert await store.pause("crm", "paused by hand", by="hand", now=NOW)
        assert not await store.pause("crm", "answered 410", by="relay", now=NOW + 1)
        assert (await store.standings())["crm"].paused_why == "paused by hand"

        assert await store.resume("crm")
        assert not await store.resume("crm")
        assert not await store.resume("nobody")
        assert (await store.standings())["crm"] == Standing("crm", **OPEN)

    async def test_back_off_ends_oldest_first_and_the_oldest_is_taken_first(self, store: Store):
        await owe(store, owed("old", first_due_at=NOW - 60), owed("new"), owed("other", connector="crm"))
        for one in await claimed(store):
            await settle(store, one, State.DUE, due_at=NOW + 3600)
        await owe(store, owed("fresh", due_at=NOW + 5, first_due_at=NOW + 5))

        assert await store.hasten("team", now=NOW + 5, limit=1) == 1
        assert names(await claimed(store, now=NOW + 5)) == ["old", "fresh"]
        assert await store.hasten("team", now=NOW + 5, limit=9) == 1
        assert await store.hasten("team", now=NOW + 5, limit=9) == 0
        assert (await by_name(store, "new")).due_at == NOW

    async def test_what_was_planned_by_a_clock_that_ran_ahead_falls_due_when_it_is_set_back(self, store: Store):
        ahead = NOW + 86400
        moments = {"due_at": ahead, "first_due_at": ahead, "born_at": ahead}
        waits = {**moments, "due_at": ahead + 120, "first_due_at": ahead + 120}
        await owe(store, owed("sent", **moments), owed("waits", state=State.WAITING, **waits), owed("now"))
        await owe(store, text("text", **moments), now=NOW + 1)

        assert await store.set_back(now=NOW) == 3
        waiting, held = await by_name(store, "waits"), await by_name(store, "text")
        assert (waiting.due_at, waiting.first_due_at, waiting.born_at) == (NOW + 120, NOW + 120, NOW)
        assert (held.due_at, held.first_due_at, held.born_at) == (NOW, ahead, ahead)
        assert sorted(names(await claimed(store, now=NOW))) == ["now", "sent"]

    async def test_retrying_by_hand_lets_a_connector_go_on_that_paused_itself_and_no_other(self, store: Store):
        await owe(store, owed("d1", state=State.DEAD), owed("d2", state=State.DEAD, connector="crm"))
        await store.pause("team", "answered 401", by="relay", now=NOW)
        await store.pause("crm", "paused by hand", by="hand", now=NOW)
        assert await store.retry(["d1", "d2"], now=NOW) == 2

        found = await store.standings()
        assert (found["team"].paused, found["crm"].paused) == (False, True)
