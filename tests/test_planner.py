from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.models import CALLSCALER, Verdict
from tests.rules.reading import rule
from tests.rules.shop import DANA, Shop, at

BACK = """
name: Text back
then:
  - wait: 2m
    cancel_if: {caller.answered_since: true}
  - {text: caller, body: "Sorry we missed you, {{ caller.first_name | default('you') }}"}
  - {send: team, message: "Texted {{ caller.number }}"}
"""
LOG = """
name: Log
when: [call.missed, call.completed, call.enriched]
then: [{send: log, message: "{{ call.outcome }}"}]
"""


async def test_a_missed_caller_is_texted_after_the_wait_and_only_then_is_it_said() -> None:
    shop = Shop(BACK)
    event = await shop.call()
    assert (await shop.verdict(event)).word == "ran"
    await shop.run("2026-03-02 10:01")
    assert shop.texts == [] == shop.said("team")
    await shop.run("2026-03-02 10:02")
    assert shop.texts == [DANA]
    assert shop.said("team") == [f"Texted {DANA}"]


async def test_the_wait_counts_from_arrival_however_late_the_planner_comes() -> None:
    shop = Shop(BACK)
    event = await shop.call(plan=False)
    shop.now = at("2026-03-02 10:01:30")
    await shop.run("2026-03-02 10:02")
    assert shop.texts == [DANA]
    assert await shop.steps(event) == ["delivered", "delivered"]


async def test_a_text_is_not_sent_hours_late_because_the_relay_was_down() -> None:
    shop = Shop(BACK, LOG)
    event = await shop.call(plan=False)
    shop.now = at("2026-03-02 12:00")
    await shop.run()
    assert shop.texts == []
    assert (await shop.verdict(event)).why == "not sent within 30m of falling due"
    assert shop.said("log") == ["missed"]


async def test_an_answered_call_before_the_wait_is_over_cancels_the_text_and_what_is_below() -> None:
    shop = Shop(BACK)
    event = await shop.call()
    shop.now = at("2026-03-02 10:01")
    await shop.call("call.completed")
    await shop.run()
    assert shop.texts == []
    assert await shop.steps(event) == ["cancelled", "cancelled"]
    assert (await shop.reasons(event))[0] == "cancel_if: caller.answered_since is true, was true"


async def test_cancel_if_is_judged_again_for_a_text_that_was_held_meanwhile() -> None:
    shop = Shop(BACK, now="2026-03-02 07:45")
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert (verdict.word, verdict.until) == ("held", at("2026-03-02 08:00"))
    shop.now = at("2026-03-02 07:55")
    await shop.call("call.completed")
    await shop.run()
    assert shop.texts == []


async def test_the_phone_system_is_asked_whether_somebody_was_answered_meanwhile() -> None:
    shop = Shop(BACK)
    await shop.call()
    shop.services[CALLSCALER].was_answered = True
    await shop.run()
    assert shop.texts == []


async def test_a_call_that_was_answered_itself_counts_as_answered_and_an_earlier_one_does_not() -> None:
    shop = Shop(
        "{name: A, when: [call.completed], if: {caller.answered_since: true}, then: [{send: log, message: a}]}",
        "{name: B, if: {caller.answered_since: false}, then: [{send: log, message: b}]}",
    )
    await shop.call("call.completed")
    shop.now += 60
    await shop.call()
    await shop.run()
    assert shop.said("log") == ["a", "b"]


async def test_two_rules_that_text_about_one_call_send_one_text() -> None:
    shop = Shop(BACK, BACK.replace("Text back", "Another"))
    event = await shop.call()
    await shop.run()
    assert shop.texts == [DANA]
    assert [reason for reason in await shop.reasons(event) if reason and "cooldown: texted" in reason]


async def test_fifty_calls_at_once_make_one_text() -> None:
    shop = Shop(BACK)
    for _ in range(50):
        await shop.call(plan=False)
    await shop.run()
    assert shop.texts == [DANA]


async def test_a_shadow_rule_walks_the_same_path_and_sends_nothing() -> None:
    shadow = BACK.replace("name: Text back", "name: Shadow\nmode: shadow")
    shop = Shop(shadow, BACK)
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert (verdict.word, verdict.why) == ("shadow", "nothing is sent in shadow mode")
    await shop.run()
    assert await shop.steps(event) == ["shadow", "shadow", "delivered", "delivered"]
    assert shop.texts == [DANA]
    shop.now += 60
    again = await shop.call()
    assert [(await shop.verdict(again, place)).word for place in (0, 1)] == ["suppressed", "suppressed"]


async def test_a_shadow_text_counts_against_shadow_rules_only() -> None:
    shadow = "{name: Shadow, mode: shadow, then: [{text: caller, body: hi}]}"
    shop = Shop(shadow, "{name: Live, when: [call.voicemail], then: [{text: caller, body: hi}]}")
    await shop.call()
    await shop.settle()
    event = await shop.call("call.voicemail")
    assert (await shop.verdict(event, 1)).word == "ran"
    await shop.settle()
    assert shop.texts == [DANA]
    assert (await shop.verdict(await shop.call())).word == "suppressed"


async def test_a_shadow_rule_stops_where_the_live_one_would() -> None:
    shop = Shop("{name: R, mode: shadow, then: [{stop: enough}, {send: log, message: a}]}")
    event = await shop.call()
    assert await shop.steps(event) == ["shadow", "cancelled"]


async def test_a_rule_that_fails_is_an_error_and_the_others_run() -> None:
    broken = replace(rule(LOG.replace("name: Log", "name: Broken")), condition=None)  # type: ignore[arg-type]
    shop = Shop(broken, LOG)
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert verdict.word == "error"
    assert "AttributeError" in verdict.why
    await shop.settle()
    assert shop.said("log") == ["missed"]


class _Broken(dict[str, Any]):
    def get(self, *_: Any) -> Any:
        raise RuntimeError("lanes")


async def test_a_fault_outside_the_rules_is_the_error_of_every_rule_and_the_event_is_kept() -> None:
    shop = Shop(LOG)
    shop.planner.book = replace(shop.planner.book, lanes=_Broken())
    event = await shop.call()
    assert (await shop.verdict(event)) == Verdict("Log", "error", "RuntimeError: lanes")
    assert await shop.planner.plan_next() == 0


async def test_a_run_whose_rule_is_forgotten_ends_and_says_so() -> None:
    shop = Shop(BACK)
    event = await shop.call()
    shop.planner.book = replace(shop.planner.book, rules=())
    await shop.run()
    assert await shop.steps(event) == ["dead", "dead"]
    shop = Shop("{name: R, then: [{text: caller, body: hi}, {send: log, message: a}]}")
    event = await shop.call()
    shop.planner.book = replace(shop.planner.book, rules=())
    await shop.run()
    assert await shop.steps(event) == ["dead", "dead"]
    assert shop.texts == []


async def test_a_run_that_began_under_an_older_wording_ends_under_it() -> None:
    shop = Shop(BACK)
    await shop.call()
    old = shop.planner.book.rules[0]
    new = rule(BACK.replace("Sorry", "Very sorry"))
    shop.planner.book = replace(shop.planner.book, rules=(new,), old={old.version: old})
    await shop.run()
    assert shop.services[CALLSCALER].got[0].step.body == "Sorry we missed you, you"


async def test_events_of_one_caller_see_each_other_in_order() -> None:
    shop = Shop("{name: R, then: [{send: log, message: '{{ caller.calls_1h }} {{ caller.is_new }}'}]}")
    for _ in range(3):
        await shop.call(plan=False)
    await shop.run()
    assert shop.said("log") == ["1 true", "2 false", "3 false"]


async def test_what_follows_a_delivery_never_keeps_it_from_being_written_down() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: hi}, {wait: {until: '10:00'}}, {send: log, message: a}]}")
    event = await shop.call()
    broken = replace(shop.planner.book.about.hours, zone="Nowhere/Land")
    shop.planner.book = replace(shop.planner.book, about=replace(shop.planner.book.about, hours=broken))
    await shop.run()
    assert await shop.steps(event) == ["delivered", "dead"]


async def test_a_caller_is_known_by_every_number_rung_and_by_a_long_talk() -> None:
    shop = Shop("""
        name: R
        if:
          caller.distinct_numbers_24h: 2
          caller.had_long_call: true
          caller.looks_like_person: true
          now.holiday: false
        then: [{send: log, message: "{{ caller.raw }}"}]
        """)
    await shop.call("call.completed", duration_seconds=130, tracking_number="+13125550143", caller_name="Dana Example")
    await shop.settle()
    assert shop.said("log") == []
    await shop.call(caller_name="Dana Example")
    await shop.settle()
    assert len(shop.said("log")) == 1
