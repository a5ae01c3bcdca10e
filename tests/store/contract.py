"""What every ledger must do; a backend's test inherits this and says how to open one, and how to open it again.

```python
class TestMine(StoreContract):
    @pytest.fixture
    async def store(self): ...        # an empty ledger, closed at the end
    @pytest.fixture
    async def reopen(self, store): ...  # an async function: the same ledger, as a process started later finds it
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import State
from tests.store.alarming import Alarming
from tests.store.arriving import Arrivals, Facts, Planning
from tests.store.auditing import Auditing
from tests.store.confirming import Confirming
from tests.store.conversing import Conversing
from tests.store.forgetting import Forgetting
from tests.store.handing import Handing
from tests.store.keeping import Keeping
from tests.store.ledger import (
    ANN,
    BOB,
    NOW,
    accept,
    claimed,
    event,
    owe,
    owed,
    settle,
)
from tests.store.looking import Looking
from tests.store.moving import Moving
from tests.store.queueing import Claiming, Settling
from tests.store.redoing import Redoing
from tests.store.remembering import Remembering
from tests.store.replying import Replying
from tests.store.sharing import Sharing
from tests.store.standing import StandingOfConnectors
from tests.store.switching import Switching
from tests.store.texting import Texting

if TYPE_CHECKING:
    from relay.store import Store


class Reading:
    async def test_events_are_listed_newest_first_page_by_page_and_by_person(self, store: Store):
        await accept(store, *(event(f"call-{n}", caller=BOB if n % 2 else ANN) for n in range(6)))
        first = await store.events(limit=2)
        second = await store.events(limit=2, before=first[-1].seq)
        of_bob = await store.events(limit=9, person=BOB, before=first[0].seq)

        assert [one.key for one in (*first, *second)] == ["call-5", "call-4", "call-3", "call-2"]
        assert [one.key for one in of_bob] == ["call-3", "call-1"]

    async def test_an_event_is_found_by_its_id_by_its_call_and_as_the_last(self, store: Store):
        first, missed, enriched = event("call-1"), event("call-2"), event("call-2", "call.completed")
        await accept(store, first, missed, enriched)

        assert (await store.event(first.id)).key == "call-1"
        assert (await store.event("call-2")).type == "call.completed"
        assert (await store.event("last")).id == enriched.id
        assert await store.event("nothing") is None

    async def test_deliveries_are_listed_by_state_by_event_and_page_by_page(self, store: Store):
        await owe(store, owed("a0"), owed("a1", step=1), owed("a2", step=2, state=State.DEAD))
        await owe(store, owed("b0"), now=NOW + 1)
        newest = await store.deliveries(limit=2)
        older = await store.deliveries(limit=2, before=newest[-1].seq)
        of_a = await store.deliveries(limit=9, event=older[0].event)

        assert [one.id for one in (*newest, *older)] == ["b0", "a2", "a1", "a0"]
        assert [one.id for one in of_a] == ["a0", "a1", "a2"]
        assert [one.id for one in await store.deliveries(limit=9, state="dead")] == ["a2"]
        assert [one.id for one in await store.deliveries(limit=1, state="due", before=newest[0].seq)] == ["a1"]
        assert await store.states() == {"due": 3, "dead": 1}

    async def test_the_oldest_due_says_how_far_behind_the_relay_is(self, store: Store):
        assert await store.oldest_due() is None
        await owe(store, owed("new"), owed("old", due_at=NOW - 60), owed("w", state=State.WAITING, due_at=NOW - 90))

        assert await store.oldest_due() == NOW - 60
        [one] = await claimed(store, slots=1)
        await settle(store, one, State.DUE, due_at=NOW + 3600)
        assert await store.oldest_due() == NOW
        await owe(store, owed("tried", tries=1, first_due_at=NOW - 90, due_at=NOW + 60))
        assert await store.oldest_due() == NOW - 90


class StoreContract(
    Arrivals,
    Planning,
    Facts,
    Claiming,
    Handing,
    Settling,
    Texting,
    Replying,
    Reading,
    Alarming,
    Auditing,
    Confirming,
    Forgetting,
    Keeping,
    Looking,
    Remembering,
    Switching,
    Redoing,
    StandingOfConnectors,
    Sharing,
    Moving,
    Conversing,
):
    """All of it."""
