"""What every ledger does with events: written once, planned in order, counted."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from relay.intake import merge
from relay.models import Attempt, Finding, NumberFacts, Owned, Plan, State, Verdict
from relay.store import RequestNote, Settlement
from tests.store.ledger import (
    ANN,
    BOB,
    DAY,
    NOW,
    OURS,
    accept,
    always,
    by_name,
    claimed,
    event,
    facts,
    nobody_waits,
    nothing_owed,
    owe,
    owed,
    plan,
)

if TYPE_CHECKING:
    from relay.models import Event, Known
    from relay.store import Store
    from relay.store.sql.connection import Connection


class Arrivals:
    async def test_an_event_is_recognised_by_source_key_and_type(self, store: Store):
        first = await store.accept(event(), b"{}", merge)
        again = await store.accept(event(at=NOW + 9), b"{}", merge)
        other_type = await store.accept(event(type="call.completed"), b"{}", merge)
        other_source = await store.accept(event(source="shop"), b"{}", merge)

        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.event == first.event
        assert not other_type.duplicate
        assert not other_source.duplicate
        assert (await store.totals())["events"] == 3
        assert (await store.totals())["duplicates"] == 1

    async def test_a_hundred_copies_at_once_leave_one_event(self, store: Store):
        answers = await asyncio.gather(*(store.accept(event(at=NOW + n), b"{}", merge) for n in range(100)))

        assert sum(not answer.duplicate for answer in answers) == 1
        assert len({answer.event for answer in answers}) == 1
        assert len(await store.events(limit=10)) == 1

    async def test_of_many_at_once_the_known_ones_are_recognised_and_the_new_ones_kept_in_order(self, store: Store):
        known = await store.accept(event("call-7"), b"{}", merge)
        many = [event(f"call-{n % 40}", at=NOW + n) for n in range(45)]
        answers = await asyncio.gather(*(store.accept(one, b"{}", merge) for one in many))

        assert [n for n, answer in enumerate(answers) if answer.duplicate] == [7, 40, 41, 42, 43, 44]
        assert answers[7].event == known.event
        assert [answers[n].event for n in range(40, 45)] == [answers[n].event for n in range(5)]
        new = [answer.event for answer in answers if not answer.duplicate]
        assert [one.id for one in reversed(await store.events(limit=50))] == [known.event, *new]
        assert (await store.totals())["events"] == 40

    async def test_a_merge_that_fails_fails_none_of_the_events_beside_it(self, store: Store):
        await store.accept(event("call-1"), b"{}", merge)

        def broken(known: Event, again: Event) -> Event:
            raise ZeroDivisionError

        work = [store.accept(event(f"call-{n}"), b"{}", broken) for n in range(3)]
        answers = await asyncio.gather(*work, return_exceptions=True)
        assert [isinstance(answer, ZeroDivisionError) for answer in answers] == [False, True, False]
        assert len(await store.events(limit=9)) == 3

    async def test_a_repeat_that_brings_missing_fields_raises_one_enriched_event(self, store: Store):
        first = await store.accept(event(caller_name=None), b"{}", merge)
        brought = await store.accept(event(summary="wants a quote", at=NOW + 60), b"{}", merge)
        again = await store.accept(event(summary="wants a quote", at=NOW + 90), b"{}", merge)
        more = await store.accept(event(ai_score=80, at=NOW + 120), b"{}", merge)

        assert brought.event == again.event == more.event == first.event
        assert brought.enriched is not None
        assert again.enriched is None
        kept = await store.known("callscaler", "call-1")
        assert [(one.type, one.of_type, one.nth) for one in kept] == [
            ("call.missed", "call.missed", 0),
            ("call.enriched", "call.missed", 1),
            ("call.enriched", "call.missed", 2),
        ]
        assert kept[2].raw["summary"] == "wants a quote"
        assert kept[2].raw["ai_score"] == 80

    async def test_a_merge_that_fails_leaves_the_ledger_as_it_was(self, store: Store):
        def broken(known: Event, again: Event) -> Event | None:
            raise ZeroDivisionError

        await accept(store, event())
        with pytest.raises(ZeroDivisionError):
            await store.accept(event(at=NOW + 1), b"{}", broken)

        assert (await store.totals())["duplicates"] == 0
        assert (await store.accept(event("call-2"), b"{}", merge)).duplicate is False

    async def test_an_event_comes_back_as_it_went_in(self, store: Store):
        whole = replace(
            event(summary="“ok” 🙂", started_at=NOW - 30), caller_raw="(312) 555-0101", age_known=False, late=True
        )
        await accept(store, whole)

        assert replace(await store.event(whole.id), seq=0) == whole

    @pytest.mark.parametrize("hostile", ["\ud800 half a character", "a\x00b", "\u2028\u202e", "🙂" * 500])
    async def test_nothing_a_stranger_writes_is_refused_by_the_ledger(self, store: Store, hostile: str):
        arrived = replace(event(summary=hostile), caller_raw=hostile)
        await accept(store, arrived, event(ai_score=1, at=NOW + 5))
        await owe(store, owed("d1", action={"message": hostile}))
        (one,) = await claimed(store)
        told = Attempt("d1", 1, NOW, 0.1, "delivered", hostile)
        done = one.delivery.moved(State.DELIVERED, receipt={"body": hostile}, notes={"seen": hostile}, reason=hostile)
        held = await store.settle([Settlement(done, told)], nobody_waits)
        await store.note_request(RequestNote("refused", NOW, hostile, 401, hostile, hostile, {"x": hostile}, b""))

        assert held == 1
        assert (await store.event(arrived.id)).call["summary"] == hostile
        assert (await by_name(store, "d1")).receipt == {"body": hostile}
        assert len(await store.attempts("d1")) == 1

    async def test_accepted_events_are_there_when_the_ledger_is_opened_again(self, store: Store, reopen: Any):
        await accept(store, event("call-1"), event("call-2"))
        later = await reopen()

        assert [one.key for one in await later.events(limit=10)] == ["call-2", "call-1"]
        assert (await later.accept(event("call-1"), b"{}", merge)).duplicate

    async def test_requests_stay_readable_newest_first_and_by_kind(self, store: Store):
        for number, kind in enumerate(("refused", "test", "refused")):
            await store.note_request(
                RequestNote(kind, NOW + number, "callscaler", 401, "no proof", "127.0.0.1", {"Host": "x"}, b"body")
            )

        assert [note.at - NOW for note in await store.requests(limit=10)] == [2, 1, 0]
        assert [note.at - NOW for note in await store.requests(limit=10, kind="test")] == [1]
        assert (await store.requests(limit=1))[0].headers == {"Host": "x"}
        assert {name: (await store.totals())[name] for name in ("refused", "tests")} == {"refused": 2, "tests": 1}


class Planning:
    async def test_events_are_planned_once_in_the_order_of_their_arrival(self, store: Store):
        seen: list[str] = []

        def decide(event: Event, known: Known) -> Plan:
            seen.append(event.key)
            return nothing_owed(event, known)

        await accept(store, *(event(f"call-{n}") for n in range(5)))
        counts = [await plan(store, decide, limit=2) for _ in range(4)]

        assert seen == [f"call-{n}" for n in range(5)]
        assert counts == [2, 2, 1, 0]
        assert (await store.totals())["unplanned"] == 0

    async def test_the_facts_of_an_event_hold_those_before_it_in_the_same_batch(self, store: Store):
        seen: list[tuple[int, bool, bool]] = []

        def decide(event: Event, known: Known) -> Plan:
            caller = known.caller()
            seen.append((caller.calls_1h, caller.is_new, known.ran("Once", "x")))
            return Plan((Verdict("Once", "ran"),), once=(("Once", "x", event.id),))

        await accept(store, *(event(f"call-{n}") for n in range(3)))
        await plan(store, decide)

        assert seen == [(1, True, False), (2, False, True), (3, False, True)]

    async def test_verdicts_and_deliveries_are_read_as_they_were_decided(self, store: Store):
        arrived = event()
        verdicts = (
            Verdict("A", "skipped", "if", (Finding("call.ai_score", "at least 60", "42", held=False),)),
            Verdict("B", "held", "quiet", until=NOW + 60),
        )
        whole = owed(
            "d1", arrived.id, lane="A", notes={"n": [1]}, reason="why", state=State.WAITING, due_at=None, shadow=True
        )
        await accept(store, arrived)
        before = await store.verdicts(arrived.id)
        await plan(store, always(Plan(verdicts, (whole,))))

        assert before is None
        assert await store.verdicts(arrived.id) == verdicts
        assert replace(await by_name(store, "d1"), seq=0) == whole

    async def test_a_decision_that_fails_is_a_verdict_and_holds_up_no_other_event(self, store: Store):
        def decide(event: Event, known: Known) -> Plan:
            if event.key == "call-2":
                raise ZeroDivisionError("in a rule")
            return Plan((Verdict("Log", "ran"),), (owed(f"of {event.key}", event.id),))

        arrived = [event(f"call-{n}") for n in range(1, 4)]
        await accept(store, *arrived)
        assert await plan(store, decide) == 3

        (said,) = await store.verdicts(arrived[1].id) or ()
        assert said.word == "error"
        assert "in a rule" in said.why
        assert {delivery.id for delivery in await store.deliveries(limit=9)} == {"of call-1", "of call-3"}

    async def test_a_plan_that_cannot_be_written_is_a_verdict_and_leaves_no_half_of_itself(self, store: Store):
        def decide(event: Event, known: Known) -> Plan:
            return Plan((), (owed(f"of {event.key}", event.id), owed("the same", event.id)), tags=((ANN, event.key),))

        arrived = [event("call-1"), event("call-2")]
        await accept(store, *arrived)
        await plan(store, decide)

        (said,) = await store.verdicts(arrived[1].id) or ()
        assert said.word == "error"
        assert {delivery.id for delivery in await store.deliveries(limit=9)} == {"of call-1", "the same"}
        assert (await facts(store, event("call-3"))).tags == ("call-1",)


class Facts:
    async def test_calls_are_counted_within_their_windows(self, store: Store):
        for hours in (1000, 100, 10, 0.5):
            await accept(store, event(f"call-{hours}", at=NOW, started_at=NOW - hours * 3600))
        known = await facts(store, event("call-now"))

        assert (known.calls_1h, known.calls_24h, known.calls_7d, known.calls_30d) == (2, 3, 4, 4)
        assert not known.is_new

    async def test_an_answered_call_after_this_one_is_known_and_one_before_is_not(self, store: Store):
        await accept(store, event("before", "call.completed", started_at=NOW - 60))
        alone = await facts(store, event("call-1", started_at=NOW))
        await accept(store, event("after", "call.completed", started_at=NOW + 60))
        followed = await facts(store, event("call-2", started_at=NOW))

        assert not alone.answered_since
        assert followed.answered_since

    async def test_a_call_that_was_answered_stays_answered(self, store: Store):
        await accept(store, event("call-1", "call.completed"))
        known = await facts(store, event("call-1", "call.missed", at=NOW + 5))

        assert known.answered_since
        assert known.calls_1h == 1

    async def test_a_caller_who_becomes_known_later_is_counted(self, store: Store):
        await accept(store, event("call-1", caller=None))
        await store.accept(event("call-1", summary="new", at=NOW + 5), b"{}", merge)

        assert (await facts(store, event("call-2"))).calls_1h == 2

    async def test_calls_to_a_number_are_counted_as_if_one_by_one_whatever_is_corrected(self, store: Store):
        dice = random.Random(7)  # noqa: S311 - the same throws every time
        edges = [0.0, 3600.0, 7 * DAY, 7 * DAY - 3600.0, 30 * DAY, 30 * DAY + 3600.0, 31 * DAY]
        calls: dict[str, tuple[float, bool]] = {}
        for nth in range(120):
            key = f"call-{dice.randrange(70)}"
            kind = dice.choice(["call.completed", "call.missed", "call.voicemail"])
            began = NOW - dice.choice(edges) + dice.choice([-1.0, -0.001, 0.0, 0.001, 1.0, 1800.0])
            arrived = event(key, kind, at=NOW + nth, started_at=began)
            if (await store.accept(arrived, b"{}", merge)).duplicate:
                continue
            before, answered = calls.get(key, (began, False))
            calls[key] = (min(before, began), answered or kind == "call.completed")
        seen: list[NumberFacts] = []

        def decide(event: Event, known: Known) -> Plan:
            seen.append(known.number())
            return nothing_owed(event, known)

        await plan(store, nothing_owed, limit=500)
        await accept(store, event("call-far", started_at=NOW - 100 * DAY))
        await plan(store, decide)

        week = [answered for began, answered in calls.values() if began > NOW - 7 * DAY]
        month = [answered for began, answered in calls.values() if began > NOW - 30 * DAY]
        assert (seen[0].calls_7d, seen[0].answered_7d) == (len(week), sum(week))
        assert (seen[0].calls_30d, seen[0].answered_30d) == (len(month), sum(month))
        assert seen[0].first_call_at == min(began for began, _ in calls.values() if began > NOW - 30 * DAY)

    async def test_a_number_is_described_as_last_read(self, store: Store):
        seen: list[Any] = []

        def decide(event: Event, known: Known) -> Plan:
            seen.append(known.number())
            return nothing_owed(event, known)

        old = Owned(OURS, "n1", "Main", "Sales", "g1", "active", True, NOW - DAY, NOW)
        await store.save_numbers([old, replace(old, number=BOB)])
        await store.save_numbers([replace(old, group="Parked", sms_enabled=None)])
        await accept(store, event(), event("call-2", "call.completed"))
        await plan(store, decide)

        assert await store.numbers() == [replace(old, group="Parked", sms_enabled=None)]
        assert seen[1].owned.group == "Parked"
        assert (seen[1].calls_7d, seen[1].answered_7d) == (2, 1)

    async def test_the_week_counts_the_calls_that_were_planned_just_before(self, store: Store):
        seen: list[Any] = []

        def decide(event: Event, known: Known) -> Plan:
            seen.append(known.business())
            return nothing_owed(event, known)

        await accept(store, event(), event("call-2", "call.completed"))
        await plan(store, decide)

        assert [(week.calls_7d, week.answered_7d) for week in seen] == [(1, 0), (2, 1)]

    async def test_a_sum_that_was_added_to_in_what_failed_is_what_it_was_before(self, store: Store):
        add = (
            "insert into traffic (hour, number, outcome, calls) values (?, ?, ?, ?) "
            "on conflict (hour, number, outcome) do update set calls = traffic.calls + excluded.calls"
        )

        def work(connection: Connection) -> list[tuple[str, int]]:
            connection.sum_up(add, (1, "a", "missed"), 2)
            for number in ("a", "b"):
                with contextlib.suppress(ZeroDivisionError), connection.apart():
                    connection.sum_up(add, (1, number, "missed"), 5)
                    connection.write_sums()
                    assert len(connection.execute("select * from traffic").fetchall()) > 0
                    raise ZeroDivisionError
            with connection.apart():
                connection.sum_up(add, (1, "c", "missed"), 7)
            connection.write_sums()
            found = connection.execute("select * from traffic order by number")
            return [(row["number"], row["calls"]) for row in found]

        def fails(connection: Connection) -> None:
            connection.sum_up(add, (1, "a", "missed"), 100)
            raise ZeroDivisionError

        assert await store._write(work) == [("a", 2), ("c", 7)]  # type: ignore[attr-defined]
        with pytest.raises(ZeroDivisionError):
            await store._write(fails)  # type: ignore[attr-defined]
        assert await store._write(work) == [("a", 4), ("c", 14)]  # type: ignore[attr-defined]

    async def test_an_opt_out_is_kept_until_it_is_taken_back(self, store: Store, reopen: Any):
        await store.opt_out(ANN, now=NOW, how="STOP")
        await store.opt_out(ANN, now=NOW + 1, how="STOP")
        asked = await facts(store, event("call-1"))
        other = await facts(store, event("call-2", caller=BOB))
        store = await reopen()
        later = await facts(store, event("call-3"))
        back, again = await store.opt_in(ANN), await store.opt_in(ANN)

        assert (asked.opted_out, other.opted_out, later.opted_out) == (True, False, True)
        assert (back, again) == (True, False)
        assert not (await facts(store, event("call-4"))).opted_out
