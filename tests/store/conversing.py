"""What every ledger must know of texts that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store import ForeignText
from tests.store.ledger import ANN, BOB, NOW, accept, event, nothing_owed, plan

if TYPE_CHECKING:
    from relay.models import Event
    from relay.store import Store


async def receive(store: Store, key: str, at: float, *, caller: str = ANN, **call: object) -> Event:
    one = event(key, "text.received", at=at, caller=caller, **call)
    await store.accept_text(one, b"{}", None, now=at)
    return one


async def waiting(store: Store, until: float = NOW + 100) -> list[str]:
    return [one.key for one in await store.unanswered_texts(since=NOW - 100, until=until)]


class Conversing:
    async def test_a_text_waits_until_somebody_on_the_account_answers_by_text(self, store: Store):
        await receive(store, "t1", NOW)
        await receive(store, "t2", NOW + 10)
        await receive(store, "t3", NOW + 10, caller=BOB)
        assert await waiting(store) == ["t1", "t2", "t3"]
        await store.save_foreign_texts([ForeignText("f1", ANN, "1312", None, "On my way", NOW + 5)])
        assert await waiting(store) == ["t2", "t3"]

    async def test_an_answered_call_is_an_answer_and_a_missed_one_is_none(self, store: Store):
        await receive(store, "t1", NOW)
        await receive(store, "t2", NOW, caller=BOB)
        await accept(store, event("c1", caller=ANN, at=NOW + 5, outcome="answered"))
        await accept(store, event("c2", "call.missed", caller=BOB, at=NOW + 5))
        await plan(store, nothing_owed, now=NOW + 9)
        assert await waiting(store) == ["t2"]

    async def test_only_texts_within_the_time_are_told(self, store: Store):
        for place, at in enumerate((NOW - 101, NOW - 100, NOW, NOW + 100, NOW + 101)):
            await receive(store, f"t{place}", at)
        assert await waiting(store) == ["t2", "t3"]

    async def test_texts_that_may_ask_to_stop_are_told_newest_first(self, store: Store):
        await receive(store, "t1", NOW, review=True)
        await receive(store, "t2", NOW + 1)
        await receive(store, "t3", NOW + 2, review=True, caller=BOB)
        assert [one.key for one in await store.doubtful_texts(since=NOW - 1)] == ["t3", "t1"]
        assert [one.key for one in await store.doubtful_texts(since=NOW + 1)] == ["t3"]
