"""Senders as the provider's are: in a hurry, sometimes twice, and again until they are told that it was taken."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

import aiohttp

from tests.crash.relays import SECRET
from tests.crash.world import OURS

if TYPE_CHECKING:
    import random

    from relay.sandbox.phone import Phone

SENDERS = 24
AREAS = (
    205,
    212,
    213,
    214,
    215,
    216,
    217,
    218,
    225,
    228,
    240,
    248,
    251,
    253,
    254,
    256,
    260,
    262,
    267,
    269,
    301,
    303,
    304,
    305,
    307,
    309,
    310,
    312,
    313,
    314,
    315,
    316,
    317,
    318,
    319,
    320,
    321,
    323,
    325,
    330,
)
PEOPLE = [f"+1{area}55501{line:02}" for area in AREAS for line in range(100)]
"""4,000 numbers that belong to nobody."""
_REPEATS = 0.1
_MISSED = 0.6


class Doors(Protocol):
    """Whoever takes webhooks: one relay, or several."""

    @property
    def door(self) -> str:
        """Where the next webhook goes; empty while nobody takes any."""


class Load:
    """What was sent, and what was said to be taken."""

    def __init__(self, relays: Doors, dice: random.Random, pause: float, phone: Phone | None = None) -> None:
        """`pause` is how many seconds a sender waits between two events at most; people answer on `phone`."""
        self.attempted: dict[str, tuple[str, str]] = {}
        """Type and caller of every call that was ever sent."""
        self.acked: dict[str, str] = {}
        """The event's id, for every call that the relay said it had taken."""
        self.when: dict[str, list[float]] = {}
        """Unix seconds at which a call was first sent, and when it was first acknowledged."""
        self.repeats = 0
        self.refused = 0
        """Answers of 503."""
        self.stops = 0
        """People who asked not to be texted any more."""
        self.wrong: list[str] = []
        self._phone = phone
        self._relays = relays
        self._dice = dice
        self._pause = pause
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Send, until told to stop."""
        self._tasks = [asyncio.create_task(self._send_on(place)) for place in range(SENDERS)]
        if self._phone is not None:
            self._tasks.append(asyncio.create_task(self._ask_to_stop(self._phone)))

    async def stop(self) -> None:
        """Come to an end; what is not acknowledged by now may or may not have been taken."""
        self._over = True
        await asyncio.gather(*self._tasks)

    async def _ask_to_stop(self, phone: Phone) -> None:
        """Again and again somebody answers STOP, texted before or not: often enough that some of them ring again."""
        while not self._over:
            await asyncio.sleep(self._dice.uniform(0.1, 0.4))
            await phone.receive_text(self._dice.choice(PEOPLE), OURS, "STOP")
            self.stops += 1

    async def _send_on(self, place: int) -> None:
        number = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while not self._over:
                number += 1
                call = f"c-{place}-{number}"
                self._make_up(call)
                while not self._over and not await self._post(session, call):  # noqa: ASYNC110 - by the clock, as the provider
                    await asyncio.sleep(self._dice.uniform(0.05, 0.4))
                if call in self.acked and self._dice.random() < _REPEATS:
                    self.repeats += 1
                    await self._post(session, self._dice.choice([call, self._dice.choice(list(self.acked))]))
                await asyncio.sleep(self._dice.uniform(0, self._pause))

    def _make_up(self, call: str) -> None:
        kind = "call.missed" if self._dice.random() < _MISSED else "call.completed"
        self.attempted[call] = kind, self._dice.choice(PEOPLE)

    async def send_one(self, session: aiohttp.ClientSession, call: str, doors: Doors) -> bool:
        """Send a call once to one of these doors; whether it was taken."""
        self._make_up(call)
        return await self._post(session, call, doors)

    async def _post(self, session: aiohttp.ClientSession, call: str, doors: Doors | None = None) -> bool:
        """Send a call once; whether it was taken."""
        door = (doors or self._relays).door
        if not door:
            return False
        kind, caller = self.attempted[call]
        self.when.setdefault(call, [time.time()])
        body = {"event": kind, "call_id": call, "caller_number": caller, "tracking_number": "+13125550142"}
        try:
            async with session.post(door, json=body, headers={"X-Relay-Secret": SECRET}) as answer:
                told = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        if status in {200, 202}:
            if call not in self.acked:
                self.when[call].append(time.time())
            known = self.acked.setdefault(call, told["event"])
            if known != told["event"]:
                self.wrong.append(f"{call} was taken as {known} and as {told['event']}")
            return True
        self.refused += status == 503
        if status != 503:
            self.wrong.append(f"{call} was answered {status}: {told}")
        return False
