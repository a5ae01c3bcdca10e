"""A person is erased, and what recognises their calls and counts for others stays."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.intake import merge
from relay.models import Plan, State, Verdict
from relay.models.queue import Finding
from relay.store import RequestNote
from tests.store.ledger import (
    ANN,
    BOB,
    NOW,
    accept,
    always,
    begin,
    claimed,
    event,
    facts,
    nothing_owed,
    owed,
    plan,
    settle,
    text,
)

if TYPE_CHECKING:
    from relay.store import Store


async def ann_called(store: Store) -> None:
    """A call of Ann's with everything that hangs on it."""
    called = event("call-1", caller_name="Ann Example", transcription="ann said so", outcome="missed")
    await accept(store, called)
    judged = Verdict("A", "ran", "caller.name: Ann Example", (Finding("caller.name", "present", "Ann Example", True),))
    steps = (
        text("t1", ANN, event=called.id),
        owed("d1", called.id, run="r", action={"message": "Ann Example called"}, lane=ANN),
        owed("d2", called.id, run="r2", state=State.WAITING, due_at=NOW + 60, action={"message": "Ann Example"}),
    )
    await plan(store, always(Plan((judged,), steps, ((ANN, "vip"),), (("A", ANN, "r"),))))
    [taken] = await claimed(store, "callscaler")
    await begin(store, taken)
    await settle(store, taken, State.DELIVERED, receipt={"to": ANN})
    await store.opt_out(ANN, now=NOW, how="by hand")
    for said in ("312-555-0101", "(312) 555-0101", "3125550101"):
        body = json.dumps({"from": said}).encode()
        await store.note_request(RequestNote("refused", NOW, "phone", 401, "x", "192.0.2.1", {}, body))
    await store.open_alert("loop", f"{ANN} calls back", "look", now=NOW)


class Forgetting:
    async def test_nothing_that_can_be_read_names_a_person_who_was_forgotten(self, store: Store):
        await ann_called(store)
        await accept(store, event("call-2", caller=BOB, caller_name="Bob Example"))
        await plan(store, nothing_owed)
        assert await store.forget(ANN, now=NOW + 1) > 10
        read = [
            await store.events(limit=99), await store.deliveries(limit=99), await store.texts(limit=99),
            await store.opt_outs(limit=99), await store.requests(limit=99), await store.alerts(),
            await store.standing(ANN), await store.verdicts((await store.event("call-1")).id),
            [await store.attempts(name) for name in ("t1", "d1")],
        ]  # fmt: skip
        for word in ("5550101", "Ann", "ann said"):
            assert word not in repr(read)
        assert "Bob Example" in repr(read)
        assert (await store.balance()).wrong is None

    async def test_what_was_owed_is_called_off_and_whoever_holds_it_finds_the_claim_over(self, store: Store):
        await ann_called(store)
        [taken] = await claimed(store, "team")
        await store.forget(ANN, now=NOW + 1)
        assert await settle(store, taken, State.DELIVERED) == 0
        assert {one.id: one.state for one in await store.deliveries(limit=9)} == {
            "t1": State.DELIVERED, "d1": State.CANCELLED, "d2": State.CANCELLED,
        }  # fmt: skip
        assert await claimed(store, "team", now=NOW + 99) == []

    async def test_the_opt_out_holds_and_the_call_is_recognised(self, store: Store):
        await ann_called(store)
        await store.forget(ANN, now=NOW + 1)
        again = await store.accept(event("call-1", summary="more"), b"{}", merge)
        assert again.duplicate
        assert (await facts(store, event("call-3"))).opted_out
        assert [row["number"] for row in await store.opt_outs(limit=9)] == [None]

    async def test_an_event_that_is_not_planned_yet_is_never_planned(self, store: Store):
        await accept(store, event("call-1"), replace(event("call-2"), call={"unconfirmed": "waiting", "id": "call-2"}))
        await store.forget(ANN, now=NOW)
        assert await plan(store, nothing_owed) == 0
        assert await store.unconfirmed(limit=9) == []

    async def test_forgetting_a_stranger_changes_nothing(self, store: Store):
        await ann_called(store)
        assert await store.forget(BOB, now=NOW) == 0
