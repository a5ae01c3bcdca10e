"""What every ledger does with texts: judged and marked in one transaction, never begun twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from relay.models import State
from relay.store import Settlement
from tests.store.ledger import (
    ANN,
    BOB,
    DAY,
    NOW,
    WINDOWS,
    address,
    begin,
    by_name,
    claimed,
    judged,
    names,
    nobody_waits,
    owe,
    owed,
    settle,
    text,
    with_cooldown,
)

if TYPE_CHECKING:
    from relay.models import Delivery, Event, Known
    from relay.store import Run, Store


class Texting:
    async def test_of_fifty_texts_at_once_to_one_person_exactly_one_goes(self, store: Store):
        await owe(store, *(text(f"t{n}") for n in range(50)))
        taken = await claimed(store, "callscaler")
        begun = await asyncio.gather(*(begin(store, one, with_cooldown) for one in taken))

        assert len(taken) == 50
        assert sorted(str(one.state) for one in begun) == ["sending"] + ["suppressed"] * 49
        assert len(await store.texts(limit=100)) == 1

    async def test_a_text_is_marked_before_it_leaves_and_counts_at_once(self, store: Store):
        await owe(store, text("t1"), text("t2", BOB, rule="Other"))
        first, second = await claimed(store, "callscaler")
        assert first.delivery.state is State.DUE
        await begin(store, first)

        assert (await by_name(store, "t1")).state is State.SENDING
        (sent,) = await store.texts(limit=9)
        assert (sent["id"], sent["recipient"], sent["state"], sent["shadow"]) == ("t1", ANN, "sending", False)

        def decide(delivery: Delivery, event: Event, known: Known) -> Delivery:
            said = known.text(BOB, run=delivery.run, rule="Other", shadow=False)
            assert (said.last_at, said.to_person, said.to_prefix, said.total) == (None, 0, 1, 1)
            said = known.text(ANN, run=delivery.run, rule="Other", shadow=False)
            assert (said.last_at, said.last_rule, said.last_by_rule_at) == (NOW, "Text back", None)
            assert known.text(ANN, run=first.delivery.run, rule="Text back", shadow=False).last_at is None
            return delivery.moved(State.HELD, due_at=NOW + 60, reason="quiet")

        assert (await begin(store, second, decide)).state is State.HELD
        assert len(await store.texts(limit=9)) == 1

    async def test_a_text_whose_claim_is_over_is_never_begun(self, store: Store):
        await owe(store, text("t1"))
        (slow,) = await claimed(store, "callscaler")
        await store.free_leases(now=NOW + 30, settle=60, everything=False)
        (fresh,) = await claimed(store, "callscaler", now=NOW + 30)
        late = await begin(store, slow)
        begun = await begin(store, fresh)

        assert late.state is State.CANCELLED
        assert begun.state is State.SENDING
        assert (await begin(store, fresh)).state is State.CANCELLED
        assert (await by_name(store, "t1")).state is State.SENDING

    async def test_a_text_cut_off_while_it_was_sent_becomes_unknown_and_never_due(self, store: Store, reopen: Any):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)
        store = await reopen()
        assert await store.free_leases(now=NOW + 1, settle=60, everything=True) == 1

        cut = await by_name(store, "t1")
        assert (cut.state, cut.due_at) == (State.UNKNOWN, NOW + 61)
        assert (await store.texts(limit=9))[0]["state"] == "unknown"
        assert names(await claimed(store, "callscaler", now=NOW + DAY)) == []
        assert await settle(store, one, State.DELIVERED) == 0
        assert await store.claim_unknown(now=NOW + 60, lease=30, limit=9) == []
        (looked,) = await store.claim_unknown(now=NOW + 61, lease=30, limit=9)
        assert await store.claim_unknown(now=NOW + 61, lease=30, limit=9) == []
        assert await store.free_leases(now=NOW + 91, settle=60, everything=False) == 1
        assert (await by_name(store, "t1")).state is State.UNKNOWN
        assert await settle(store, looked, State.ABANDONED) == 0
        (again,) = await store.claim_unknown(now=NOW + 91, lease=30, limit=9)
        assert await settle(store, again, State.ABANDONED, settled_at=NOW + 92) == 1

    @pytest.mark.parametrize(
        ("fate", "kept"), [(State.DELIVERED, "sent"), (State.ABANDONED, "abandoned"), (State.UNKNOWN, "unknown")]
    )
    async def test_a_text_that_may_have_arrived_occupies_the_cooldown(self, store: Store, fate: State, kept: str):
        await owe(store, text("t1"), text("t2"))
        first, second = await claimed(store, "callscaler")
        await begin(store, first, with_cooldown)
        await settle(store, first, fate, due_at=NOW)

        assert [one["state"] for one in await store.texts(limit=9)] == [kept]
        assert (await begin(store, second, with_cooldown)).state is State.SUPPRESSED

    @pytest.mark.parametrize("fate", [State.DUE, State.DEAD])
    async def test_a_text_that_was_surely_refused_occupies_nothing(self, store: Store, fate: State):
        await owe(store, text("t1"), text("t2"))
        first, second = await claimed(store, "callscaler")
        await begin(store, first, with_cooldown)
        await settle(store, first, fate, due_at=NOW + 9)

        assert (await begin(store, second, with_cooldown)).state is State.SENDING

    async def test_texts_count_against_a_limit_until_its_window_is_over(self, store: Store):
        seen: list[tuple[int, int, int]] = []

        def decide(delivery: Delivery, event: Event, known: Known) -> Delivery:
            said = known.text(ANN, run=delivery.run, rule=delivery.rule, shadow=False)
            seen.append((said.to_person, said.to_prefix, said.total))
            return delivery.moved(State.HELD, due_at=NOW + DAY)

        await owe(store, text("t1"), text("t2"), text("t3"), text("t4"))
        first, *others = await claimed(store, "callscaler")
        await begin(store, first)
        hour = WINDOWS.prefix
        for one, at in zip(others, (NOW + hour - 1, NOW + hour, NOW + DAY), strict=True):
            await begin(store, one, decide, now=at)

        assert seen == [(1, 1, 1), (1, 0, 1), (0, 0, 0)]

    async def test_shadow_texts_count_for_shadow_rules_only(self, store: Store):
        await owe(store, text("s1", shadow=True), text("s2", shadow=True), text("real"))
        begun = [(await begin(store, one, with_cooldown)).state for one in await claimed(store, "callscaler")]

        assert begun == [State.SHADOW, State.SUPPRESSED, State.SENDING]
        assert {one["id"]: one["shadow"] for one in await store.texts(limit=9)} == {"s1": True, "real": False}

    async def test_who_opted_out_is_read_page_by_page_also_those_of_one_moment(self, store: Store):
        for place in range(5):
            await store.opt_out(f"+1312555010{place}", now=NOW + (place == 0), how="STOP")
        everybody = [row["number"] for row in await store.opt_outs(limit=9)]
        pages = [
            await store.opt_outs(limit=2),
            await store.opt_outs(limit=2, before=(NOW, 1)),
            await store.opt_outs(limit=2, before=(NOW, 3)),
        ]
        assert [row["number"] for page in pages for row in page] == everybody
        assert (everybody[0], len(set(everybody))) == ("+13125550100", 5)
        assert await store.opt_outs(limit=2, before=(NOW, 4)) == []

    async def test_a_provider_id_belongs_to_one_text(self, store: Store):
        await owe(store, text("t1"), text("t2", BOB))
        taken = await claimed(store, "callscaler")
        for one in taken:
            await begin(store, one)
        done = [Settlement(one.delivery.moved(State.DELIVERED), None, "sms_1") for one in taken]

        assert await store.settle(done, nobody_waits) == 2
        assert {one["id"]: one["provider_id"] for one in await store.texts(limit=9)} == {"t1": "sms_1", "t2": None}

    async def test_a_text_that_is_not_sent_lets_the_steps_below_it_know(self, store: Store):
        def follow(run: Run) -> list[Delivery]:
            return [run.deliveries[1].moved(State.CANCELLED, reason=run.deliveries[0].reason)]

        await owe(store, text("t1", run="r"), owed("below", run="r", step=1, state=State.WAITING, due_at=None))
        (one,) = await claimed(store, "callscaler")
        stop = judged(State.SUPPRESSED, reason="cooldown")
        await store.begin_text(one.delivery, address(one.delivery), stop, follow, now=NOW, windows=WINDOWS)

        assert (await by_name(store, "below")).reason == "cooldown"
