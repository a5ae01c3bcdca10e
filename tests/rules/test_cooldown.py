from __future__ import annotations

import pytest

from relay.errors import Unavailable, Unclear
from relay.models import CALLSCALER
from tests.rules.shop import Shop

LOG = """
name: Log
when: [call.missed, call.completed, call.enriched]
then: [{send: log, message: "{{ call.outcome }}"}]
"""


@pytest.mark.parametrize(("seconds", "texts"), [(-1.0, 1), (0.0, 1), (1.0, 2)])
async def test_a_cooldown_is_over_just_after_its_last_second(seconds: float, texts: int) -> None:
    shop = Shop("{name: R, guards: {cooldown: {for: 2h}}, then: [{text: caller, body: hi}]}")
    await shop.call()
    await shop.settle()
    shop.now += 7200 + seconds
    event = await shop.call()
    await shop.run()
    assert len(shop.texts) == texts
    if texts == 1:
        verdict = await shop.verdict(event)
        assert (verdict.word, await shop.steps(event)) == ("suppressed", [])
        assert verdict.why.endswith("ago by R; wanted none in 2h")


async def test_a_cooldown_stops_the_whole_rule_and_leaves_other_rules_alone() -> None:
    shop = Shop("{name: R, then: [{send: team, message: missed}, {text: caller, body: hi}]}", LOG)
    await shop.call()
    await shop.settle()
    await shop.call()
    await shop.run()
    assert shop.said("team") == ["missed"]
    assert shop.said("log") == ["missed", "missed"]


async def test_a_cooldown_of_a_rule_that_only_sends_counts_texts_too() -> None:
    shop = Shop(
        "{name: T, when: [call.voicemail], then: [{text: caller, body: hi}]}",
        "{name: S, guards: {cooldown: {for: 1h}}, then: [{send: team, message: missed}]}",
    )
    await shop.call()
    await shop.call("call.voicemail")
    await shop.settle()
    event = await shop.call()
    assert (await shop.verdict(event, 1)).word == "suppressed"
    shop.now += 3601
    await shop.call()
    await shop.run()
    assert shop.said("team") == ["missed", "missed"]


async def test_a_cooldown_of_scope_rule_counts_only_texts_of_the_rule() -> None:
    narrow = (
        "{name: N, when: [call.voicemail], guards: {cooldown: {for: 1d, scope: rule}}, then: [{text: caller, body: n}]}"
    )
    shop = Shop("{name: T, then: [{text: caller, body: t}]}", narrow)
    await shop.call()
    await shop.settle()
    await shop.call("call.voicemail")
    await shop.settle()
    assert len(shop.texts) == 2


async def test_texts_of_one_run_do_not_cool_each_other_down() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: one}, {wait: 1m}, {text: caller, body: two}]}")
    await shop.call()
    await shop.run()
    assert len(shop.texts) == 2


async def test_a_text_that_is_unclear_counts_and_is_never_sent_again() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: hi}, {send: team, message: texted}]}")
    shop.services[CALLSCALER].answers = [Unclear("reset")]
    first = await shop.call()
    await shop.settle()
    assert await shop.steps(first) == ["unknown", "waiting"]
    shop.now += 10
    second = await shop.call()
    assert (await shop.verdict(second)).word == "suppressed"
    await shop.run()
    assert await shop.steps(first) == ["abandoned", "cancelled"]
    assert shop.texts == []


async def test_a_text_that_was_refused_for_now_is_tried_with_the_same_words_and_not_past_its_time() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: 'in {{ caller.calls_1h }}'}]}")
    shop.services[CALLSCALER].answers = [Unavailable("429", retry_after=60)] * 3
    await shop.call()
    await shop.settle()
    await shop.call("call.completed")
    await shop.run()
    assert [action.step.body for action in shop.services[CALLSCALER].got] == ["in 1"]
    shop = Shop("{name: R, then: [{text: caller, body: hi, at_most: 10m}]}")
    shop.services[CALLSCALER].answers = [Unavailable("429", retry_after=400)] * 9
    event = await shop.call()
    await shop.run()
    assert await shop.reasons(event) == ["not sent within 10m of falling due"]
