"""Texting that a person should see to: one alert for each cause, told in plain words, over when it is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from relay.errors import Blocked, StoreBusy
from relay.models import CALLSCALER, Owned
from relay.text_alarms import TextAlarms
from relay.texting import Limit
from tests.rules.shop import DANA, EVE, OWN, Shop

BACK = "{name: Back, then: [{text: caller, body: hi}]}"
LOG = "{name: Log, then: [{send: log, message: missed}]}"
MUTE = Blocked(f"{OWN} cannot send texts: register it", sender=OWN)
POOR = Blocked("the balance is too low; top it up")


class Watched(Shop):
    """A shop whose alarms are written down as alerts."""

    def __init__(self, *rules: Any, **more: Any) -> None:
        super().__init__(*rules, **more)
        self.alarms = TextAlarms(self.store, lambda: self.now)
        self.planner.alarm = self.alarms.note

    async def alerts(self) -> list[str]:
        """The causes of the alerts that are open."""
        await self.alarms.step()
        return [alert.cause for alert in await self.store.alerts(open_only=True)]


async def test_t13_a_flood_of_callers_holds_texting_with_one_alert_while_all_else_goes_on() -> None:
    shop = Watched(BACK, LOG, total=Limit(3, 86400.0), per_prefix=Limit(None, 3600.0))
    events = [await shop.call(caller_number=f"+1312555{n:04}") for n in range(100, 120)]
    await shop.settle()
    assert len(shop.texts) == 3
    assert len(shop.said("log")) == 20
    assert await shop.alerts() == ["texts-total"]
    (alert,) = await shop.store.alerts(open_only=True)
    assert alert.what == "3 texts went out in 1d, the most that is allowed: texts are held"
    assert "texting: limits" in alert.remedy
    await shop.run()
    assert len(shop.texts) == 3
    assert "limit: 3 texts in 1d; not sent within 30m of falling due" in (await shop.reasons(events[-1]))[0]  # type: ignore[operator]


async def test_t13_a_flood_from_numbers_alike_names_their_first_digits() -> None:
    shop = Watched(BACK, per_prefix=Limit(2, 3600.0))
    for n in range(5):
        await shop.call(caller_number=f"+1312555010{n}")
    await shop.call(caller_number="+17735550101")
    await shop.settle()
    assert len(shop.texts) == 3
    assert await shop.alerts() == ["texts-prefix:312555"]


async def test_an_alert_is_over_when_texts_were_not_held_for_a_while_and_not_before() -> None:
    shop = Watched(BACK, total=Limit(1, 600.0))
    await shop.call()
    await shop.call(caller_number=EVE)
    await shop.settle()
    assert await shop.alerts() == ["texts-total"]
    shop.now += 290
    assert await shop.alerts() == ["texts-total"]
    await shop.run()
    assert shop.texts == [DANA, EVE]
    shop.now += 301
    assert await shop.alerts() == []


async def test_an_alert_that_an_earlier_process_opened_is_closed_by_the_next_and_a_strangers_is_left_alone() -> None:
    shop = Watched(BACK)
    await shop.store.open_alert("texts-total", "held", "look", now=shop.now)
    await shop.store.open_alert("disk", "full", "free", now=shop.now)
    assert await shop.alerts() == ["disk", "texts-total"]
    shop.now += 301
    assert await shop.alerts() == ["disk"]


@pytest.mark.parametrize("lifted", [False, True])
async def test_t12_a_machine_that_calls_back_after_each_text_is_suspected_and_stopped(lifted: bool) -> None:
    limits = {"per_person": Limit(None, 86400.0)} if lifted else {}
    cooldown = "guards: {cooldown: {for: 5m}}, " if lifted else ""
    shop = Watched(f"{{name: Back, {cooldown}then: [{{text: caller, body: hi}}]}}", **limits)
    for _ in range(100):
        await shop.call()
        await shop.settle()
        shop.now += 301
    assert len(shop.texts) == (10 if lifted else 1)
    assert await shop.alerts() == ["loop_suspected:***0101"]
    (alert,) = await shop.store.alerts(open_only=True)
    assert alert.what.startswith("***0101 called 100 times in 24 hours and was texted ")


async def test_r16_a_rule_that_sets_itself_off_is_stopped_and_others_are_texted() -> None:
    shop = Watched("{name: Back, guards: {cooldown: {for: 5m}}, then: [{text: caller, body: hi}]}",
                   per_person=Limit(None, 86400.0))  # fmt: skip
    for _ in range(30):
        event = await shop.call()
        await shop.settle()
        shop.now += 301
    assert shop.texts.count(DANA) == 10
    assert (await shop.verdict(event)).why == "loop suspected: 10 texts to this person in 24h"
    await shop.call(caller_number=EVE)
    await shop.settle()
    assert shop.texts[-1] == EVE


async def test_many_calls_without_a_text_are_no_loop() -> None:
    shop = Watched(LOG)
    for _ in range(30):
        await shop.call()
    await shop.settle()
    assert await shop.alerts() == []


@pytest.mark.parametrize(("answer", "held"), [(MUTE, "cannot send texts: register it"), (POOR, "balance is too low")])
async def test_t21_a_sender_that_may_not_text_holds_texting_with_one_alert_and_no_loop(answer: Any, held: str) -> None:
    shop = Watched(BACK, LOG)
    phone = shop.services[CALLSCALER]
    phone.answers = [answer] * 50
    for n in range(20):
        await shop.call(caller_number=f"+1312555{n + 100:04}")
    await shop.settle()
    asked = 50 - len(phone.answers)
    assert asked <= 20
    assert {delivery.state for delivery in await shop.store.deliveries(limit=99) if delivery.kind == "text"} == {"held"}
    causes = await shop.alerts()
    assert len(causes) == 1
    assert causes[0].startswith("texts-sender:")
    (alert,) = await shop.store.alerts(open_only=True)
    assert held in alert.what
    await shop.run()
    # In half an hour one text asked every five minutes, and no more; then all were given up on, with the reason.
    assert 50 - len(phone.answers) - asked <= 6 * 20
    assert shop.texts == []
    reasons = {d.reason for d in await shop.store.deliveries(limit=99, state="suppressed")}
    assert all("not sent within 30m" in str(reason) for reason in reasons)
    assert len(shop.said("log")) == 20


async def test_t21_the_first_no_of_the_phone_system_is_told_at_once() -> None:
    shop = Watched(BACK)
    shop.services[CALLSCALER].answers = [POOR]
    await shop.call()
    await shop.settle()
    assert await shop.alerts() == ["texts-sender:" + OWN]


async def test_t21_what_is_mended_within_the_time_goes_out_and_the_alert_ends() -> None:
    shop = Watched(BACK)
    shop.services[CALLSCALER].answers = [MUTE]
    await shop.call()
    await shop.settle()
    await shop.call(caller_number=EVE)
    await shop.settle()
    assert shop.texts == []
    await shop.run()
    assert sorted(shop.texts) == [DANA, EVE]
    assert await shop.alerts() == ["texts-sender:" + OWN]
    shop.now += 301
    assert await shop.alerts() == []


async def test_t21_a_number_that_is_listed_as_unable_to_text_is_not_tried_and_one_that_is_not_told_is() -> None:
    shop = Watched(BACK)
    listed = [Owned(OWN, "n1", sms_enabled=False), Owned("+13125550143", "n2")]
    book = shop.planner.book
    shop.planner.book = replace(book, policy=book.policy.knowing(listed))
    await shop.call()
    await shop.call(caller_number=EVE, tracking_number="+13125550143")
    await shop.settle()
    assert shop.texts == [EVE]
    assert await shop.alerts() == ["texts-sender:" + OWN]
    await shop.run()
    assert shop.texts == [EVE]


async def test_the_loop_opens_alerts_by_itself_and_outlives_a_busy_ledger(until: Any) -> None:
    shop = Watched(BACK, total=Limit(0, 600.0))
    refused = []
    keep = shop.store.open_alert

    async def busy(*given: Any, **more: Any) -> bool:
        refused.append(given)
        if len(refused) == 1:
            raise StoreBusy("full")
        return await keep(*given, **more)

    shop.store.open_alert = busy  # type: ignore[method-assign]
    running = asyncio.create_task(shop.alarms.run())
    await shop.call()
    await until(lambda: len(refused) == 1)
    await shop.call(caller_number=EVE)
    await until(lambda: len(refused) == 2)
    assert [alert.cause for alert in await shop.store.alerts(open_only=True)] == ["texts-total"]
    running.cancel()
