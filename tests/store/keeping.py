"""What every ledger does to stay small: it lets go of what is old, and of nothing owed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from relay.intake import merge
from relay.models import Finding, Owned, Plan, State, Verdict
from relay.store import ForeignText, RequestNote
from tests.store.ledger import (
    ANN,
    BOB,
    DAY,
    NOW,
    accept,
    always,
    begin,
    by_name,
    claimed,
    event,
    facts,
    nobody_waits,
    nothing_owed,
    owe,
    owed,
    plan,
    prefix,
    settle,
    text,
    with_cooldown,
)

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store

SAID = "my boiler is leaking"
LATER = NOW + DAY


async def arrived(store: Store, arrived: Event, *deliveries: Any) -> Event:
    """An event that is planned, and owes these."""
    await accept(store, arrived)
    owes = tuple(replace(delivery, event=arrived.id) for delivery in deliveries)
    judged = Verdict("A", "ran", findings=(Finding("call.summary", "has x", SAID, held=True),))
    await plan(store, always(Plan((judged,), owes)), now=arrived.received_at)
    return arrived


async def let_go(store: Store, *kinds: Any, before: float = LATER) -> list[int]:
    return [(await store.prune(kind, before=before)).rows for kind in kinds]


class Keeping:
    async def test_the_words_of_a_call_go_and_the_rest_of_it_stays(self, store: Store):
        raw = {"said": {"all": SAID}, "parts": [{"text": SAID}, "x"]}
        call = await arrived(store, replace(event(transcription=SAID, caller_name="Ann"), raw=raw), owed("d1"))
        (one,) = await claimed(store)
        await settle(store, one, State.DELIVERED)
        went = await let_go(store, "transcripts")
        left = await store.event(call.id)
        found = (await store.verdicts(call.id))[0].findings[0]

        assert went == [1]
        assert (left.call["caller_name"], left.raw) == ("Ann", {"said": {}, "parts": [{}, "x"]})
        assert SAID not in f"{left.call}{left.raw}{found}"
        assert (await by_name(store, "d1")).action is None
        assert await let_go(store, "transcripts") == [0]

    async def test_what_the_sender_wrote_goes_and_what_the_rules_read_stays(self, store: Store):
        call = await arrived(store, event(caller_name="Ann"), owed("d1"), owed("d2", step=1, state=State.DEAD))
        (one,) = await claimed(store)
        await settle(store, one, State.DELIVERED, receipt={"url": "x"})
        assert await let_go(store, "transcripts", "bodies") == [1, 1]
        left = await store.event(call.id)

        assert (left.raw, left.call["caller_name"]) == ({}, "Ann")
        assert ((await by_name(store, "d1")).action, (await by_name(store, "d1")).receipt) == (None, None)
        assert (await by_name(store, "d2")).action == {"message": "d2"}

    @pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
    async def test_fields_are_read_and_let_go_of_whether_or_not_the_body_is_word_for_word_what_they_are(
        self, store: Store, separators: tuple[str, str]
    ):
        call = event(transcription=SAID, caller_name="Änn", score=1.0, flag=True, none=None, more=[{"a": 1}])
        body = json.dumps(call.raw, separators=separators, ensure_ascii=False).encode()
        await store.accept(call, body, merge)
        assert (await store.event(call.id)).raw == call.raw

        brought = await store.accept(event(summary="a quote", at=NOW + 60), b"{}", merge)
        await plan(store, nothing_owed, now=NOW + 60)
        assert (await store.event(brought.enriched or "")).raw == {**call.raw, "summary": "a quote"}

        await let_go(store, "transcripts")
        assert (await store.event(call.id)).raw == {name: said for name, said in call.raw.items() if said != SAID}
        await let_go(store, "bodies")
        assert (await store.event(call.id)).raw == {}

    async def test_of_a_person_who_is_forgotten_nothing_is_read_from_the_body(self, store: Store):
        call = event(caller_name="Ann")
        await store.accept(call, json.dumps(call.raw, separators=(",", ":")).encode(), merge)
        await store.forget(ANN, now=LATER)

        assert (await store.event(call.id)).raw == {}

    async def test_a_pruned_event_is_recognised_and_raises_no_enrichment(self, store: Store):
        call = await arrived(store, event(transcription=SAID))
        for kind in ("transcripts", "bodies", "events"):
            assert await let_go(store, kind) == [1]
            again = await store.accept(event(transcription=SAID, at=LATER), b"{}", merge)
            assert (again.duplicate, again.event, again.enriched) == (True, call.id, None)

        assert await store.event(call.id) is None
        assert [one.id for one in await store.known("callscaler", "call-1")] == [call.id]
        assert await store.known("shop", "call-1") == []
        assert not (await store.accept(event(type="call.completed"), b"{}", merge)).duplicate
        assert (await store.totals())["duplicates"] == 3

    async def test_fields_that_were_not_pruned_still_enrich_a_call_without_its_words(self, store: Store):
        await arrived(store, event(transcription=SAID))
        await let_go(store, "transcripts")
        again = await store.accept(event(transcription=SAID, ai_score=80), b"{}", merge)
        enriched = await store.event(again.enriched)

        assert enriched.call["ai_score"] == 80
        assert "transcription" not in enriched.call

    async def test_an_enrichment_outlives_the_event_it_belongs_to(self, store: Store):
        first = await arrived(store, event())
        await arrived(store, event("call-2"))
        enriched = await store.accept(event(ai_score=80, at=LATER), b"{}", merge)
        assert await let_go(store, "events", before=LATER) == [2]
        again = await store.accept(event(ai_score=80), b"{}", merge)

        assert (again.event, again.enriched) == (first.id, None)
        assert await store.event(enriched.enriched) is not None

    @pytest.mark.parametrize("state", ["due", "waiting", "held"])
    async def test_nothing_owed_goes_however_old(self, store: Store, state: str):
        call = await arrived(store, event(transcription=SAID), owed("d1", state=State(state)))
        kinds = ("transcripts", "bodies", "attempts", "events")

        assert await let_go(store, *kinds) == [0, 0, 0, 0]
        assert (await store.event(call.id)).call["transcription"] == SAID

    async def test_tries_go_but_for_those_of_what_is_still_tried(self, store: Store):
        await owe(store, owed("d1"), owed("d2", step=1))
        one, two = await claimed(store)
        await settle(store, one, State.DELIVERED)
        await settle(store, two, State.DUE, due_at=NOW + 60)

        assert await let_go(store, "attempts") == [1]
        assert (len(await store.attempts("d1")), len(await store.attempts("d2"))) == (0, 1)

    async def test_a_whole_event_goes_and_the_sums_stay_right(self, store: Store):
        call = await arrived(store, event(), owed("d1"), owed("d2", step=1, state=State.SUPPRESSED))
        (one,) = await claimed(store)
        await settle(store, one, State.DELIVERED)
        await accept(store, event("call-2", at=LATER))
        assert await let_go(store, "events") == [1]
        balance = await store.balance()

        assert await store.verdicts(call.id) is None
        assert (await store.deliveries(limit=9), await store.attempts("d1")) == ([], [])
        assert (balance.accepted, balance.unplanned, balance.pruned) == (2, 1, 1)
        assert (balance.owed, balance.forgotten, balance.wrong) == (2, 2, None)
        assert (await store.totals())["events"] == 2

    async def test_facts_texts_and_opt_outs_outlive_the_events(self, store: Store):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        begun = await begin(store, one)
        await store.settle([], nobody_waits)
        await settle(store, replace(one, delivery=begun), State.DELIVERED)
        await store.opt_out(BOB, now=NOW, how="STOP")
        await accept(store, event("call-2", "call.completed", caller=ANN, duration=300))
        await plan(store, nothing_owed)
        assert await let_go(store, "texts", "events") == [1, 2]
        known = await facts(store, event("call-3", at=NOW + 60), now=NOW + 60)

        assert (known.is_new, known.had_long_call, known.calls_24h) == (False, True, 3)
        assert (known.last_texted_at, (await store.texts(limit=1))[0]["body"]) == (NOW, None)
        assert (await facts(store, event("call-4", caller=BOB))).opted_out
        await owe(store, text("t2"), now=NOW + 61)
        (two,) = await claimed(store, "callscaler", now=NOW + 61)
        assert (await begin(store, two, with_cooldown)).state is State.SUPPRESSED

    async def test_refused_requests_go_by_age(self, store: Store):
        for at in (NOW, LATER):
            await store.note_request(RequestNote("refused", at, "callscaler", 401, "no proof", "127.0.0.1", {}, b""))

        assert await let_go(store, "requests") == [1]
        assert [note.at for note in await store.requests(limit=9)] == [LATER]

    async def test_what_would_go_is_counted_and_stays(self, store: Store):
        await arrived(store, event())

        assert (await store.prunable("events", before=LATER)).rows == 1
        assert (await store.prunable("events", before=NOW)).rows == 0
        assert await store.event("call-1") is not None

    async def test_batches_go_on_where_the_last_one_ended(self, store: Store):
        for number in range(5):
            await arrived(store, event(f"call-{number}"), owed(f"d{number}", state=State.DEAD if number else State.DUE))
        first = await store.prune("events", before=LATER, limit=2)
        second = await store.prune("events", before=LATER, after=first.after, limit=2)
        third = await store.prune("events", before=LATER, after=second.after, limit=2)

        assert [one.rows for one in (first, second, third)] == [1, 2, 1]
        assert third.after is None
        assert [one.key for one in await store.events(limit=9)] == ["call-0"]

    async def test_room_that_is_not_needed_is_given_back(self, store: Store):
        await accept(store, *(event(f"call-{n}", notes="x" * 20_000) for n in range(50)))
        await plan(store, nothing_owed)
        full = await store.sizes()
        await let_go(store, "events")
        pruned = await store.sizes()
        while await store.shrink(limit=20):
            pass
        shrunk = await store.sizes()

        assert pruned.used < full.used / 3
        assert (pruned.file, shrunk.file) == (full.file, shrunk.used)

    async def test_the_sums_hold_through_everything_that_moves(self, store: Store):
        await owe(store, owed("d1"), owed("d2", step=1, state=State.WAITING), owed("d3", step=2, state=State.HELD))
        (one,) = await claimed(store)
        await settle(store, one, State.DEAD)
        await store.retry(["d1"], now=NOW)
        await store.cancel(["d2"], nobody_waits, now=NOW)
        await store.bury("team", "gone", now=NOW)
        await accept(store, event("call-9"), event("call-9", ai_score=1))
        balance = await store.balance()

        assert (balance.accepted, balance.planned, balance.unplanned) == (3, 1, 2)
        assert balance.states == {"cancelled": 1, "dead": 2}
        assert (balance.owed, balance.wrong) == (3, None)

    async def test_a_ledger_that_was_put_back_allows_texts_only_when_told(self, store: Store):
        await store.save_numbers([Owned("+13125550199", "n1")])
        await store.save_foreign_texts([ForeignText("sms_1", ANN, prefix(ANN), None, "hello", NOW)])

        assert not await store.restored()
        assert await store.texts_after_restore(nobody_waits, now=NOW) == 0
