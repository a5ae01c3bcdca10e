"""What every ledger does where things are done again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.models import Plan, State, Verdict
from tests.store.ledger import NOW, WINDOWS, by_name, claimed, event, owe, owed, prefix

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
