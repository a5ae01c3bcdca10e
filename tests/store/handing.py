"""What every ledger does with what is due as soon as it is planned: taken at once where it takes that, else left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.models import State
from relay.store import Want
from tests.store.ledger import (
    NOW,
    WINDOWS,
    Owing,
    accept,
    by_name,
    claimed,
    event,
    names,
    nothing_owed,
    owed,
    prefix,
    settle,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.models import Delivery
    from relay.store import Planned, Store


async def hand(store: Store, wants: Mapping[str, Want], *deliveries: Delivery) -> Planned:
    """Plan one event that owes these, and take of them what is wanted."""
    arrived = event("call of " + "+".join(delivery.id for delivery in deliveries))
    await accept(store, arrived)
    decide = Owing(arrived.id, deliveries)
    return await store.plan_and_take(decide, wants, now=NOW, config="c1", windows=WINDOWS, prefix=prefix, limit=100)


class Handing:
    async def test_what_is_taken_at_once_is_what_a_claim_would_take(self, store: Store):
        odd = {"message": ("a", "b\ud800"), "n": 1.5, "z": None}
        planned = await hand(
            store, {"team": Want(2, lease=30.0)}, owed("d1", action=odd, notes={"k": (1,)}), owed("d2"), owed("d3")
        )
        assert planned.events == 1
        if store.shared:  # another relay may be idle
            assert (planned.claimed, planned.left) == ((), {"team"})
            return
        assert (names(planned.claimed), planned.left) == (["d1", "d2"], {"team"})
        assert names(await claimed(store, slots=9)) == ["d3"]
        assert names(await claimed(store, slots=9, now=NOW + 29)) == []

        held = planned.claimed[0].delivery
        assert (held.state, held.claims) == (State.SENDING, 1)
        assert await by_name(store, "d1") == held.but(seq=(await by_name(store, "d1")).seq)
        assert planned.claimed[0].event.key == "call of d1+d2+d3"
        assert await settle(store, planned.claimed[0], State.DELIVERED) == 1

    async def test_what_was_taken_and_never_sent_is_due_again_when_its_lease_is_over(self, store: Store):
        planned = await hand(store, {"team": Want(1, lease=30.0)}, owed("d1"))
        assert await store.free_leases(now=NOW + 29.9, settle=120.0, everything=False) == 0
        freed = await store.free_leases(now=NOW + 30, settle=120.0, everything=False)
        assert freed == len(planned.claimed)
        assert names(await claimed(store)) == ["d1"]
        assert [await settle(store, one, State.DELIVERED) for one in planned.claimed] == [0] * freed

    async def test_what_is_judged_when_it_leaves_or_keeps_an_order_or_is_not_due_is_left_to_claims(self, store: Store):
        wants = {"team": Want(9), "callscaler": Want(9)}
        later = owed("later", due_at=NOW + 0.1)
        waiting = owed("waiting", state=State.WAITING, due_at=None)
        shadow = owed("shadow", state=State.SHADOW, due_at=None, connector="crm", settled_at=NOW)
        move = owed("move", kind="regroup", connector="callscaler")
        planned = await hand(store, wants, text("t"), move, owed("laned", lane="A"), later, waiting, shadow)
        assert (planned.claimed, planned.left) == ((), {"team", "callscaler"})
        assert names(await claimed(store, "callscaler")) == ["t", "move"]
        assert names(await claimed(store)) == ["laned"]

    async def test_where_nothing_is_owed_nothing_is_taken_or_left(self, store: Store):
        await accept(store, event())
        nothing = await store.plan_and_take(
            nothing_owed, {"team": Want(9)}, now=NOW, config="c1", windows=WINDOWS, prefix=prefix, limit=100
        )
        assert (nothing.events, nothing.claimed, nothing.left) == (1, (), frozenset())
