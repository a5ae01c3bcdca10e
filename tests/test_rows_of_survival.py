"""Every row of the catalogues of storage (S1 to S20), dispatch (D1 to D19) and process (O1 to O14) has tests; where.

The rows stand in reliability.md, 2.2, 2.3 and 2.10. What no other file tests is tested here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.apps import relaying
from tests.named import functions_of

HERE = Path(__file__).parent
RELAY = HERE.parent / "relay"
ROWS = {
    "S1": ["crash/test_crash.py::test_kills_lose_nothing_and_text_nobody_twice",
           "soak/soak_crash.py::test_a_hundred_kills_lose_nothing_and_text_nobody_twice"],
    "S2": ["faults/test_full_disk.py::test_a_full_disk_loses_nothing_and_recovers",
           "test_server.py::test_a_full_disk_is_503_and_nothing_is_answered_that_was_not_written"],
    "S3": ["faults/full_disk.py::test_what_is_old_can_be_deleted_although_the_disk_is_full"],
    "S4": ["faults/test_io_errors.py::test_after_a_failed_fsync_nothing_is_acknowledged_any_more",
           "faults/test_io_errors.py::test_a_service_whose_fsync_fails_answers_503_and_ends_for_its_supervisor"],
    "S5": ["faults/test_io_errors.py::test_the_nth_write_that_finds_the_disk_full_loses_nothing",
           "soak/soak_faults.py::test_no_write_that_fails_loses_what_was_acknowledged"],
    "S6": ["faults/test_io_errors.py::test_a_slow_disk_makes_acknowledgements_wait_and_nothing_else"],
    "S7": ["store/test_engine.py::test_somebody_else_who_writes_is_waited_for_and_then_refused_without_harm",
           "faults/test_locked_ledger.py::test_while_somebody_else_writes_it_is_503_and_then_an_alert_says_so"],
    "S8": ["test_rows_of_survival.py::test_s8_whoever_writes_to_the_file_says_so_from_the_beginning"],
    "S9": ["store/test_opening.py::test_a_second_process_is_refused_and_told_which_one_holds_the_ledger",
           "test_end_to_end.py::test_a_second_relay_on_the_same_ledger_is_refused"],
    "S10": ["faults/test_starting.py::test_a_ledger_that_cannot_be_opened_is_told_in_one_line",
            "store/test_opening.py::test_a_folder_that_is_not_there_is_named"],
    "S11": ["store/test_soundness.py::test_a_damaged_page_is_found_at_the_start_and_the_file_is_copied_aside_once",
            "store/test_soundness.py::test_a_log_that_was_cut_off_is_served_as_far_as_it_goes"],
    "S12": ["store/test_opening.py::test_a_ledger_of_a_newer_version_is_refused_by_writers_and_readers",
            "store/test_migrating.py::test_a_change_that_fails_half_way_changes_nothing"],
    "S13": ["store/test_backup.py::test_a_copy_of_a_ledger_in_use_holds_what_is_still_in_its_log",
            "store/test_backup.py::test_a_damaged_copy_is_found_out"],
    "S14": ["store/test_backup.py::test_a_reading_that_takes_too_long_is_broken_off_and_the_next_one_answered",
            "test_upkeep.py::test_a_log_that_grows_raises_an_alert"],
    "S15": ["store/test_indexes.py::test_a_claim_reads_no_more_rows_than_it_takes",
            "store/keeping.py::test_batches_go_on_where_the_last_one_ended"],
    "S16": ["store/forgetting.py::test_what_was_owed_is_called_off_and_whoever_holds_it_finds_the_claim_over",
            "store/test_forgetting.py::test_the_files_hold_nothing_of_a_person_who_was_forgotten"],
    "S17": ["store/test_postgres_engine.py::test_connections_that_break_are_replaced",
            "store/test_postgres_failover.py::test_a_failover_loses_nothing_that_was_acknowledged_and_is_found_by_itself",
            "crash/test_lost_servers.py::test_a_failover_is_503_until_promotion_and_what_was_acknowledged_is_known",
            "store/test_postgres_several.py::test_two_relays_take_every_delivery_once_and_a_lane_is_one_s_own",
            "store/test_postgres_engine.py::test_a_server_that_answers_before_it_is_safe_is_refused"],
    "S18": ["store/test_postgres_engine.py::test_a_commit_whose_answer_is_lost_is_busy_and_its_repeat_a_duplicate",
            "crash/test_lost_servers.py::test_a_commit_whose_answer_is_lost_is_503_and_its_repeat_has_the_first_id"],
    "S19": ["crash/test_cluster.py::test_relays_that_are_frozen_beyond_their_leases_and_woken_change_nothing",
            "store/queueing.py::test_a_late_settlement_is_refused_and_its_try_still_listed"],
    "S20": ["test_restoring.py::test_a_backup_put_back_is_whole_and_texts_nobody_again",
            "test_restoring.py::test_what_a_backup_owes_to_others_goes_out_under_the_same_key"],
    "D1": ["test_http_answers.py::test_every_status_says_what_to_do_next",
           "test_http_answers.py::test_retry_after_is_read_as_seconds_or_date_and_clamped",
           "test_http_answers.py::test_no_retry_after_breaks_anything"],
    "D2": ["test_gates.py::test_gone_is_dead_at_once_and_what_comes_after_is_kept",
           "test_gates.py::test_what_refuses_everything_three_times_is_paused_and_a_retry_by_hand_lets_it_go_on"],
    "D3": ["test_http.py::test_redirects_are_not_followed"],
    "D4": ["test_http.py::test_what_was_sent_and_not_answered_whole_is_unclear",
           "test_http.py::test_an_answer_that_trickles_is_unclear_once_its_time_is_over"],
    "D5": ["test_http.py::test_an_endless_answer_is_read_up_to_the_cap",
           "test_http.py::test_a_bomb_of_an_answer_is_read_up_to_the_cap",
           "test_large_answers.py::test_of_a_large_answer_four_kibibytes_of_text_are_kept_at_most"],
    "D6": ["connectors/test_webhook.py::test_every_try_carries_the_same_key_so_that_a_receiver_can_tell"],
    "D7": ["test_worker.py::test_a_connector_that_hangs_holds_up_no_other",
           "test_gates.py::test_a_hanging_service_opens_its_breaker_too"],
    "D8": ["test_gates.py::test_one_probe_goes_and_while_it_is_away_no_other",
           "test_gates.py::test_when_the_probe_is_answered_all_that_is_owed_goes_out_oldest_first",
           "test_gates.py::test_what_was_kept_goes_out_at_the_connectors_rate"],
    "D9": ["test_carrier.py::test_a_connector_that_fails_as_it_should_not_is_dead_after_three",
           "store/queueing.py::test_a_step_whose_decision_fails_is_dead_and_holds_up_no_other"],
    "D10": ["test_end_to_end.py::test_what_was_owed_when_it_was_killed_arrives_after_the_restart"],
    "D11": ["test_app.py::test_what_is_owed_goes_where_the_connector_leads_now",
            "test_app.py::test_what_is_owed_to_a_connector_that_is_gone_is_dead_with_the_reason",
            "test_app.py::test_a_connector_that_comes_back_does_not_wake_what_died_with_it"],
    "D12": ["test_worker.py::test_one_lane_goes_in_order_in_batches",
            "test_worker.py::test_one_that_is_dead_no_longer_holds_its_lane"],
    "D13": ["test_gates.py::test_a_long_backlog_does_not_starve_what_is_new",
            "soak/soak_million.py::test_it_starts_within_three_seconds_again_and_again_and_a_backlog_starves_nobody"],
    "D14": ["test_replay.py::test_what_died_goes_on_under_its_old_key_and_a_second_click_finds_nothing",
            "test_replay.py::test_somebody_who_was_texted_since_is_not_texted_by_a_replay"],
    "D15": ["test_http.py::test_a_name_that_leads_nowhere_is_tried_again",
            "test_http.py::test_a_slow_server_of_names_costs_five_seconds_at_most_and_holds_up_no_other"],
    "D16": ["test_http_tls.py::test_a_certificate_that_nobody_vouches_for_is_a_failure_and_an_authority_can_be_named",
            "test_http_tls.py::test_a_certificate_of_yesterday_or_of_somebody_else_is_a_failure",
            "test_http_tls.py::test_tls_of_the_last_century_is_a_failure"],
    "D17": ["test_http_kept.py::test_what_was_sent_over_a_stale_connection_is_not_sent_again_by_itself"],
    "D18": ["test_http_kept.py::test_a_proxy_that_the_environment_names_is_not_used"],
    "D19": ["test_http_kept.py::test_a_cookie_that_a_service_sets_is_never_sent_back"],
    "O1": ["test_end_to_end.py::test_a_stop_finishes_what_is_under_way",
           "faults/test_starting.py::test_a_second_signal_ends_it_at_once",
           "test_app.py::test_a_stop_is_over_in_time_whatever_hangs"],
    "O2": ["test_end_to_end.py::test_a_changed_file_is_taken_up_and_a_broken_one_changes_nothing"],
    "O3": ["faults/test_little_memory.py::test_one_processor_and_256_mb_are_enough",
           "faults/test_little_memory.py::test_too_little_memory_ends_the_start_with_words_on_memory",
           "faults/test_starting.py::test_too_few_files_are_told_before_anything_is_opened",
           "test_listening.py::test_whoever_stands_there_longest_makes_room_for_an_address_that_comes_too_often"],
    "O4": ["test_supervisor.py::test_a_loop_that_falls_again_and_again_is_not_ready_and_one_that_fell_once_is",
           "test_supervisor.py::test_a_loop_that_stands_still_is_told_of_once_and_is_not_ready"],
    "O5": ["test_supervisor.py::test_a_loop_that_is_blocked_is_told_of_once_with_what_blocks_it"],
    "O6": ["test_steady.py::test_a_jump_is_doubted_until_two_later_looks_agree",
           "test_steady.py::test_a_start_in_the_past_of_the_ledger_is_doubted_until_that_past_is_over"],
    "O7": ["cli/test_logs.py::test_whatever_is_logged_stays_on_its_line_and_moves_no_terminal"],
    "O8": ["cli/test_lines.py::test_what_nobody_takes_is_counted_and_holds_up_nobody",
           "cli/test_lines.py::test_a_service_whose_log_cannot_be_written_takes_webhooks_and_ends_well"],
    "O9": ["test_canary.py::test_no_secret_and_no_number_turns_up_where_it_should_not"],
    "O10": ["store/test_migrating.py::test_an_older_ledger_is_copied_and_then_brought_up_to_date",
            "store/test_migrating.py::test_the_copy_put_back_is_known_as_one",
            "store/test_opening.py::test_a_ledger_of_a_newer_version_is_refused_by_writers_and_readers"],
    "O11": ["crash/test_crash.py::test_bad_network_between_all_parts_loses_nothing_and_texts_nobody_twice",
            "soak/soak_network.py::test_ten_minutes_of_bad_network_lose_nothing_and_text_nobody_twice"],
    "O12": ["soak/soak_lasting.py::test_memory_and_open_files_stay_as_they_are",
            "soak/soak_crash.py::test_a_hundred_kills_lose_nothing_and_text_nobody_twice"],
    "O13": ["cli/test_commands.py::test_an_address_that_is_taken_is_exit_1",
            "test_rows_of_survival.py::test_o13_a_relay_listens_on_ipv6_alone_and_on_ipv4_alone"],
    "O14": ["test_rows_of_survival.py::test_o14_libraries_are_newer_than_their_known_holes"],
}  # fmt: skip
PLAIN_BEGIN = re.compile(r"""["']begin( deferred)?( transaction)?[;"']""", re.IGNORECASE)


def test_every_row_has_its_tests():
    counts = {"S": 20, "D": 19, "O": 14}
    assert set(ROWS) == {f"{letter}{n}" for letter, count in counts.items() for n in range(1, count + 1)}
    assert all(ROWS.values())


@pytest.mark.parametrize(("row", "test"), [(row, test) for row, tests in ROWS.items() for test in tests])
def test_the_test_of_a_row_exists(row, test):
    file, _, name = test.partition("::")
    assert name in functions_of(file), row


def test_s8_whoever_writes_to_the_file_says_so_from_the_beginning():
    files = list((RELAY / "store" / "sqlite").glob("*.py"))
    found = [file.name for file in files if PLAIN_BEGIN.search(file.read_text(encoding="utf-8"))]
    assert found == [], "a reading that turns into a writing is busy at once, however long it would wait"
    assert any("begin immediate" in file.read_text(encoding="utf-8") for file in files)
    assert PLAIN_BEGIN.search('connection.execute("BEGIN")')


@pytest.mark.parametrize(("library", "least"), [("aiohttp", (3, 14, 1)), ("Jinja2", (3, 1, 6))])
def test_o14_libraries_are_newer_than_their_known_holes(library, least):
    assert tuple(int(part) for part in version(library).split(".")[:3]) >= least


def binds(address):
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as it:
        it.bind((address, 0))
        return True
    return False


@pytest.mark.parametrize(
    ("host", "bare", "other"),
    [
        pytest.param("[::1]", "::1", "127.0.0.1", marks=pytest.mark.skipif(not binds("::1"), reason="no IPv6 here")),
        ("127.0.0.1", "127.0.0.1", "::1"),
    ],
)
async def test_o13_a_relay_listens_on_ipv6_alone_and_on_ipv4_alone(tmp_path, host, bare, other):
    text = f'server: {{listen: "{host}:0", admin: "{host}:0"}}\n'
    async with relaying(tmp_path, text, {"RELAY_HOOK_SECRET": "false-secret-0001-0001"}) as app:
        for port in (app.public_port, app.admin_port):
            reader, writer = await asyncio.open_connection(bare, port)
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
            with pytest.raises(OSError):  # noqa: PT011 - refused, or no such address at all
                await asyncio.open_connection(other, port)
