"""What every ledger does with texts that came in, and with texts that others on the account sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from relay.models import State
from relay.optout import MARK
from relay.store import ForeignText, Settlement
from tests.store.ledger import (
    ANN,
    BOB,
    DAY,
    NOW,
    OURS,
    begin,
    by_name,
    claimed,
    event,
    nobody_waits,
    owe,
    prefix,
    settle,
    text,
    with_cooldown,
)

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store

WORDS = "sorry we missed you"


def reply(key: str = "text-1", caller: str | None = ANN) -> Event:
    return event(key, "text.received", caller=caller, body="…")


def foreign(key: str = "sms_1", to: str = ANN, **fields: Any) -> ForeignText:
    return replace(ForeignText(key, to, prefix(to), OURS, "Your part is in.", NOW), **fields)


async def people(store: Store) -> list[str]:
    return [str(row["number"]) for row in await store.opt_outs(limit=9)]


class Replying:
    async def test_a_text_and_what_it_asks_for_are_written_down_together(self, store: Store, reopen: Any):
        accepted = await store.accept_text(reply(), b"{}", "stop", now=NOW)
        store = await reopen()

        assert not accepted.duplicate
        assert (await store.event("text-1")).id == accepted.event
        assert await people(store) == [ANN]

    async def test_a_repeat_of_a_text_asks_for_nothing_and_brings_nothing(self, store: Store):
        first = await store.accept_text(reply(), b"{}", "stop", now=NOW)
        await store.accept_text(reply("text-2"), b"{}", "start", now=NOW + 1)
        longer = replace(reply(), raw={"more": "fields"})
        again = await store.accept_text(longer, b"{}", "stop", now=NOW + 2)

        assert (again.event, again.duplicate, again.enriched) == (first.event, True, None)
        assert await people(store) == []

    async def test_a_start_takes_back_no_opt_out_that_is_younger_than_itself(self, store: Store):
        older, younger = replace(reply("old"), started_at=NOW - 60), replace(reply("new"), started_at=NOW + 60)
        await store.opt_out(ANN, now=NOW, how="by hand")
        await store.accept_text(older, b"{}", "start", now=NOW + 90)
        assert await people(store) == [ANN]
        await store.accept_text(replace(younger, key="stop", id="evt_stop"), b"{}", "stop", now=NOW + 90)
        await store.accept_text(replace(younger, started_at=NOW + 59), b"{}", "start", now=NOW + 91)
        assert await people(store) == [ANN]
        await store.accept_text(replace(younger, key="now", id="evt_now"), b"{}", "start", now=NOW + 92)
        assert await people(store) == []

    @pytest.mark.parametrize(("wish", "caller"), [(None, ANN), ("stop", None)])
    async def test_nobody_is_opted_out_who_did_not_ask_or_is_not_known(self, store: Store, wish: Any, caller: Any):
        await store.accept_text(reply(caller=caller), b"{}", wish, now=NOW)
        assert await people(store) == []

    async def test_a_stop_marks_what_is_planned_for_this_person_and_hurries_what_waits(self, store: Store):
        later = {"due_at": NOW + DAY, "state": State.WAITING}
        await owe(
            store, text("waits", action=None, **later), text("due"), text("held", **{**later, "state": State.HELD})
        )
        await owe(store, text("to another", BOB, **later), text("of another", **later), caller=BOB, now=NOW + 1)
        await store.accept_text(reply(), b"{}", "stop", now=NOW + 5)

        marked = {d.id: d.notes.get(MARK) for d in await store.deliveries(limit=9)}
        assert marked == {"waits": ANN, "due": ANN, "held": ANN, "to another": None, "of another": ANN}
        assert {d.id for d in await store.deliveries(limit=9) if d.due_at == NOW + 5} == {"waits", "held", "of another"}

    async def test_an_opt_out_says_how_many_texts_were_already_leaving(self, store: Store):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)
        await store.accept_text(reply(), b"{}", "stop", now=NOW)

        assert (await store.opt_outs(limit=9))[0]["how"] == "asked to stop by text; 1 already leaving"
        assert (await by_name(store, "t1")).state is State.SENDING

    async def test_a_text_by_somebody_else_counts_once_and_occupies_the_cooldown(self, store: Store):
        assert await store.save_foreign_texts([foreign(), foreign("sms_2", BOB)]) == 2
        assert await store.save_foreign_texts([foreign(), foreign("sms_2", BOB)]) == 0
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")

        assert (await begin(store, one, with_cooldown)).state is State.SUPPRESSED
        kept = await store.texts(limit=9)
        assert {(row["provider_id"], row["rule"], row["state"]) for row in kept} == {
            ("sms_1", "somebody on the account", "sent"),
            ("sms_2", "somebody on the account", "sent"),
        }

    @pytest.mark.parametrize("fate", [None, State.UNKNOWN, State.ABANDONED, State.DELIVERED])
    async def test_a_text_of_ours_in_the_list_is_not_somebody_elses_whatever_we_know_of_it(
        self, store: Store, fate: Any
    ):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)
        if fate is not None:
            await settle(store, one, fate, due_at=NOW)

        for listed in (foreign(body=WORDS), foreign(body=f" {WORDS}\n", at=NOW + 30), foreign(body=None, sender=None)):
            assert await store.save_foreign_texts([listed]) == 0
        assert len(await store.texts(limit=9)) == 1

    async def test_a_text_of_ours_whose_id_is_known_is_recognised_by_it(self, store: Store):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)
        await store.settle([Settlement(one.delivery.moved(State.DELIVERED), None, "sms_1")], nobody_waits)

        assert await store.save_foreign_texts([foreign(body="other words", at=NOW + DAY)]) == 0
        assert await store.save_foreign_texts([foreign("sms_2", body=WORDS)]) == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"body": "sorry"},
            {"sender": "+13125550143"},
            {"at": NOW - 61.0},
            {"at": NOW + 3601.0},
            {"recipient": BOB},
        ],
    )
    async def test_what_differs_from_ours_is_somebody_elses(self, store: Store, other: Any):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)

        assert await store.save_foreign_texts([replace(foreign(body=WORDS), **other)]) == 1

    async def test_the_same_words_twice_are_one_of_ours_and_one_of_theirs(self, store: Store):
        await owe(store, text("t1"))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one)

        assert await store.save_foreign_texts([foreign(body=WORDS), foreign("sms_2", body=WORDS)]) == 1

    async def test_a_shadow_text_was_never_sent_and_is_nobodys(self, store: Store):
        await owe(store, text("s1", shadow=True))
        (one,) = await claimed(store, "callscaler")
        await begin(store, one, with_cooldown)

        assert await store.save_foreign_texts([foreign(body=WORDS)]) == 1
