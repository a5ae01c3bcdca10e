"""A text that nobody answers becomes an event, once, and what answers it keeps it from becoming one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.errors import StoreBusy
from relay.intake import Intake, read_event
from relay.metrics import Metrics
from relay.models import iso
from relay.store import ForeignText
from relay.unanswered import Unanswered
from tests.rules.shop import DANA, EVE, OWN, Shop

NUDGE = """
name: Nudge
when: text.unanswered
then: [{send: team, message: "{{ text.from }} waits: {{ text.body }}"}]
"""
AFTER = 1800.0


class Waiting(Shop):
    def __init__(self) -> None:
        super().__init__(NUDGE)
        self.intake = Intake(self.store, lambda: self.now, Metrics())
        self.after: float | None = AFTER
        self.loop = Unanswered(self.store, self.intake, lambda: self.now, lambda: self.after)

    async def text(self, body: str = "Can you come today?", caller: str = DANA, **more: object) -> None:
        self._calls += 1
        fields = {
            "event": "text.received", "id": f"t{self._calls}", "caller_number": caller, "tracking_number": OWN,
            "body": body, "created_at": iso(self.now),
        }  # fmt: skip
        event = read_event(fields, "callscaler", self.now).event
        await self.intake.event(replace(event, **more), b"{}")
        await self.planner.plan_next()

    async def look(self, after: float = AFTER) -> list[str]:
        """What the team is told when the time is over."""
        self.now += after
        await self.loop.look()
        await self.settle()
        return self.said("team")


async def test_a_text_that_nobody_answers_is_told_once_also_after_a_restart():
    shop = Waiting()
    await shop.text()
    assert await shop.look(AFTER - 1) == []
    told = [f"{DANA} waits: Can you come today?"]
    assert await shop.look(1) == told
    assert await shop.look(60) == told
    shop.loop = Unanswered(shop.store, shop.intake, lambda: shop.now, lambda: AFTER)
    assert await shop.look(60) == told


async def test_a_person_who_writes_again_and_again_is_told_of_once_and_anew_after_an_answer():
    shop = Waiting()
    for body in ("Hello?", "Anybody there?", "Hello??"):
        await shop.text(body)
    assert await shop.look() == [f"{DANA} waits: Hello?"]
    await shop.store.save_foreign_texts([ForeignText("f1", DANA, "312555", OWN, "Yes!", shop.now)])
    shop.now += 10
    await shop.text("And the price?")
    assert await shop.look() == [f"{DANA} waits: Hello?", f"{DANA} waits: And the price?"]


async def test_a_text_by_hand_and_an_answered_call_are_answers_and_a_missed_call_is_none():
    shop = Waiting()
    await shop.text()
    await shop.text(caller=EVE)
    shop.now += 60
    await shop.call("call.completed", caller_number=DANA, duration_seconds=90)
    await shop.call("call.missed", caller_number=EVE)
    assert await shop.look() == [f"{EVE} waits: Can you come today?"]


@pytest.mark.parametrize(("body", "more"), [("STOP", {}), ("Hello", {"late": True})])
async def test_what_needs_no_answer_or_is_old_waits_for_nobody(body, more):
    shop = Waiting()
    await shop.text(body, **more)
    assert await shop.look() == []


async def test_nobody_is_told_where_nobody_asked_and_what_waits_longer_than_a_day_is_no_news():
    shop = Waiting()
    shop.after = None
    await shop.text()
    assert await shop.look() == []
    shop.after = AFTER
    assert await shop.look(86400 + AFTER) == []


async def test_the_loop_goes_on_when_the_ledger_is_busy(until, monkeypatch):
    import asyncio  # noqa: PLC0415 - only here

    monkeypatch.setattr("relay.unanswered.EVERY", 0.0)
    shop = Waiting()
    looks = []

    async def busy(**_: float) -> list[object]:
        looks.append(1)
        raise StoreBusy("full")

    shop.store.unanswered_texts = busy
    running = asyncio.create_task(shop.loop.run())
    await until(lambda: len(looks) > 1)
    running.cancel()
