from __future__ import annotations

import pytest

from relay.hours import QuietHours
from relay.models import CALLSCALER
from relay.texting import Limit
from tests.rules.shop import DANA, EVE, OWN, STAFF, Shop, at

BACK = """
name: Text back
then:
  - wait: 2m
    cancel_if: {caller.answered_since: true}
  - {text: caller, body: "Sorry we missed you, {{ caller.first_name | default('you') }}"}
  - {send: team, message: "Texted {{ caller.number }}"}
"""


@pytest.mark.parametrize(
    ("when", "word", "sent_at"),
    [
        ("2026-03-02 07:59:59", "held", "2026-03-02 08:00:00"),
        ("2026-03-02 08:00:00", "ran", "2026-03-02 08:00:00"),
        ("2026-03-02 19:59:59", "ran", "2026-03-02 19:59:59"),
        ("2026-03-02 20:00:00", "suppressed", None),
        ("2026-03-02 07:29:00", "suppressed", None),
    ],
)
async def test_quiet_hours_hold_a_text_or_suppress_it_at_once_with_the_moment_named(
    when: str, word: str, sent_at: str | None
) -> None:
    shop = Shop("{name: R, then: [{text: caller, body: 'at {{ now.hour }}'}]}", now=when)
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert verdict.word == word
    await shop.run()
    assert shop.texts == ([DANA] if sent_at else [])
    if sent_at:
        assert shop.now == pytest.approx(at(sent_at), abs=0.01)
        assert shop.services[CALLSCALER].got[0].step.body == f"at {int(when[11:13])}"
    else:
        assert "allowed again at 2026-03-0" in verdict.why
        assert "08:00" in verdict.why


async def test_at_most_counts_from_the_moment_after_the_wait() -> None:
    shop = Shop("{name: R, then: [{wait: 3h}, {text: caller, body: hi}]}", now="2026-03-02 04:40")
    event = await shop.call()
    assert (await shop.verdict(event)).until == at("2026-03-02 08:00")
    await shop.run()
    assert shop.texts == [DANA]


async def test_business_hours_hold_the_whole_rule_for_sixteen_hours_at_most() -> None:
    held = (
        "{name: R, guards: {hours: hold}, then: [{send: team, message: missed}, {wait: 10m}, {text: caller, body: hi}]}"
    )
    shop = Shop(held, now="2026-03-02 19:00")
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert (verdict.word, verdict.until) == ("held", at("2026-03-03 08:00"))
    assert await shop.steps(event) == ["held", "held"]
    await shop.run("2026-03-03 08:09")
    assert (shop.said("team"), shop.texts) == (["missed"], [])
    await shop.run()
    assert shop.texts == [DANA]
    shop = Shop(held, now="2026-03-06 19:00")
    event = await shop.call()
    assert "allowed again at 2026-03-09 08:10, more than 16h" in ((await shop.reasons(event))[1] or "")


async def test_a_wait_until_a_time_of_day_counts_from_the_opening() -> None:
    shop = Shop(
        "{name: R, guards: {hours: hold}, then: [{wait: {until: '10:00'}}, {send: team, message: x}]}",
        now="2026-03-02 03:00",
    )
    await shop.call()
    await shop.run("2026-03-02 10:00")
    assert shop.said("team") == ["x"]


async def test_a_rule_that_skips_outside_hours_is_skipped_and_its_text_does_not_leave_after_closing() -> None:
    skips = "{name: R, guards: {hours: skip}, then: [{wait: 2m}, {text: caller, body: hi}]}"
    shop = Shop(skips, now="2026-03-02 18:00")
    verdict = await shop.verdict(await shop.call())
    assert (verdict.word, verdict.why) == ("skipped", "hours: wanted open, was closed")
    shop = Shop(skips, now="2026-03-02 17:59")
    assert (await shop.verdict(await shop.call())).word == "suppressed"


async def test_staff_are_notified_at_any_hour_and_never_texted_as_callers() -> None:
    ring = f"{{name: R, then: [{{text: '{STAFF}', body: missed}}]}}"
    shop = Shop(ring, BACK, now="2026-03-02 03:00", total=Limit(3, 86400.0))
    for _ in range(4):
        event = await shop.call()
        await shop.settle()
    assert shop.texts == [STAFF] * 3
    assert (await shop.verdict(event)).why.startswith("limit: 3 texts")
    shop = Shop(BACK)
    verdict = await shop.verdict(await shop.call(caller_number=STAFF))
    assert (verdict.word, verdict.why) == ("suppressed", "staff: never texted as callers")


async def test_a_rule_that_only_texts_staff_has_no_guards_for_texts() -> None:
    ring = f"{{name: R, when: [call.completed], then: [{{text: '{STAFF}', body: spam}}]}}"
    shop = Shop(ring)
    await shop.call("call.completed", direction="outbound", destination_number=EVE, ai_category="spam")
    await shop.settle()
    assert shop.texts == [STAFF]


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        ("anonymous", "withheld"),
        (OWN, "own number"),
        ("+18005550110", "toll-free"),
        ("+18765550110", "number of JM"),
        ("+442071838750", "number of GB"),
        ("+19005550110", ""),
    ],
)
async def test_who_cannot_or_must_not_be_texted_is_suppressed_at_once_with_the_reason(caller: str, why: str) -> None:
    shop = Shop(BACK)
    event = await shop.call(caller_number=caller)
    verdict = await shop.verdict(event)
    assert verdict.word == "suppressed"
    assert why in verdict.why
    await shop.run()
    assert shop.texts == []


async def test_who_asked_not_to_be_texted_while_a_text_waits_is_not_texted() -> None:
    shop = Shop(BACK)
    event = await shop.call()
    await shop.store.opt_out(DANA, now=shop.now, how="test")
    await shop.run()
    assert shop.texts == []
    assert (await shop.reasons(event))[0].startswith("opted out: this person asked not to be texted")


async def test_limits_hold_back_a_flood_and_none_lifts_them() -> None:
    flood = "{name: R, guards: {cooldown: {for: 5m, scope: rule}}, then: [{text: caller, body: hi}]}"
    for limit, texts in ((Limit.read("2/day"), 2), (Limit.read("none"), 4)):
        shop = Shop(flood, total=limit)
        for last in range(4):
            await shop.call(caller_number=f"+1312555011{last}")
        await shop.run()
        assert len(shop.texts) == texts
    shop = Shop(flood, per_person=Limit(1, 86400.0))
    await shop.call()
    await shop.settle()
    shop.now += 600
    verdict = await shop.verdict(await shop.call())
    assert verdict.why == "limit: 1 texts to this person in 1d"
    shop = Shop(flood, per_prefix=Limit(1, 3600.0))
    await shop.call(caller_number="+13125550110")
    second = await shop.call(caller_number="+13125550111")
    await shop.run()
    assert "numbers like this" in ((await shop.reasons(second))[0] or "")


async def test_a_limit_that_is_reached_now_says_nothing_of_a_text_tomorrow() -> None:
    shop = Shop(
        "{name: Now, when: [call.voicemail], then: [{text: caller, body: now}]}",
        "{name: Later, guards: {cooldown: {for: 5m}}, then: [{wait: 25h}, {text: caller, body: later}]}",
        per_person=Limit(1, 86400.0),
    )
    await shop.call("call.voicemail")
    await shop.settle()
    shop.now += 400
    await shop.call()
    await shop.run()
    assert len(shop.texts) == 2


async def test_quiet_hours_that_never_open_suppress_without_falling_over() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: hi}]}", quiet=QuietHours(start=0, end=0))
    verdict = await shop.verdict(await shop.call())
    assert (verdict.word, verdict.why) == ("suppressed", "quiet hours where this person lives, and never allowed again")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"direction": "outbound", "destination_number": EVE}, "call.direction: wanted is inbound, was outbound"),
        ({"ai_category": "spam"}, "call.spam: wanted is unlikely, was certain"),
        ({"ai_category": "wrong_number"}, "call.ai_category: wanted not in spam, wrong_number, was wrong_number"),
        ({"test": True}, "call.is_test: wanted is false, was true"),
    ],
)
async def test_a_rule_that_texts_demands_what_keeps_strangers_safe(fields: dict[str, object], why: str) -> None:
    shop = Shop(BACK)
    verdict = await shop.verdict(await shop.call(**fields))
    assert (verdict.word, verdict.why) == ("skipped", why)


async def test_a_rule_that_names_the_field_itself_decides_about_it() -> None:
    shop = Shop("{name: R, if: {call.is_test: true}, then: [{text: caller, body: hi}]}")
    await shop.call(test=True)
    await shop.settle()
    assert shop.texts == [DANA]


@pytest.mark.parametrize(
    ("created", "word", "why"),
    [
        ("2026-03-02T15:45:00Z", "ran", ""),
        ("2026-03-02T15:44:59Z", "suppressed", "fresh: wanted at most 900s old, was 901s"),
        ("2026-03-02T16:04:00Z", "ran", ""),
        ("2026-03-02T16:06:00Z", "suppressed", "fresh: wanted at most 900s old, was age unknown"),
        ("yesterday", "suppressed", "fresh: wanted at most 900s old, was age unknown"),
        (None, "ran", ""),
    ],
)
async def test_only_fresh_calls_are_texted_by_the_age_on_arrival(created: str | None, word: str, why: str) -> None:
    shop = Shop(BACK)
    verdict = await shop.verdict(await shop.call(created_at=created))
    assert (verdict.word, verdict.why) == (word, why)


async def test_a_late_event_runs_send_steps_only_and_rings_nobody_unless_the_step_says_so() -> None:
    shop = Shop("""
        name: R
        guards: {fresh: 9d}
        then:
          - {send: log, message: a}
          - {send: team, message: b}
          - {send: team, message: c, late: true}
          - {text: caller, body: hi}
          - {send: log, message: below}
        """)
    event = await shop.call(late=True)
    await shop.run()
    assert await shop.steps(event) == ["delivered", "suppressed", "delivered", "suppressed", "cancelled"]
    assert (shop.said("log"), shop.said("team"), shop.texts) == (["a"], ["c"], [])


async def test_of_what_the_relay_does_itself_a_late_event_only_stops() -> None:
    shop = Shop("""
        name: R
        guards: {fresh: 9d}
        then:
          - quarantine: 24h
          - {tag: {caller: late}}
          - {send: log, message: a}
          - {stop: enough, if: {caller.tags: missing}}
          - {send: log, message: never}
        """)
    event = await shop.call(late=True)
    assert (await shop.verdict(event)).word == "ran"
    await shop.run()
    assert await shop.steps(event) == ["suppressed", "suppressed", "delivered", "delivered", "cancelled"]
    assert (await shop.reasons(event))[:2] == ["late: only send steps run for late events"] * 2
    assert shop.said("log") == ["a"]


async def test_a_late_event_is_sent_on_though_the_person_was_texted_just_now() -> None:
    shop = Shop("{name: R, guards: {fresh: 9d}, then: [{send: log, message: a}, {text: caller, body: hi}]}")
    await shop.call()
    await shop.settle()
    await shop.call(late=True)
    await shop.run()
    assert shop.said("log") == ["a", "a"]
    assert shop.texts == [DANA]
