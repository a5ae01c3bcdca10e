"""What every ledger must remember of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import State
from tests.store.ledger import NOW, claimed, owe, owed

if TYPE_CHECKING:
    from relay.store import Store

FULL = ("The disk is nearly full.", "Free some space.")


class Alarming:
    async def test_one_cause_has_one_open_alert_and_its_words_are_refreshed(self, store: Store):
        assert await store.open_alert("disk", *FULL, now=NOW)
        assert not await store.open_alert("disk", "The disk is full.", "Free more.", now=NOW + 9)
        (alert,) = await store.alerts(open_only=True)

        assert (alert.what, alert.remedy, alert.opened_at) == ("The disk is full.", "Free more.", NOW)
        assert (alert.closed_at, alert.told, alert.told_at) == (None, 0, None)

    async def test_alerts_are_read_page_by_page(self, store: Store):
        for place in range(5):
            await store.open_alert(f"cause {place}", *FULL, now=NOW + place)
        await store.close_alert("cause 1", now=NOW + 9)
        first = await store.alerts(limit=2)
        second = await store.alerts(limit=9, before=first[-1].id)
        assert [alert.cause[-1] for alert in (*first, *second)] == ["4", "3", "2", "1", "0"]
        still = await store.alerts(open_only=True, limit=9, before=first[-1].id)
        assert [alert.cause[-1] for alert in still] == ["2", "0"]

    async def test_since_when_each_connector_owes(self, store: Store):
        assert await store.owed_since() == {}
        await owe(store, owed("a", tries=1, first_due_at=NOW - 60), owed("b"), owed("c", connector="crm"))
        await owe(store, owed("held until now", connector="phone", first_due_at=NOW - 9000))
        await owe(store, owed("d", connector="desk", state=State.HELD), owed("e", connector="desk", state=State.DEAD))
        await claimed(store, slots=1)
        assert await store.owed_since() == {"team": NOW - 60, "crm": NOW, "phone": NOW}

    async def test_an_alert_that_is_over_is_kept_and_the_next_one_is_another(self, store: Store):
        assert await store.open_alert("disk", *FULL, now=NOW)
        assert await store.open_alert("breaker:crm", "crm is down.", "Look at it.", now=NOW)
        assert await store.close_alert("disk", now=NOW + 9)
        assert not await store.close_alert("disk", now=NOW + 10)
        assert [alert.cause for alert in await store.alerts(open_only=True)] == ["breaker:crm"]

        assert await store.open_alert("disk", *FULL, now=NOW + 20)
        assert [(alert.kind, alert.closed_at) for alert in await store.alerts()] == [
            ("disk", None),
            ("breaker", None),
            ("disk", NOW + 9),
        ]
        assert [alert.cause for alert in await store.alerts(limit=1)] == ["disk"]

    async def test_an_alert_whose_end_nobody_heard_of_goes_on_when_it_comes_back(self, store: Store):
        await store.open_alert("disk", *FULL, now=NOW)
        (first,) = await store.alerts()
        await store.alert_told(first.id, now=NOW + 1)
        await store.close_alert("disk", now=NOW + 2)
        assert await store.open_alert("disk", "The disk is full again.", "Free more.", now=NOW + 3)
        (again,) = await store.alerts()

        assert (again.id, again.opened_at, again.closed_at, again.told) == (first.id, NOW, None, 1)
        assert again.what == "The disk is full again."

    async def test_an_alert_whose_end_was_told_is_a_new_one_when_it_comes_back(self, store: Store):
        await store.open_alert("disk", *FULL, now=NOW)
        (first,) = await store.alerts()
        await store.alert_told(first.id, now=NOW + 1)
        await store.close_alert("disk", now=NOW + 2)
        await store.alert_told(first.id, now=NOW + 3)
        assert await store.open_alert("disk", *FULL, now=NOW + 4)
        second, first = await store.alerts()

        assert second.id > first.id
        assert (first.told, first.told_at, second.told) == (2, NOW + 3, 0)
