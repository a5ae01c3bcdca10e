"""Every row of the door (I), of addresses (X), connectors (C), the API (A) and the admin pages (W) has tests; where.

The rows stand in reliability.md, 2.1, 2.4, 2.5, 2.8 and 2.9; W3 is no row there. docs/reference/rows.md tells all rows.
"""

from __future__ import annotations

import pytest

from tests.named import functions_of

_S, _L, _P, _R, _B = (
    "test_server.py",
    "test_listening.py",
    "test_proof.py",
    "intake/test_reading.py",
    "test_backfill.py",
)
_H, _N, _T = "test_http.py", "test_network.py", "test_http_tls.py"
_SHEETS, _CRM, _HOOK = "connectors/test_google_sheets.py", "connectors/test_crm.py", "connectors/test_webhook.py"
_G, _V, _D = "admin/test_guard.py", "access/test_sessions.py", "dashboard/test_pages.py"
_SINKS = "test_hostile.py::whatever_a_caller_is_called_is_only_text_in_every_sink"
_SLACK, _MOVES, _OUT = "connectors/test_slack.py", "moving/test_numbers.py", "callscaler/test_errors.py"
SHORT = {
    "I1": [f"{_S}::without_the_right_proof_it_is_401_with_always_the_same_body",
           f"{_P}::a_header_that_is_missing_empty_or_doubled_is_refused"],
    "I2": [f"{_P}::published_examples_are_accepted", "test_verify.py::it_agrees_with_a_second_reading",
           f"{_P}::garbage_is_refused_and_never_raises"],
    "I3": [f"{_S}::fifty_copies_at_once_are_one_event"],
    "I4": [f"{_S}::a_repeat_with_fields_that_were_missing_raises_call_enriched_and_nothing_else",
           f"{_R}::a_merge_only_fills_what_was_missing"],
    "I5": [f"{_S}::a_repeat_with_fields_that_were_missing_raises_call_enriched_and_nothing_else"],
    "I6": [f"{_S}::another_type_of_the_same_call_is_an_event_of_its_own",
           "test_worker_texts.py::the_phone_system_is_asked_once_whether_somebody_was_answered"],
    "I7": [f"{_S}::256_kib_are_taken_and_a_byte_more_is_413", f"{_S}::a_byte_too_many_in_chunks_is_413"],
    "I8": [f"{_S}::a_compressed_body_is_415_and_never_unpacked"],
    "I9": [f"{_S}::a_body_that_is_no_sound_json_is_400", "intake/test_body.py::any_bytes_are_json_or_a_bad_body"],
    "I10": [f"{_S}::a_body_that_is_no_sound_json_is_400"],
    "I11": [f"{_S}::a_body_that_is_no_sound_json_is_400",
            "intake/test_body.py::what_two_readers_could_read_differently_is_refused"],
    "I12": [f"{_S}::a_body_that_is_no_sound_json_is_400"],
    "I13": [f"{_S}::a_body_that_is_no_sound_json_is_400"],
    "I14": [f"{_S}::hostile_text_is_cleaned_before_it_is_written_down",
            f"{_R}::no_text_keeps_what_a_ledger_or_a_screen_cannot_hold"],
    "I15": [f"{_R}::a_list_or_an_object_where_text_is_due_is_refused",
            f"{_R}::whatever_comes_is_an_event_a_test_or_refused"],
    "I16": [f"{_S}::an_unknown_type_is_kept_and_counted", f"{_R}::unknown_fields_are_kept_as_they_came",
            f"{_R}::a_body_of_an_id_and_a_type_is_enough"],
    "I17": [f"{_S}::other_methods_are_405", f"{_S}::an_unknown_source_is_404"],
    "I18": [f"{_S}::another_content_type_is_415"],
    "I19": [f"{_S}::heads_that_two_readers_could_read_differently_are_400_and_closed",
            f"{_S}::the_compiled_parser_is_in_use"],
    "I20": [f"{_S}::other_versions_of_http_are_refused"],
    "I21": [f"{_L}::who_asks_nothing_is_disconnected", f"{_L}::a_head_that_trickles_in_is_cut_off"],
    "I22": [f"{_L}::a_body_that_trickles_in_is_408_after_its_time_in_all",
            f"{_S}::a_body_that_does_not_come_is_408_and_the_connection_closes"],
    "I23": [f"{_L}::two_thousand_stalled_connections_and_a_flood_of_bad_requests_keep_no_good_one_out",
            f"{_L}::when_all_are_too_many_the_longest_goes_and_else_the_newcomer"],
    "I24": [f"{_L}::five_hundred_requests_on_one_connection_are_answered_in_order"],
    "I25": [f"{_S}::sixty_refusals_at_once_then_ten_a_second_and_proved_ones_never_count",
            f"{_S}::the_limit_of_refusals_forgets_the_longest_silent_address"],
    "I26": [f"{_S}::a_sender_that_hangs_up_before_the_answer_is_still_written_down"],
    "I27": [f"{_R}::a_time_that_cannot_be_believed_tells_no_age", f"{_R}::a_clock_may_run_five_minutes_ahead",
            "rules/test_guards.py::only_fresh_calls_are_texted_by_the_age_on_arrival"],
    "I28": [f"{_S}::without_the_right_proof_it_is_401_with_always_the_same_body",
            "test_canary.py::no_secret_and_no_number_turns_up_where_it_should_not"],
    "I29": [f"{_S}::a_forwarded_address_counts_only_from_a_trusted_proxy"],
    "I30": [f"{_S}::a_full_disk_is_503_and_nothing_is_answered_that_was_not_written"],
    "X1": [f"{_N}::an_address_that_is_not_public_is_refused", f"{_H}::a_private_address_is_refused_at_the_socket"],
    "X2": [f"{_N}::an_address_that_is_not_public_is_refused",
           f"{_N}::a_clouds_metadata_is_never_allowed_however_its_address_is_wrapped"],
    "X3": [f"{_H}::no_spelling_of_this_machine_gets_through"],
    "X4": [f"{_H}::one_private_address_among_several_refuses_the_whole_answer"],
    "X5": [f"{_H}::a_name_that_stands_for_a_private_address_is_refused"],
    "X6": [f"{_H}::redirects_are_not_followed"],
    "X7": [f"{_H}::an_address_that_is_none_for_us_is_refused_at_once", f"{_H}::plain_http_must_be_allowed"],
    "X8": [f"{_H}::no_request_reaches_the_relay_itself",
           f"{_H}::no_other_spelling_or_address_of_this_machine_reaches_the_relay_either"],
    "X9": [f"{_H}::a_public_address_is_reached"],
    "X10": [f"{_N}::a_private_address_may_be_allowed",
            f"{_N}::a_clouds_metadata_is_never_allowed_however_its_address_is_wrapped"],
    "X11": [f"{_HOOK}::an_address_is_fixed_and_of_the_web",
            "test_templates.py::a_value_cannot_climb_out_of_an_address"],
    "C1": [f"{_SLACK}::what_a_caller_wrote_is_inert_in_mrkdwn", _SINKS],
    "C2": [f"{_SLACK}::within_blocks_the_type_next_to_a_text_decides",
           f"{_SLACK}::blocks_are_cut_to_what_slack_takes_at_each_place", _SINKS],
    "C3": [f"{_SLACK}::answers_are_told_apart", "test_worker.py::no_more_is_taken_than_the_rate_lets_begin"],
    "C4": [f"{_SLACK}::the_address_must_be_one_and_is_never_shown",
           "test_canary.py::no_secret_and_no_number_turns_up_where_it_should_not"],
    "C5": [f"{_SHEETS}::text_stays_text", _SINKS],
    "C6": [f"{_SHEETS}::a_lost_answer_is_seen_to_have_arrived_within_the_same_try",
           f"{_SHEETS}::an_answer_lost_together_with_the_look_after_it_is_unclear_and_doubles_nothing"],
    "C7": [f"{_SHEETS}::no_row_is_lost_over_the_quota_of_requests",
           f"{_SHEETS}::fifty_rows_cost_one_read_and_one_write"],
    "C8": [f"{_SHEETS}::columns_that_people_took_away_are_noticed",
           f"{_SHEETS}::a_sheet_that_is_not_shared_says_whom_to_share_it_with",
           "test_gates.py::what_refuses_everything_three_times_is_paused_and_a_retry_by_hand_lets_it_go_on"],
    "C9": [f"{_SHEETS}::a_token_is_asked_for_once_and_anew_when_it_is_revoked",
           f"{_SHEETS}::a_clock_that_is_wrong_is_named"],
    "C10": ["connectors/test_archive.py::what_a_spreadsheet_would_calculate_is_text", _SINKS],
    "C11": [f"{_HOOK}::a_header_put_together_from_two_lines_is_refused",
            f"{_H}::a_header_that_cannot_be_sent_is_refused_and_nothing_leaves"],
    "C12": [f"{_CRM}::a_200_that_means_an_error_is_seen_where_the_owner_says_how"],
    "C13": [f"{_CRM}::an_answer_that_echoes_our_key_is_not_quoted",
            f"{_HOOK}::a_refusal_quotes_the_receiver_but_never_our_secrets"],
    "C14": [f"{_HOOK}::the_signature_is_that_of_standard_webhooks_with_the_time_of_the_try",
            f"{_HOOK}::the_published_example_of_standard_webhooks_comes_out"],
    "C15": [f"{_P}::published_examples_are_accepted",
            f"{_P}::the_timestamp_may_be_five_minutes_off_either_way_and_no_more"],
    "A1": ["callscaler/test_transport.py::what_costs_money_or_cannot_be_undone_is_off",
           "callscaler/test_transport.py::all_that_deletes_buys_or_makes_keys_is_marked_final"],
    "A2": ["moving/test_falls.py::one_move_and_its_undo_survive_a_fall_at_every_single_step",
           "connectors/test_callscaler.py::a_move_adds_removes_and_may_be_asked_for_again"],
    "A3": ["test_moves.py::a_second_change_within_ten_minutes_waits_for_their_end",
           "test_moves.py::two_rules_that_fight_are_stopped_after_the_third_flap_with_an_alert"],
    "A4": [f"{_MOVES}::a_number_that_is_moved_by_hand_between_the_look_and_the_move_is_left_there",
           f"{_MOVES}::what_somebody_moved_by_hand_stays_unless_it_is_enforced"],
    "A5": [f"{_MOVES}::a_key_that_was_revoked_stops_the_run_with_one_alert"],
    "A6": [f"{_OUT}::a_listing_answered_with_something_else_is_unavailable",
           f"{_OUT}::ten_megabytes_of_json_are_not_read_to_the_end"],
    "A7": ["callscaler/test_paging.py::a_repeated_cursor_ends_in_an_error_after_the_rows",
           "callscaler/test_paging.py::has_more_for_ever_without_rows_is_an_error",
           f"{_B}::the_mark_stays_where_it_was_when_the_listing_breaks_off"],
    "A8": [f"{_B}::a_call_known_under_another_type_is_only_merged"],
    "A9": ["test_canary.py::no_secret_and_no_number_turns_up_where_it_should_not",
           f"{_OUT}::the_key_is_in_no_message_even_when_the_service_repeats_it"],
    "A10": [f"{_OUT}::a_private_address_is_refused_unless_it_was_permitted",
            f"{_OUT}::plain_http_is_refused_unless_it_was_permitted"],
    "A11": ["callscaler/test_recordings.py::a_recording_of_more_than_25_mib_leaves_no_file",
            "callscaler/test_recordings.py::the_key_is_not_carried_to_another_address"],
    "W1": ["cli/test_commands.py::an_admin_listener_open_to_others_needs_a_token"],
    "W2": ["admin/test_guesses.py::five_wrong_tokens_silence_an_address_and_each_silence_is_longer",
           "admin/test_guesses.py::a_thousand_guesses_at_the_machine_itself_lock_nobody_out"],
    "W4": [f"{_G}::every_sign_in_has_an_id_that_nobody_chose",
           f"{_V}::whoever_asks_nothing_for_half_an_hour_signs_in_again",
           f"{_V}::half_a_day_is_the_most_however_busy"],
    "W5": [f"{_G}::another_site_s_page_changes_nothing_and_signs_nobody_in",
           f"{_G}::a_session_alone_changes_nothing_without_the_page_s_own_token"],
    "W6": [_SINKS, f"{_D}::what_strangers_write_is_shown_and_never_run"],
    "W7": [f"{_G}::every_answer_has_the_careful_headers"],
    "W8": [f"{_D}::only_the_files_of_the_start_are_served"],
    "W9": ["admin/test_routes.py::every_route_answers_those_it_should_and_nobody_else",
           "admin/test_routes.py::no_method_that_changes_things_gets_anywhere_with_a_viewers_token"],
    "W10": [f"{_G}::a_mistake_of_ours_is_told_by_a_number_that_the_log_knows",
            "admin/test_admin.py::a_mistake_of_ours_is_told_without_a_trace"],
    "W11": ["admin/test_admin.py::a_foreign_host_is_misdirected"],
    "W12": ["admin/test_admin.py::with_a_token_set_every_path_needs_one",
            "admin/test_admin.py::metrics_have_the_names_of_the_contract_and_no_person"],
    "W13": [f"{_D}::a_search_for_anything_is_answered", _SINKS,
            "store/test_backup.py::a_reading_that_takes_too_long_is_broken_off_and_the_next_one_answered"],
    "W14": [f"{_D}::lists_go_on_page_by_page", f"{_D}::a_large_ledger_is_not_read_beside_the_service"],
    "W15": [f"{_D}::numbers_are_masked_for_those_who_only_look",
            f"{_D}::who_only_looks_may_ask_for_one_number_and_that_is_written_down"],
    "W16": ["store/auditing.py::what_people_did_is_never_changed_or_deleted",
            "store/auditing.py::what_people_did_is_listed_newest_first_and_page_by_page"],
}  # fmt: skip
ROWS = {row: [test.replace("::", "::test_") for test in tests] for row, tests in SHORT.items()}


def test_every_row_has_its_tests():
    counts = {"I": 30, "X": 11, "C": 15, "A": 11, "W": 16}
    assert set(ROWS) == {f"{letter}{n}" for letter, count in counts.items() for n in range(1, count + 1)} - {"W3"}
    assert all(ROWS.values())


@pytest.mark.parametrize(("row", "test"), [(row, test) for row, tests in ROWS.items() for test in tests])
def test_the_test_of_a_row_exists(row, test):
    file, _, name = test.partition("::")
    assert name in functions_of(file), row
