from __future__ import annotations

from relay.errors import Rejected, Unavailable
from relay.models import CALLSCALER
from tests.rules.shop import DANA, Shop

LOG = """
name: Log
when: [call.missed, call.completed, call.enriched]
then: [{send: log, message: "{{ call.outcome }}"}]
"""


async def test_the_names_of_results_are_waited_for_and_then_blank() -> None:
    linked = """
        name: R
        then:
          - {send: crm, message: a, id: crm}
          - {send: team, message: "see {{ steps.crm.id | default('nothing') }}", wait_for: 1m}
        """
    shop = Shop(linked)
    await shop.call()
    await shop.settle()
    assert shop.said("team") == ["see id-1"]
    shop = Shop(linked)
    shop.services["crm"].answers = [Unavailable("down")] * 50
    await shop.call()
    await shop.run("2026-03-02 10:00:59")
    assert shop.said("team") == []
    await shop.run("2026-03-02 10:01:01")
    assert shop.said("team") == ["see nothing"]


async def test_a_result_that_is_there_is_not_waited_for_after_business_hours_either() -> None:
    shop = Shop(
        "{name: R, guards: {hours: hold}, then: [{send: crm, message: a, id: crm}, "
        "{send: team, message: '{{ steps.crm.state }}'}]}",
        now="2026-03-02 03:00",
    )
    await shop.call()
    await shop.run("2026-03-02 07:59")
    assert shop.said("crm") == []
    await shop.run("2026-03-02 08:00")
    assert shop.said("team") == ["delivered"]


async def test_a_blank_that_cannot_be_filled_suppresses_the_step_and_says_which() -> None:
    shop = Shop(
        "{name: R, then: [{send: log, message: 'Hi {{ caller.name }}'}, "
        "{text: caller, body: \"{{ call.flow | default('') }}\"}]}"
    )
    event = await shop.call()
    await shop.run()
    assert await shop.reasons(event) == ["template: caller.name has no value", "template: the text would be empty"]
    assert (await shop.verdict(event)).word == "suppressed"


async def test_a_step_left_out_by_its_if_blocks_nobody_and_a_wait_below_it_counts_on() -> None:
    shop = Shop("""
        name: R
        then:
          - {text: caller, body: hi, if: {call.flow: Never}}
          - {wait: 5m}
          - {send: log, message: a}
        """)
    event = await shop.call()
    await shop.run("2026-03-02 10:04:59")
    assert shop.said("log") == []
    await shop.run("2026-03-02 10:05")
    assert await shop.steps(event) == ["cancelled", "delivered"]


async def test_anyway_lifts_gates_above_it() -> None:
    shop = Shop("""
        name: R
        then:
          - {text: caller, body: hi}
          - {send: log, message: a}
          - {send: log, message: b, anyway: true}
        """)
    shop.services[CALLSCALER].answers = [Rejected("no")]
    event = await shop.call()
    await shop.run()
    assert await shop.steps(event) == ["dead", "cancelled", "delivered"]
    assert "step 1 (text) did not succeed: no" in ((await shop.reasons(event))[1] or "")


async def test_a_tag_takes_effect_for_the_next_event_and_stop_ends_the_run() -> None:
    shop = Shop(
        "{name: R, then: [{tag: {caller: vip}}, {stop: known, if: {caller.tags: vip}}, {send: log, message: new}]}"
    )
    await shop.call()
    event = await shop.call()
    await shop.run()
    assert shop.said("log") == ["new"]
    assert (await shop.reasons(event))[2] == "stopped: known"


async def test_a_quarantine_holds_every_rule_and_ends_suppressed() -> None:
    shop = Shop(LOG, "{name: Q, then: [{quarantine: 24h}]}")
    event = await shop.call()
    verdict = await shop.verdict(event)
    assert (verdict.word, verdict.why, verdict.until) == ("held", "quarantined", shop.now + 86400)
    await shop.run()
    assert shop.said("log") == []
    assert await shop.reasons(event) == ["quarantine ended without a release", None]


async def test_what_quarantine_lets_go_keeps_its_gates_and_waits() -> None:
    shop = Shop(
        "{name: Q, then: [{quarantine: 24h}]}",
        """
        name: T
        then: [{text: caller, body: hi}, {send: log, message: texted}, {send: log, message: a, anyway: true}]
        """,
        "{name: W, then: [{wait: 5m}, {send: log, message: b}]}",
    )
    event = await shop.call()
    assert await shop.store.release(event, shop.planner.follow, now=shop.now) == 3
    await shop.settle()
    assert (shop.texts, shop.said("log")) == ([], ["a"])
    reasons = await shop.reasons(event)
    assert reasons[1] == "released from quarantine, without texts"
    assert reasons[2] == "step 1 (text) did not succeed: released from quarantine, without texts"
    await shop.run("2026-03-02 10:05")
    assert shop.said("log") == ["a", "b"]


async def test_once_lets_a_rule_run_once_per_value_and_a_suppressed_run_does_not_count() -> None:
    shop = Shop("{name: R, guards: {once: caller.number}, then: [{send: log, message: '{{ call.flow }}'}]}")
    await shop.call()
    await shop.call(call_flow_name="Main")
    event = await shop.call(call_flow_name="Main")
    await shop.call(call_flow_name="Main", caller_number="anonymous")
    await shop.run()
    assert shop.said("log") == ["Main", "Main"]
    assert (await shop.verdict(event)).why == "once: has run for this caller.number"


async def test_a_field_as_the_sender_wrote_it_is_found_however_deep() -> None:
    shop = Shop("{name: R, if: {call.raw.order.id: '12', call.raw.a.b: x}, then: [{send: log, message: a}]}")
    await shop.call(order={"id": 12}, **{"a.b": "x"})
    await shop.run()
    assert shop.said("log") == ["a"]


async def test_an_enriched_event_carries_the_whole_call_with_its_outcome() -> None:
    shop = Shop(LOG)
    await shop.call("call.completed", call_id="same")
    await shop.call("call.completed", call_id="same", summary="a leak")
    await shop.run()
    assert shop.said("log") == ["answered", "answered"]


async def test_anyway_lifts_a_wait_that_was_called_off_but_not_its_length() -> None:
    shop = Shop("""
        name: R
        then:
          - {wait: 2m, cancel_if: {call.outcome: missed}}
          - {send: log, message: a}
          - {send: log, message: b, anyway: true}
        """)
    event = await shop.call()
    await shop.run("2026-03-02 10:01")
    assert shop.said("log") == []
    await shop.run()
    assert await shop.steps(event) == ["cancelled", "delivered"]


async def test_a_result_that_will_never_come_is_not_waited_for() -> None:
    shop = Shop("""
        name: R
        then:
          - {text: caller, body: hi}
          - {send: crm, message: a, id: crm}
          - {send: log, message: "{{ steps.crm.state }}", anyway: true}
        """)
    shop.services[CALLSCALER].answers = [Rejected("no")]
    await shop.call()
    await shop.settle()
    assert shop.said("log") == ["cancelled"]


async def test_the_if_of_a_step_is_judged_when_it_falls_due_and_not_again_when_it_was_held() -> None:
    shop = Shop("{name: R, then: [{text: caller, body: hi, if: {now.hour: '7'}}]}", now="2026-03-02 07:45")
    await shop.call()
    await shop.run()
    assert shop.texts == [DANA]


async def test_a_steps_own_if_may_ask_what_became_of_an_earlier_step() -> None:
    asked = """
        name: R
        then:
          - {send: crm, message: a, id: crm}
          - {send: team, message: stored, if: {steps.crm.state: delivered}}
          - {send: log, message: lost, if: {steps.crm.state: {is_not: delivered}}}
        """
    shop = Shop(asked)
    await shop.call()
    await shop.settle()
    assert (shop.said("team"), shop.said("log")) == (["stored"], [])
    shop = Shop(asked)
    shop.services["crm"].answers = [Rejected("no")] * 5
    await shop.call()
    await shop.settle()
    assert (shop.said("team"), shop.said("log")) == ([], ["lost"])
