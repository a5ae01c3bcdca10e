"""What people did stays written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.models import Act
from tests.store.ledger import NOW

if TYPE_CHECKING:
    from relay.store import Store


class Auditing:
    async def test_what_people_did_is_listed_newest_first_and_page_by_page(self, store: Store):
        for nth in range(3):
            await store.note_act(Act(NOW + nth, "admin, from 127.0.0.1", "retry", f'{{"ids": ["d{nth}"]}}', "c1"))
        first = await store.acts(limit=2)
        second = await store.acts(limit=2, before=first[-1].seq)

        assert [act.about for act in (*first, *second)] == ['{"ids": ["d2"]}', '{"ids": ["d1"]}', '{"ids": ["d0"]}']
        assert (first[0].who, first[0].what, first[0].config, first[0].at) == (
            "admin, from 127.0.0.1", "retry", "c1", NOW + 2,
        )  # fmt: skip

    async def test_what_came_of_it_is_told_once_and_stands(self, store: Store):
        falls = await store.note_act(Act(NOW, "admin", "retry", "{}", "c1"))
        ends = await store.note_act(Act(NOW, "admin", "retry", "{}", "c1"))
        await store.note_act(Act(NOW, "admin", "reveal", "{}", "c1", outcome="shown"))
        await store.tell_outcome(ends, "refused: there is no plan")
        await store.tell_outcome(ends, "done")

        assert [(act.seq, act.outcome) for act in (await store.acts(limit=9))[1:]] == [
            (ends, "refused: there is no plan"),
            (falls, None),
        ]
        assert (await store.acts(limit=1))[0].outcome == "shown"

    async def test_what_people_did_is_never_changed_or_deleted(self, store: Store):
        await store.note_act(Act(NOW, "admin", "retry", "{}", "c1"))
        for statement in ("delete from acts", "update acts set what = 'nothing'", "update acts set at = 0"):
            with pytest.raises(Exception, match="stays written"):
                await store._write(lambda connection, statement=statement: connection.execute(statement))  # type: ignore[attr-defined]
        assert [act.what for act in await store.acts(limit=9)] == ["retry"]
