"""What every ledger does where things are done again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.models import DUE_OTHERWISE, QUARANTINED, Plan, State, Verdict
from tests.store.ledger import NOW, WINDOWS, by_name, claimed, event, owe, owed, prefix, text

if TYPE_CHECKING:
    from relay.store import Run, Store

AGAIN: dict[str, Any] = {"now": NOW + 9, "windows": WINDOWS, "prefix": prefix}


class Redoing:
    async def test_what_died_is_found_oldest_first_page_by_page_and_by_what_it_was(self, store: Store):
        dead = [owed(f"d{n}", state=State.DEAD, connector="crm" if n == 1 else "team") for n in range(3)]
        await owe(store, *dead, owed("alive"))
        await owe(store, owed("e0", state=State.DEAD, rule="Other", born_at=NOW + 5), now=NOW + 5)
        first = await store.dead(limit=2)
        late = await store.dead(since=NOW + 5, limit=9)

        assert [one.id for one in first] == ["d0", "d1"]
        assert [one.id for one in await store.dead(after=first[-1].seq, limit=9)] == ["d2", "e0"]
        assert [one.id for one in late] == ["e0"]
        assert [one.id for one in await store.dead(connector="crm", limit=9)] == ["d1"]
        assert [one.id for one in await store.dead(rule="Other", event=late[0].event, limit=9)] == ["e0"]
        assert await store.dead(rule="Other", event=first[0].event, limit=9) == []

    async def test_a_run_is_decided_anew_but_for_what_somebody_holds(self, store: Store):
        await owe(store, owed("a", run="r", state=State.DEAD), owed("b", run="r", step=1))
        [held] = await claimed(store)

        def decide(run: Run):
            assert [one.id for one in run.deliveries] == ["a", "b"]
            return [replace(one, state=State.WAITING, rule_version="v2") for one in run.deliveries]

        assert await store.amend("r", decide) == 1
        a, b = await by_name(store, "a"), await by_name(store, "b")
        assert (a.state, a.rule_version, b.state, b.rule_version) == (State.WAITING, "v2", State.SENDING, "v1")
        assert held.delivery.id == "b"
        assert [one.id for one in (await store.run("r")).deliveries] == ["a", "b"]
        assert await store.run("nothing") is None

    async def test_what_is_released_is_due_when_it_would_have_been_and_no_text_goes(self, store: Store):
        def kept(due_at: float | None) -> dict[str, Any]:
            return {"state": State.HELD, "due_at": NOW + 99, "notes": {QUARANTINED: True, DUE_OTHERWISE: due_at}}

        await owe(
            store,
            text("t", run="r", **kept(NOW)),
            owed("below", run="r", step=1, **kept(None)),
            owed("now", **kept(NOW - 5)),
            owed("later", **kept(NOW + 50)),
        )
        [held] = await store.quarantined(limit=9)
        told = []

        def follow(run: Run):
            told.append([one.id for one in run.deliveries])
            return [run.deliveries[1].moved(State.CANCELLED, settled_at=NOW)]

        assert await store.release(held.id, follow, now=NOW) == 3
        assert await store.release(held.id, follow, now=NOW) == 0
        found = {one.id: (one.state, one.due_at, one.notes) for one in await store.deliveries(limit=9)}
        assert found["now"] == (State.WAITING, NOW, {})
        assert found["later"] == (State.WAITING, NOW + 50, {})
        assert found["t"][0] is State.SUPPRESSED
        assert found["below"][0] is State.CANCELLED
        assert told == [["t", "below"]]
        assert await store.quarantined(limit=9) == []

    async def test_an_event_is_judged_again_with_what_was_owed_before_at_hand(self, store: Store):
        await owe(store, owed("d1"))
        [one] = await store.deliveries(limit=9)
        seen = []

        def decide(event, known, earlier):
            seen.append((event.id, [d.id for d in earlier], known.ran("rule", "x")))
            return Plan(
                (Verdict("Log every call", "ran", "replayed"),), (owed("d1-r1", event.id),), (), (("rule", "x", "r"),)
            )

        assert len((await store.replan(one.event, decide, keep=False, **AGAIN)).owed) == 1
        assert len(await store.deliveries(limit=9)) == len(await store.verdicts(one.event)) == 1
        assert len((await store.replan(one.event, decide, **AGAIN)).owed) == 1
        assert await store.replan(event("none").id, decide, **AGAIN) is None
        await store.replan(one.event, decide, keep=False, **AGAIN)

        assert seen == [
            (one.event, ["d1"], False),
            (one.event, ["d1"], False),
            (one.event, ["d1", "d1-r1"], True),
        ]
        assert [verdict.why for verdict in await store.verdicts(one.event)] == ["", "replayed"]
        assert (await store.balance()).wrong is None

    async def test_the_wording_of_rules_is_found_by_version(self, store: Store):
        await store.save_rule("v1", "Log", '{"name": "Log"}', NOW)
        assert await store.rule_forms(["v1", "v2"]) == [("v1", '{"name": "Log"}')]
