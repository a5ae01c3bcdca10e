"""What every ledger tells those who look at it: pages, sums, and what was done about each event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.models import Plan, State, Verdict
from relay.store import ForeignText, RequestNote
from relay.store.answers import Asked
from relay.store.pages import Standing, Traffic
from tests.store.ledger import (
    ANN,
    BOB,
    NOW,
    OURS,
    accept,
    always,
    begin,
    claimed,
    event,
    owe,
    owed,
    plan,
    settle,
    text,
)

if TYPE_CHECKING:
    from relay.store import Store

HOUR = int(NOW // 3600)


class Looking:
    async def test_events_are_found_by_number_and_by_type(self, store: Store):
        await accept(store, event("a", "call.missed"), event("b", "call.completed"), event("c", "call.missed"))
        missed = await store.events(limit=9, kind="call.missed")
        ours = await store.events(limit=9, number=OURS, kind="call.completed")

        assert [one.key for one in missed] == ["c", "a"]
        assert [one.key for one in ours] == ["b"]
        assert await store.events(limit=9, number=BOB) == []

    async def test_inbound_calls_are_counted_once_in_their_hour(self, store: Store):
        await accept(
            store,
            event("a", outcome="missed"),
            event("b", outcome="missed"),
            event("c", "call.completed", outcome="answered", at=NOW + 3600),
            event("d", "call.completed", outcome="answered", direction="outbound"),
            event("e", is_test=True),
        )
        await plan(store, always(Plan(())))

        assert await store.traffic(since=NOW - 86400) == [
            Traffic(HOUR, OURS, "missed", 2),
            Traffic(HOUR + 1, OURS, "answered", 1),
        ]
        assert await store.traffic(since=NOW + 3600) == [Traffic(HOUR + 1, OURS, "answered", 1)]

    async def test_a_call_that_turns_out_to_be_answered_is_counted_as_that_alone(self, store: Store):
        await accept(store, event("a", outcome="missed"))
        await accept(store, event("a", "call.completed", outcome="answered"))
        await accept(store, event("a", "call.voicemail", outcome="voicemail"))
        await plan(store, always(Plan(())))

        assert await store.traffic(since=0) == [Traffic(HOUR, OURS, "answered", 1)]

    async def test_verdicts_are_counted_by_rule(self, store: Store):
        await accept(store, event("a"), event("b"))
        await plan(store, always(Plan((Verdict("A", "ran"), Verdict("B", "skipped")))))
        await accept(store, event("c"))
        await plan(store, always(Plan((Verdict("A", "skipped"),))), now=NOW + 7200)

        assert await store.ruled(since=NOW) == {"A": {"ran": 2, "skipped": 1}, "B": {"skipped": 2}}
        assert await store.ruled(since=NOW + 3600) == {"A": {"skipped": 1}}

    async def test_what_is_owed_is_told_by_connector(self, store: Store):
        await owe(
            store,
            owed("d1"),
            owed("d2", step=1),
            owed("d3", step=2, connector="crm", state=State.WAITING),
            owed("d4", step=3, connector="crm", state=State.DELIVERED),
        )
        [first] = await claimed(store, slots=1)
        await settle(store, first, State.DEAD)

        assert await store.backlog() == {"team": {"dead": 1, "due": 1}, "crm": {"waiting": 1}}

    async def test_a_glance_tells_verdicts_and_deliveries_of_each_event(self, store: Store):
        await owe(store, owed("d1"), owed("d2", step=1))
        [planned] = await store.events(limit=1)
        await accept(store, event("later"))
        [later] = await store.events(limit=1)
        seen = await store.glances([planned.id, later.id])

        assert [one.id for one in seen[planned.id].deliveries] == ["d1", "d2"]
        assert [one.word for one in seen[planned.id].verdicts or ()] == ["ran"]
        assert (seen[later.id].verdicts, seen[later.id].deliveries) == (None, ())
        assert await store.glances([]) == {}

    async def test_the_events_of_one_call_are_told_in_their_order(self, store: Store):
        await accept(store, event("a"), event("b"), event("a", "call.completed"), event("a", source="other"))
        assert [one.type for one in await store.of_call("callscaler", "a")] == ["call.missed", "call.completed"]

    async def test_one_delivery_is_found_by_its_id(self, store: Store):
        await owe(store, owed("d1"))
        found = await store.delivery("d1")
        assert found is not None
        assert found.connector == "team"
        assert await store.delivery("d9") is None

    async def test_texts_are_told_page_by_page_also_where_two_went_at_once(self, store: Store):
        await owe(store, text("t1"), text("t2", to=BOB, step=1, run="r2"), text("t3", step=2, run="r3"))
        for one in await claimed(store, "callscaler"):
            await begin(store, one)
        pages, before = [], None
        while found := await store.texts_page(limit=1, before=before):
            pages += [row["id"] for row in found]
            before = (found[-1]["at"], found[-1]["id"])

        assert pages == ["t3", "t2", "t1"]
        assert [row["id"] for row in await store.texts_page(limit=9, person=BOB)] == ["t2"]
        assert await store.texts_since(NOW) == 3
        assert await store.texts_since(NOW + 1) == 0

    async def test_a_text_names_the_event_it_answers_as_long_as_that_is_kept(self, store: Store):
        await owe(store, text("t1"))
        [planned] = await store.events(limit=1)
        [one] = await claimed(store, "callscaler")
        begun = await begin(store, one)
        await settle(store, replace(one, delivery=begun), State.DELIVERED)
        await store.save_foreign_texts([ForeignText("sms_1", BOB, "+1312", None, "by hand", NOW - 1)])

        for texts in (await store.texts(limit=9), await store.texts_page(limit=9)):
            assert [(row["id"], row["event"]) for row in texts] == [("t1", planned.id), ("listed:sms_1", None)]
        for kind in ("transcripts", "bodies", "events"):
            await store.prune(kind, before=NOW + 1, limit=9)
        assert [row["event"] for row in await store.texts_page(limit=9)] == [None, None]

    async def test_a_person_s_standing_is_told(self, store: Store):
        await accept(store, event("a"))
        await plan(store, always(Plan((), tags=((ANN, "vip"), (ANN, "lead")))))
        await store.opt_out(ANN, now=NOW, how="STOP")

        assert await store.standing(ANN) == Standing(NOW, "STOP", ("lead", "vip"))
        assert await store.standing(BOB) == Standing()

    async def test_refused_requests_are_told_page_by_page(self, store: Store):
        for number in range(3):
            await store.note_request(RequestNote("refused", NOW, "s", 401, f"reason {number}", "192.0.2.9"))
        [first] = await store.requests(limit=1, kind="refused")
        rest = await store.requests(limit=9, kind="refused", before=first.seq)

        assert [one.reason for one in (first, *rest)] == ["reason 2", "reason 1", "reason 0"]

    async def test_an_act_is_known_by_its_key_for_a_day(self, store: Store):
        assert await store.begin_act("k", "retry d1", now=NOW) is None
        assert await store.begin_act("k", "retry d1", now=NOW + 1) == Asked("retry d1", None, NOW)
        await store.end_act("k", '{"retried": 1}')
        assert await store.begin_act("k", "retry d2", now=NOW + 2) == Asked("retry d1", '{"retried": 1}', NOW)
        assert await store.begin_act("k", "retry d2", now=NOW + 86401) is None
        await store.end_act("k", None)
        assert await store.begin_act("k", "retry d3", now=NOW + 86402) is None

    async def test_the_pulse_changes_when_something_happens_and_only_then(self, store: Store):
        still = await store.pulse()
        assert await store.pulse() == still
        await accept(store, event("a"))
        arrived = await store.pulse()
        await plan(store, always(Plan((), (owed("d1", event("a").id),))))
        planned = await store.pulse()
        [one] = await claimed(store)
        await settle(store, one, State.DELIVERED)

        assert len({still, arrived, planned, await store.pulse()}) == 4
