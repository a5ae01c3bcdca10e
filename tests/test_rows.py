"""Every row of the catalogue of rules (R1 to R16) and of texts (T1 to T26) has tests; this says where each is.

The rows stand in reliability.md, 2.6 and 2.7. What no other file tests is tested here.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from click.testing import CliRunner

from connectors.table import CONNECTORS
from relay.app import App
from relay.cli import relay
from relay.errors import ConfigError
from relay.models import CALLSCALER
from relay.sandbox import Sandbox, SandboxSettings
from relay.settings import read_settings
from relay.store.sqlite import SqliteStore
from tests.named import functions_of
from tests.rules.reading import mistakes_in
from tests.rules.shop import DANA, EVE, OWN, Shop

SECRET = "false-secret-0001-0001"
KEY = "cs_key_" + "f" * 32
BACK = "{name: Back, then: [{text: caller, body: hi}]}"
ROWS = {
    "R1": ["test_templates.py::test_what_could_escape_or_burn_is_refused_when_the_file_is_read",
           "test_templates.py::test_the_cap_is_the_callers_to_choose_and_holds_for_plain_text_too"],
    "R2": ["test_templates.py::test_what_could_escape_or_burn_is_refused_when_the_file_is_read"],
    "R3": ["test_templates.py::test_what_only_shows_when_values_are_there_is_refused_then",
           "rules/test_facts.py::test_a_template_costs_only_what_it_names"],
    "R4": ["test_templates.py::test_a_callers_own_braces_are_text"],
    "R5": ["test_templates.py::test_a_hole_is_named_and_never_sent",
           "rules/test_steps.py::test_a_blank_that_cannot_be_filled_suppresses_the_step_and_says_which"],
    "R6": ["rules/test_conditions.py::test_a_pattern_that_could_run_for_ever_is_refused",
           "rules/test_conditions.py::test_every_pattern_that_is_taken_comes_to_an_end"],
    "R7": ["settings/test_mistakes.py::test_an_alias_bomb_is_refused_at_its_first_anchor",
           "settings/test_mistakes.py::test_what_yaml_allows_and_people_do_not_mean_is_refused_with_its_place"],
    "R8": ["settings/test_mistakes.py::test_what_yaml_allows_and_people_do_not_mean_is_refused_with_its_place",
           "settings/test_mistakes.py::test_all_mistakes_come_out_at_once_each_with_its_place"],
    "R9": ["settings/test_values.py::test_times_are_read_as_text_and_then_judged",
           "settings/test_values.py::test_a_plain_value_is_the_text_it_looks_like"],
    "R10": ["test_planner.py::test_two_rules_that_text_about_one_call_send_one_text"],
    "R11": ["test_app.py::test_a_broken_file_changes_nothing",
            "test_end_to_end.py::test_a_changed_file_is_taken_up_and_a_broken_one_changes_nothing",
            "dashboard/test_pages.py::test_a_changed_file_that_is_not_used_is_told"],
    "R12": ["test_rows.py::test_r12_a_reload_under_load_swaps_whole_and_each_event_keeps_the_wording_it_was_judged_by"],
    "R13": ["settings/test_values.py::test_a_secret_in_the_file_is_warned_about_and_refused_where_others_can_read_it"],
    "R14": ["settings/test_values.py::test_a_missing_hook_secret_refuses_to_start",
            "settings/test_values.py::test_an_empty_secret_is_no_open_door"],
    "R15": ["test_rows.py::test_r15_a_cooldown_is_between_five_minutes_and_a_year_with_its_unit"],
    "R16": ["test_text_alarms.py::test_r16_a_rule_that_sets_itself_off_is_stopped_and_others_are_texted"],
    "T1": ["crash/test_crash.py::test_a_relay_that_dies_at_this_edge_texts_once_at_most_and_forgets_nothing",
           "crash/test_crash.py::test_kills_lose_nothing_and_text_nobody_twice"],
    "T2": ["test_worker_texts.py::test_an_ambiguous_answer_to_a_text_is_never_followed_by_a_second_text",
           "test_worker_texts.py::test_a_text_of_unknown_fate_is_found_in_the_list_of_texts"],
    "T3": ["test_worker_texts.py::test_a_list_that_cannot_be_believed_settles_nothing_yet",
           "test_worker_texts.py::test_two_texts_of_the_same_words_are_not_settled_by_one_entry_of_the_list"],
    "T4": ["test_rows.py::test_t4_fifty_missed_calls_at_once_from_one_caller_through_two_senders_make_one_text",
           "test_planner.py::test_fifty_calls_at_once_make_one_text"],
    "T5": ["test_steady.py::test_a_jump_is_doubted_until_two_later_looks_agree",
           "rules/test_cooldown.py::test_a_cooldown_is_over_just_after_its_last_second"],
    "T6": ["test_worker_texts.py::test_a_relay_that_stood_still_after_a_claim_leaves_the_text_to_the_next_claim",
           "crash/test_cluster.py::test_relays_that_are_frozen_beyond_their_leases_and_woken_change_nothing"],
    "T7": ["test_hours.py::test_the_edges_of_quiet_hours_are_sharp",
           "test_rows.py::test_t7_a_text_queued_at_the_last_minute_is_judged_again_when_it_would_leave"],
    "T8": ["test_hours.py::test_one_utc_hour_is_two_local_ones_around_the_change_of_clocks",
           "test_clocks_change.py::test_no_text_leaves_outside_its_window_in_the_week_of_a_change_of_clocks"],
    "T9": ["test_hours.py::test_all_candidate_clocks_must_agree",
           "test_hours.py::test_an_unknown_clock_has_a_narrow_window_in_new_york"],
    "T10": ["rules/test_guards.py::test_who_cannot_or_must_not_be_texted_is_suppressed_at_once_with_the_reason",
            "test_phone.py::test_numbers_that_are_not_texted_say_why"],
    "T11": ["test_phone.py::test_what_is_withheld_unreadable_or_impossible_is_no_number",
            "rules/test_guards.py::test_staff_are_notified_at_any_hour_and_never_texted_as_callers"],
    "T12": ["test_text_alarms.py::test_t12_a_machine_that_calls_back_after_each_text_is_suspected_and_stopped"],
    "T13": ["test_text_alarms.py::test_t13_a_flood_of_callers_holds_texting_with_one_alert_while_all_else_goes_on",
            "test_text_alarms.py::test_t13_a_flood_from_numbers_alike_names_their_first_digits"],
    "T14": ["test_optout.py::test_a_request_is_understood",
            "test_optout.py::test_what_may_be_a_request_is_for_a_person_to_read",
            "test_replies.py::test_what_may_be_a_request_opts_nobody_out_and_is_marked_for_reading"],
    "T15": ["test_replies.py::test_stop_opts_out_and_suppresses_every_text_that_waits_for_this_person_and_no_other",
            "test_replies.py::test_an_opt_out_says_how_many_texts_were_already_leaving"],
    "T16": ["test_replies.py::test_only_start_brings_a_person_back_and_their_next_call_is_texted",
            "store/forgetting.py::test_the_opt_out_holds_and_the_call_is_recognised",
            "store/test_forgetting.py::test_a_backup_from_before_is_erased_anew_when_it_is_put_back",
            "test_restoring.py::test_a_stop_that_the_copy_knows_nothing_of_is_heeded_before_texts_go_on"],
    "T17": ["test_rows.py::test_t17_a_text_to_somebody_who_did_not_just_call_is_warned_about"],
    "T18": ["rules/test_guards.py::test_a_rule_that_texts_demands_what_keeps_strangers_safe"],
    "T19": ["rules/test_guards.py::test_a_late_event_runs_send_steps_only_and_rings_nobody_unless_the_step_says_so",
            "rules/test_guards.py::test_only_fresh_calls_are_texted_by_the_age_on_arrival"],
    "T20": ["rules/test_messages.py::test_a_text_too_long_in_the_worst_case_is_a_mistake_with_its_place",
            "rules/test_messages.py::test_what_a_stranger_says_is_not_texted_on",
            "test_phone.py::test_a_name_in_a_text_is_letters_and_little_else",
            "test_texting.py::test_a_text_that_grew_beyond_max_segments_is_not_sent"],
    "T21": ["test_text_alarms.py::test_t21_a_sender_that_may_not_text_holds_texting_with_one_alert_and_no_loop",
            "test_text_alarms.py::test_t21_what_is_mended_within_the_time_goes_out_and_the_alert_ends"],
    "T22": [
        "rules/test_cooldown.py::test_a_text_that_was_refused_for_now_is_tried_with_the_same_words_and_not_past_its_time"],
    "T23": ["test_rows.py::test_t23_sending_again_pressed_twice_sends_once"],
    "T24": ["test_rows.py::test_t24_a_shadow_rule_decides_everything_and_asks_the_api_for_no_text"],
    "T25": ["test_rows.py::test_t25_no_text_leaves_once_texts_are_switched_off"],
    "T26": ["test_replies.py::test_a_text_by_anybody_on_the_account_counts_for_the_cooldown",
            "test_replies.py::test_a_first_start_heeds_who_asked_to_stop_long_ago_and_tells_no_rule_of_it"],
}  # fmt: skip


def test_every_row_has_its_tests():
    assert set(ROWS) == {f"R{n}" for n in range(1, 17)} | {f"T{n}" for n in range(1, 27)}
    assert all(ROWS.values())


@pytest.mark.parametrize(("row", "test"), [(row, test) for row, tests in ROWS.items() for test in tests])
def test_the_test_of_a_row_exists(row, test):
    file, _, name = test.partition("::")
    assert name in functions_of(file), row


@pytest.mark.parametrize("span", ["0", "-1", "1e9", "a day", "1 month", "4m", "366d", "86400"])
def test_r15_a_cooldown_is_between_five_minutes_and_a_year_with_its_unit(span):
    [(place, said)] = mistakes_in(
        f"{{name: R, when: call.missed, guards: {{cooldown: {{for: {span}}}}}, then: [{{send: log, message: x}}]}}"
    )
    assert place == ("guards", "cooldown", "for")
    assert "5m and 365d" in said or "no span of time" in said


async def test_t7_a_text_queued_at_the_last_minute_is_judged_again_when_it_would_leave():
    shop = Shop(BACK, now="2026-03-02 19:59")
    event = await shop.call()
    shop.now += 61  # the worker is slow
    await shop.settle()
    assert shop.texts == []
    assert await shop.steps(event) == ["suppressed"]
    assert "quiet hours where this person lives; allowed again at 2026-03-03 08:00" in (await shop.reasons(event))[0]


async def test_t23_sending_again_pressed_twice_sends_once():
    from relay.errors import Rejected  # noqa: PLC0415 - only here

    shop = Shop(BACK)
    shop.services[CALLSCALER].answers = [Rejected("no such sender")]
    event = await shop.call()
    await shop.settle()
    [dead] = await shop.store.deliveries(limit=9, event=event)
    assert str(dead.state) == "dead"
    pressed = await asyncio.gather(*(shop.store.retry([dead.id], now=shop.now) for _ in range(3)))
    assert sum(pressed) == 1
    await shop.settle()
    assert await shop.store.retry([dead.id], now=shop.now) == 0
    await shop.settle()
    assert shop.texts == [DANA]


HOUSE = """\
business: {{name: Bright Plumbing, timezone: America/Chicago{staff}}}
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
texting: {{quiet_hours: {{allow: always}}}}
rules:
  - name: Text back
    mode: {mode}
    when: [call.missed]
    then: [{{text: {to}, from: {sender}, body: "Sorry. Reply STOP to opt out."}}]
"""


@pytest.fixture
async def phone():
    """A phone system with two numbers that can text."""
    it = Sandbox(key=KEY, sample=False, settings=SandboxSettings(hang=5.0))
    it.set_balance(1000)
    it.add_number(OWN, "Main")
    it.add_number("+13125550143", "Second")
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def whole(tmp_path, phone):
    """The whole relay beside that phone system."""
    running = []

    async def start(mode="live"):
        path = tmp_path / "relay.yaml"
        path.write_text(HOUSE.format(mode=mode, to="caller", sender="called_number", staff=""))
        environment = {
            "RELAY_HOOK_SECRET": SECRET, "CALLSCALER_API_KEY": KEY, "CALLSCALER_BASE_URL": f"{phone.url}/api/v1",
        }  # fmt: skip
        app = App(read_settings(path, CONNECTORS, environment), SqliteStore(tmp_path / "relay.db"), CONNECTORS)
        running.append(app)
        await app.start()
        return app

    yield start
    for app in running:
        await app.stop()


async def ring(app, key, caller=DANA, number=OWN):
    body = {"event": "call.missed", "call_id": key, "caller_number": caller, "tracking_number": number}
    url = f"http://127.0.0.1:{app.public_port}/hooks/callscaler"
    headers = {"X-Relay-Secret": SECRET}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status


async def settled(app):
    """Whether all that came was judged and nothing is owed; judging is asked after first, as it makes what is owed."""
    totals = await app.store.totals()
    states = await app.store.states()
    owed = sum(states.get(state, 0) for state in ("due", "waiting", "held", "sending", "unknown"))
    return totals["unplanned"] == 0 and owed == 0


async def test_t4_fifty_missed_calls_at_once_from_one_caller_through_two_senders_make_one_text(whole, phone, until):
    app = await whole()
    numbers = (OWN, "+13125550143")
    statuses = await asyncio.gather(*(ring(app, f"c{n}", number=numbers[n % 2]) for n in range(50)))
    assert statuses == [202] * 50
    await until(lambda: settled(app))
    assert [text["to"] for text in phone.texts()] == [DANA]
    assert (await app.store.states())["delivered"] == 1


async def test_t24_a_shadow_rule_decides_everything_and_asks_the_api_for_no_text(whole, phone, until):
    app = await whole("shadow")
    await ring(app, "c1")
    await until(lambda: settled(app))
    assert (await app.store.states()) == {"shadow": 1}
    assert phone.texts() == []
    assert not [request for request in phone.requests() if request[:2] == ("POST", "/texts")]


async def test_t25_no_text_leaves_once_texts_are_switched_off(whole, phone, until):
    app = await whole()
    await app.deeds.do("texts-off", {})
    for n in range(5):
        await ring(app, f"c{n}", caller=f"+1312555010{n}")

    async def all_held():
        return (await app.store.states()).get("held") == 5

    await until(all_held)
    assert phone.texts() == []
    reasons = {delivery.reason for delivery in await app.store.deliveries(limit=9)}
    assert reasons == {"texts are switched off"}


def test_t17_a_text_to_somebody_who_did_not_just_call_is_warned_about(tmp_path):
    path = tmp_path / "relay.yaml"

    def warnings(to, staff=""):
        path.write_text(HOUSE.format(mode="shadow", to=to, sender=f'"{OWN}"', staff=staff))
        return [str(w) for w in read_settings(path, CONNECTORS, {"RELAY_HOOK_SECRET": SECRET}).warnings]

    [told] = [said for said in warnings(f'"{EVE}"') if "consent" in said]
    assert f":9:19: {EVE} did not just call: texting them is yours to answer for" in told
    assert not [said for said in warnings("caller") if "consent" in said]
    assert not [said for said in warnings(f'"{EVE}"', f', staff: ["{EVE}"]') if "consent" in said]


async def test_r12_a_reload_under_load_swaps_whole_and_each_event_keeps_the_wording_it_was_judged_by(tmp_path, until):
    path = tmp_path / "relay.yaml"

    def write(word):
        path.write_text(
            'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
            "connectors: {log: {type: webhook, url: 'http://127.0.0.1:9/'}}\n"
            f"rules:\n  - {{name: A, when: call.missed, then: [{{wait: 1h}}, {{send: log, body: {{w: {word}}}}}]}}\n"
            f"  - {{name: B, when: call.missed, then: [{{wait: 1h}}, {{send: log, body: {{w: {word}}}}}]}}\n"
        )

    write("one")
    environment = {"RELAY_HOOK_SECRET": SECRET}
    app = App(read_settings(path, CONNECTORS, environment), SqliteStore(tmp_path / "relay.db"), CONNECTORS)
    await app.start()
    versions = {}
    try:
        for word in ("one", "two", "three", "four"):
            write(word)
            calls = [ring(app, f"{word}{n}") for n in range(20)]
            done = await asyncio.gather(app.reload(path, environment), *calls)
            assert done == [True, *[202] * 20]
            versions |= {rule.version: word for rule in app.settings.rules}

        async def judged():
            return (await app.store.totals())["unplanned"] == 0

        await until(judged)
        owed = await app.store.deliveries(limit=1000)
        assert len(owed) == 160
        by_event = {}
        for delivery in owed:
            by_event.setdefault(delivery.event, set()).add(versions[delivery.rule_version])
        assert all(len(words) == 1 for words in by_event.values())  # never one rule of the old file and one of the new
        assert await ring(app, "last") == 202
        await until(judged)
        newest = await app.store.deliveries(limit=2)
        assert {versions[delivery.rule_version] for delivery in newest} == {"four"}
    finally:
        await app.stop()


MISTAKES = """\
busines: {name: X}
business: {timezone: America/Chicgo, hours: {mon: 25:00-26:00}}
texting: {max_segments: many, limits: {per_persn: 2/day}}
connectors:
  team: {type: slak, webhook_url: x}
rules:
  - name: A
    when: [call.mised]
    if: {caller.numbr: present}
    guards: {cooldwn: {for: 24h}}
    then: [{text: caller, body: hi}]
  - name: B
    when: call.missed
    then: [{wait: soon}]
"""


def test_a_file_with_ten_mistakes_is_told_in_ten_lines_with_the_right_places(tmp_path, monkeypatch, quiet):
    path = tmp_path / "relay.yaml"
    path.write_text(MISTAKES)
    monkeypatch.setenv("RELAY_HOOK_SECRET", SECRET)
    done = CliRunner().invoke(relay, ["-c", str(path), "check"])
    assert done.exit_code == 3
    places = [line.removeprefix(f"{path}:").split(": ", 1) for line in done.stdout.splitlines()]
    assert [place for place, _ in places] == [
        "1:1", "2:22", "2:51", "3:25", "3:40", "5:16", "8:12", "9:10", "10:14", "14:19",
    ]  # fmt: skip
    with pytest.raises(ConfigError):
        read_settings(path, CONNECTORS, {"RELAY_HOOK_SECRET": SECRET})
