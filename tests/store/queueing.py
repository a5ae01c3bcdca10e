"""What every ledger does with deliveries: taken in order, settled by who took them, decided again in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from relay.models import State
from relay.store import Settlement, Want
from tests.store.ledger import (
    ANN,
    NOW,
    becomes,
    begin,
    by_name,
    claimed,
    event,
    facts,
    names,
    nobody_waits,
    owe,
    owed,
    ripen,
    settle,
    text,
)

if TYPE_CHECKING:
    from relay.models import Delivery, Known
    from relay.store import Run, Store


class Claiming:
    async def test_the_oldest_due_is_taken_first_and_nothing_before_its_time(self, store: Store):
        await owe(store, owed("late", due_at=NOW + 1), owed("new", due_at=NOW), owed("old", due_at=NOW - 9))

        assert names(await claimed(store, slots=1)) == ["old"]
        assert names(await claimed(store)) == ["new"]
        assert names(await claimed(store)) == []
        assert names(await claimed(store, now=NOW + 1)) == ["late"]

    async def test_of_a_long_backlog_a_share_of_the_newest_is_taken_beside_the_oldest(self, store: Store):
        await owe(store, *(owed(f"d{n}", due_at=NOW + n, lane="A" if n in {2, 199} else None) for n in range(200)))
        taken = await store.claim({"team": Want(4, newest=2)}, now=NOW + 199)

        assert names(taken.claimed) == ["d0", "d1", "d2", "d198"]  # d199 waits for d2, the first of its lane
        assert names((await store.claim({"team": Want(1, newest=1)}, now=NOW + 199)).claimed) == ["d197"]

    async def test_of_a_short_one_the_oldest_go_first_without_exception(self, store: Store):
        await owe(store, *(owed(f"d{n}", due_at=NOW + n) for n in range(50)))
        taken = await store.claim({"team": Want(4, newest=2)}, now=NOW + 199)

        assert names(taken.claimed) == ["d0", "d1", "d2", "d3"]

    async def test_what_is_taken_is_taken_once_and_comes_with_its_event(self, store: Store):
        await owe(store, owed("d1"))
        takes = await asyncio.gather(*(store.claim({"team": Want(1)}, now=NOW) for _ in range(20)))

        (one,) = [one for taken in takes for one in taken.claimed]
        assert (one.delivery.state, one.delivery.claims) == (State.SENDING, 1)
        assert one.event.caller == ANN
        assert await by_name(store, "d1") == one.delivery

    async def test_each_connector_gets_its_own_share(self, store: Store):
        await owe(store, *(owed(f"{name}{n}", connector=name) for n in range(5) for name in ("team", "crm")))
        taken = await store.claim({"team": Want(2), "crm": Want(3), "other": Want(4)}, now=NOW)

        assert names(taken.claimed) == ["team0", "team1", "crm0", "crm1", "crm2"]

    async def test_a_lane_goes_in_order_one_batch_at_a_time(self, store: Store):
        await owe(store, *(owed(f"d{n}", lane="A", due_at=NOW - n) for n in range(5)))
        want = {"team": Want(4, rows=2)}
        first = (await store.claim(want, now=NOW)).claimed
        blocked = (await store.claim(want, now=NOW)).claimed
        await settle(store, first[0], State.DELIVERED)
        still_blocked = (await store.claim(want, now=NOW)).claimed
        await settle(store, first[1], State.DEAD)
        second = (await store.claim(want, now=NOW)).claimed

        assert names(first) == ["d0", "d1"]
        assert not blocked
        assert not still_blocked
        assert names(second) == ["d2", "d3"]

    async def test_a_delivery_in_back_off_holds_its_lane_and_no_other(self, store: Store):
        await owe(store, owed("a1", lane="A"), owed("a2", lane="A"), owed("b1", lane="B"), owed("free"))
        (first, *_) = [one for one in await claimed(store, slots=1) if one.delivery.id == "a1"]
        await settle(store, first, State.DUE, due_at=NOW + 60)

        assert names(await claimed(store)) == ["b1", "free"]
        assert names(await claimed(store, now=NOW + 59)) == []
        assert names(await claimed(store, now=NOW + 60)) == ["a1"]

    async def test_a_step_that_falls_due_late_goes_before_younger_ones_of_its_lane(self, store: Store):
        early = owed("early", lane="A", state=State.WAITING, due_at=NOW + 5)
        await owe(store, early, owed("young", lane="A"), owed("younger", lane="A", due_at=NOW + 7))
        (young,) = await claimed(store)
        await ripen(store, becomes(State.DUE), now=NOW + 5)
        assert names(await claimed(store, now=NOW + 7)) == []
        await settle(store, young, State.DELIVERED)

        assert names(await claimed(store, now=NOW + 7)) == ["early"]

    async def test_a_held_up_lane_with_much_in_it_starves_no_other(self, store: Store):
        stuck = [owed(f"a{n}", lane="A", due_at=NOW - 900) for n in range(300)]
        await owe(store, *stuck, owed("b1", lane="B"), owed("c1", lane="C", due_at=NOW - 1), owed("free"))
        (first,) = await claimed(store, slots=1)
        await settle(store, first, State.DUE, due_at=NOW + 60)

        assert names(await claimed(store)) == ["c1", "b1", "free"]

    async def test_a_long_lane_leaves_slots_for_the_others(self, store: Store):
        await owe(store, *(owed(f"a{n}", lane="A", due_at=NOW - 900) for n in range(300)), owed("b1", lane="B"))
        taken = await store.claim({"team": Want(2, rows=50)}, now=NOW)

        assert names(taken.claimed) == [*(f"a{n}" for n in range(50)), "b1"]

    async def test_the_first_of_a_lane_waits_a_while_for_company(self, store: Store):
        await owe(store, owed("d1", lane="A"))
        want = {"team": Want(1, rows=3, linger=10)}
        alone = await store.claim(want, now=NOW + 4)
        await owe(store, owed("d2", lane="A", due_at=NOW + 5), owed("d3", lane="A", due_at=NOW + 5))
        full = await store.claim(want, now=NOW + 5)

        assert (alone.claimed, alone.linger_until) == ((), NOW + 10)
        assert names(full.claimed) == ["d1", "d2", "d3"]

    async def test_the_first_of_a_lane_goes_alone_when_its_while_is_over(self, store: Store):
        await owe(store, owed("d1", lane="A"))

        assert names((await store.claim({"team": Want(1, rows=3, linger=10)}, now=NOW + 10)).claimed) == ["d1"]

    async def test_a_second_try_waits_for_nobody(self, store: Store):
        await owe(store, owed("d1", lane="A", tries=1))

        assert names((await store.claim({"team": Want(1, rows=3, linger=10)}, now=NOW)).claimed) == ["d1"]

    async def test_next_due_at_names_the_next_moment_and_never_one_that_is_taken_care_of(self, store: Store):
        await owe(
            store,
            owed("now"),
            owed("soon", due_at=NOW + 30),
            owed("other", connector="crm", due_at=NOW + 5),
            owed("waits", state=State.WAITING, due_at=NOW + 40),
            owed("gated", state=State.WAITING, due_at=None),
        )
        assert await store.next_due_at(["team"], now=NOW) == NOW + 30
        assert await store.next_due_at(["team", "crm"], now=NOW) == NOW + 5
        assert await store.next_due_at(["none"], now=NOW) == NOW + 40

    async def test_a_text_that_is_being_looked_up_is_no_next_moment(self, store: Store):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)
        await settle(store, one, State.UNKNOWN, due_at=NOW + 5)
        before = await store.next_due_at(["callscaler"], now=NOW)
        await store.claim_unknown(now=NOW + 5, lease=60, limit=9)

        assert before == NOW + 5
        assert await store.next_due_at(["callscaler"], now=NOW + 6) is None


class Settling:
    async def test_a_try_is_written_down_with_what_became_of_it(self, store: Store):
        await owe(store, owed("d1"))
        (one,) = await claimed(store)
        held = await settle(store, one, State.DUE, due_at=NOW + 5, reason="503", notes={"page": 2})
        (again,) = await claimed(store, now=NOW + 5)
        await settle(store, again, State.DELIVERED, receipt={"id": "m1"}, settled_at=NOW + 5)

        assert held == 1
        assert (again.delivery.tries, again.delivery.claims, again.delivery.notes) == (1, 2, {"page": 2})
        assert (await by_name(store, "d1")).receipt == {"id": "m1"}
        assert [(tried.number, tried.outcome) for tried in await store.attempts("d1")] == [(1, "due"), (2, "delivered")]

    async def test_a_late_settlement_is_refused_and_its_try_still_listed(self, store: Store):
        await owe(store, owed("d1"))
        (slow,) = await claimed(store)
        freed = await store.free_leases(now=NOW + 30, settle=60, everything=False)
        (fresh,) = await claimed(store, now=NOW + 30)
        late = await settle(store, slow, State.DEAD)
        good = await settle(store, fresh, State.DELIVERED)

        assert (freed, late, good) == (1, 0, 1)
        assert (await by_name(store, "d1")).state is State.DELIVERED
        assert len(await store.attempts("d1")) == 2

    async def test_of_many_settled_at_once_each_ends_in_its_own_way_and_a_late_one_not_at_all(self, store: Store):
        await owe(store, *(owed(f"d{n}") for n in range(70)))
        taken = [one.delivery for one in (await store.claim({"team": Want(70)}, now=NOW)).claimed]
        ended = [one.but(state=State.DELIVERED, tries=1, receipt={"id": one.id}) for one in taken]
        ended[33] = ended[33].but(claims=0, state=State.DEAD)
        held = await store.settle([Settlement(one) for one in ended], nobody_waits)

        assert (len(taken), held) == (70, 69)
        found = {one.id: one for one in await store.deliveries(limit=100)}
        late = found.pop(taken[33].id)
        assert (late.state, late.claims, late.receipt) == (State.SENDING, 1, None)
        assert {(name, one.state, one.receipt["id"]) for name, one in found.items() if one.receipt} == {
            (one.id, State.DELIVERED, one.id) for one in taken if one.id != late.id
        }

    async def test_a_lease_holds_until_it_is_over(self, store: Store):
        await owe(store, owed("d1"))
        await claimed(store)

        assert await store.free_leases(now=NOW + 29, settle=60, everything=False) == 0
        assert names(await claimed(store, now=NOW + 29)) == []
        assert await store.free_leases(now=NOW + 30, settle=60, everything=False) == 1

    async def test_a_claim_that_is_given_back_is_due_again_at_once_and_counts_no_try(self, store: Store):
        await owe(store, owed("d1"), owed("d2"))
        first, second = await claimed(store)
        assert await store.give_back([first.delivery]) == 1
        assert await settle(store, first, State.DELIVERED) == 0
        (again,) = await claimed(store)

        assert (again.delivery.id, again.delivery.tries) == ("d1", 0)
        assert await store.give_back([first.delivery]) == 0
        assert await settle(store, again, State.DELIVERED) == 1
        assert await settle(store, second, State.DELIVERED) == 1
        assert await store.give_back([again.delivery, second.delivery]) == 0

    async def test_a_start_frees_everything_and_counts_the_try(self, store: Store, reopen: Any):
        await owe(store, owed("d1"), owed("d2"), text("t1"))
        await claimed(store, slots=1)
        await claimed(store, "callscaler")
        store = await reopen()
        freed = await store.free_leases(now=NOW + 1, settle=60, everything=True)

        assert freed == 2
        assert {one.id: (one.state, one.tries) for one in await store.deliveries(limit=9)} == {
            "d1": (State.DUE, 1),
            "d2": (State.DUE, 0),
            "t1": (State.DUE, 0),
        }

    async def test_a_step_that_settles_lets_the_steps_below_it_know(self, store: Store):
        def follow(run: Run) -> list[Delivery]:
            assert run.deliveries[0].state is State.DELIVERED
            return [run.deliveries[1].moved(State.WAITING, due_at=NOW + 7)]

        await owe(
            store, owed("gate", run="r"), owed("below", run="r", step=1, state=State.WAITING, due_at=None), owed("else")
        )
        taken = await claimed(store)
        done = [Settlement(one.delivery.moved(State.DELIVERED)) for one in taken]
        await store.settle(done, follow)

        assert (await by_name(store, "below")).due_at == NOW + 7

    async def test_a_step_below_that_is_under_way_is_left_to_its_holder(self, store: Store):
        def cancel_all(run: Run) -> list[Delivery]:
            return [one.moved(State.CANCELLED) for one in run.deliveries[1:]]

        rest = owed("rest", run="r", step=2, state=State.WAITING, due_at=None)
        await owe(store, owed("gate", run="r"), owed("below", run="r", step=1), rest)
        gate, below = await claimed(store)
        await store.settle([Settlement(gate.delivery.moved(State.DEAD))], cancel_all)

        assert (await by_name(store, "below")).state is State.SENDING
        assert (await by_name(store, "rest")).state is State.CANCELLED
        assert await settle(store, below, State.DELIVERED) == 1

    async def test_a_follow_that_fails_does_not_undo_what_has_settled(self, store: Store):
        def broken(run: Run) -> list[Delivery]:
            raise ZeroDivisionError

        await owe(store, owed("gate", run="r"), owed("below", run="r", step=1, state=State.WAITING, due_at=None))
        (gate,) = await claimed(store)

        assert await store.settle([Settlement(gate.delivery.moved(State.DELIVERED))], broken) == 1
        assert (await by_name(store, "gate")).state is State.DELIVERED
        assert (await by_name(store, "below")).state is State.WAITING

    async def test_a_receipt_that_is_no_json_is_kept_as_text(self, store: Store):
        await owe(store, owed("d1"))
        (one,) = await claimed(store)
        await settle(store, one, State.DELIVERED, receipt={"body": {1}})

        assert (await by_name(store, "d1")).receipt == {"body": "{1}"}

    async def test_what_waits_for_a_connector_that_is_gone_is_buried(self, store: Store):
        await owe(
            store,
            owed("due"),
            owed("waits", state=State.WAITING, due_at=None),
            owed("held", state=State.HELD),
            owed("kept", connector="crm"),
            owed("done", state=State.SUPPRESSED),
        )
        assert await store.owed_connectors() == {"team", "crm"}
        assert await store.bury("team", "no such connector", now=NOW + 1) == 3

        buried = await by_name(store, "due")
        assert (buried.state, buried.reason, buried.settled_at) == (State.DEAD, "no such connector", NOW + 1)
        assert await store.owed_connectors() == {"crm"}
        assert (await by_name(store, "done")).state is State.SUPPRESSED

    async def test_what_is_buried_stays_buried_when_leases_end(self, store: Store):
        await owe(store, text("t1"), owed("d1"))
        (one,) = await claimed(store, "callscaler")
        await claimed(store)
        await store.bury("callscaler", "gone", now=NOW)
        await store.bury("team", "gone", now=NOW)
        await store.free_leases(now=NOW + 99, settle=60, everything=True)

        assert (await by_name(store, "t1")).state is State.DEAD
        assert (await begin(store, one)).state is State.CANCELLED
        assert (await by_name(store, "d1")).state is State.DUE  # it was being sent: its outcome is not known

    async def test_waiting_and_held_deliveries_are_decided_when_their_time_comes(self, store: Store):
        seen: list[str] = []

        def decide(run: Run, one: Delivery, known: Known) -> tuple[list[Delivery], list[tuple[str, str]]]:
            seen.append(one.id)
            return [one.moved(State.DUE, due_at=NOW + 9, action={"message": "now"})], [(ANN, "vip")]

        await owe(
            store,
            owed("second", state=State.HELD, due_at=NOW + 6),
            owed("first", state=State.WAITING, due_at=NOW + 5),
            owed("later", state=State.WAITING, due_at=NOW + 10),
            owed("gated", state=State.WAITING, due_at=None),
        )
        assert await ripen(store, decide, now=NOW + 4) == 0
        assert await ripen(store, decide, now=NOW + 9) == 2
        assert await ripen(store, decide, now=NOW + 9) == 0

        assert seen == ["first", "second"]
        assert names(await claimed(store, now=NOW + 9)) == ["second", "first"]
        assert (await facts(store, event("call-9"))).tags == ("vip",)

    async def test_a_step_whose_decision_fails_is_dead_and_holds_up_no_other(self, store: Store):
        def decide(run: Run, one: Delivery, known: Known) -> tuple[list[Delivery], list[tuple[str, str]]]:
            if one.id == "poison":
                raise ZeroDivisionError("in a step")
            return [one.moved(State.DUE)], []

        await owe(store, *(owed(name, state=State.WAITING) for name in ("poison", "good")))
        await ripen(store, decide, now=NOW)

        assert (await by_name(store, "good")).state is State.DUE
        assert (await by_name(store, "poison")).state is State.DEAD
        assert "in a step" in ((await by_name(store, "poison")).reason or "")

    async def test_a_version_of_a_rule_is_known_while_something_owed_names_it(self, store: Store):
        await store.save_rule("v1", "Log", "{}", NOW)
        await store.save_rule("v1", "Log", "other", NOW)
        await store.save_rule("v2", "Log", "{}", NOW)
        before = await store.owed_versions()
        await owe(store, owed("d1"))
        during = await store.owed_versions()
        (one,) = await claimed(store)
        await settle(store, one, State.DELIVERED)

        assert (before, during, await store.owed_versions()) == ([], [("v1", "{}")], [])
