from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.store.sealing import SETTING, read_keys
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.apart import Apart
from tests.store.contract import StoreContract

if TYPE_CHECKING:
    from pathlib import Path

KEYS = read_keys({SETTING: "ZmFsc2Uga2V5IHRoYXQgc2VhbHMgb25seSB0ZXN0cyE="})

INSIDE = (
    "test_a_decision_that_fails_is_a_verdict_and_holds_up_no_other_event",
    "test_a_follow_that_fails_does_not_undo_what_has_settled",
    "test_a_merge_that_fails_fails_none_of_the_events_beside_it",
    "test_a_merge_that_fails_leaves_the_ledger_as_it_was",
    "test_a_number_is_described_as_last_read",
    "test_a_plan_that_cannot_be_written_is_a_verdict_and_leaves_no_half_of_itself",
    "test_a_planned_move_that_may_not_go_is_held_with_the_reason",
    "test_a_rules_move_that_may_not_go_is_held_or_suppressed",
    "test_a_run_is_decided_anew_but_for_what_somebody_holds",
    "test_a_run_that_asks_holds_all_of_it_until_it_is_answered",
    "test_a_step_below_that_is_under_way_is_left_to_its_holder",
    "test_a_step_that_settles_lets_the_steps_below_it_know",
    "test_a_step_whose_decision_fails_is_dead_and_holds_up_no_other",
    "test_a_sum_that_was_added_to_in_what_failed_is_what_it_was_before",
    "test_a_text_is_marked_before_it_leaves_and_counts_at_once",
    "test_a_text_that_is_not_sent_lets_the_steps_below_it_know",
    "test_an_event_is_judged_again_with_what_was_owed_before_at_hand",
    "test_calls_to_a_number_are_counted_as_if_one_by_one_whatever_is_corrected",
    "test_events_are_planned_once_in_the_order_of_their_arrival",
    "test_texts_count_against_a_limit_until_its_window_is_over",
    "test_the_facts_of_an_event_hold_those_before_it_in_the_same_batch",
    "test_the_week_counts_the_calls_that_were_planned_just_before",
    "test_waiting_and_held_deliveries_are_decided_when_their_time_comes",
    "test_what_is_released_is_due_when_it_would_have_been_and_no_text_goes",
    "test_what_people_did_is_never_changed_or_deleted",
)
"""Tests whose decisions stand inside of them, where no other process finds them; all other backends hold them."""


class TestOnAFile(StoreContract):
    def opened(self, path: Path) -> SqliteStore:
        return SqliteStore(path)

    @pytest.fixture
    async def store(self, tmp_path: Path):
        opened = self.opened(tmp_path / "relay.db")
        yield opened
        await opened.close()

    @pytest.fixture
    async def reopen(self, store: SqliteStore, tmp_path: Path):
        opened = []

        async def again():
            await store.close()
            opened.append(self.opened(tmp_path / "relay.db"))
            return opened[-1]

        yield again
        for one in opened:
            await one.close()


class TestApart(TestOnAFile):
    """The same written by a process of its own."""

    def opened(self, path: Path) -> SqliteStore:
        return SqliteStore(path, apart=Apart(path))


for _name in INSIDE:
    assert callable(getattr(TestApart, _name))
    setattr(TestApart, _name, None)


class TestSealed(TestOnAFile):
    def opened(self, path: Path) -> SqliteStore:
        return SqliteStore(path, keys=KEYS)


class TestInMemory(StoreContract):
    @pytest.fixture
    async def store(self):
        opened = SqliteStore(None)
        yield opened
        await opened.close()

    @pytest.fixture
    def reopen(self):
        pytest.skip("what is in memory ends with its process")
