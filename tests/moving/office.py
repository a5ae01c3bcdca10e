"""An account for tests: the real sandbox over HTTP, a ledger in a file, the real connector, and a clock that stands."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from connectors.callscaler import CallScalerConnector, CallScalerOptions
from relay.book import Book
from relay.hours import Business, QuietHours
from relay.http import Http, Network
from relay.intake import merge
from relay.models import CALLSCALER
from relay.moving import Account, Numbers
from relay.moving.turn import at_once
from relay.numbers import Brakes, read_groups
from relay.rules import HISTORY, About, read_rule
from relay.sandbox import Sandbox, SandboxSettings
from relay.texting import Policy
from tests.carried import CarriedStore
from tests.rules.reading import AROUND
from tests.rules.shop import HOURS
from tests.store.ledger import event, nothing_owed, plan

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_772_467_200.0
DAY = 86400.0
KEY = "cs_key_" + "f" * 32
LOOPBACK = Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True)
GROUPS = """
- {name: Parked, if: {number.calls_30d: 0}}
- {name: Main, default: true}
"""


def number(n: int) -> str:
    return f"+1312555{n:04d}"


def declared(text: str) -> tuple[Any, ...]:
    told: list[Any] = []
    groups = read_groups(yaml.load(text, yaml.BaseLoader), lambda *what: told.append(what), {}, AROUND.actions)  # noqa: S506 - as text
    assert not told, told
    return groups


def rule(text: str) -> Any:
    told: list[Any] = []
    found = read_rule(yaml.load(text, yaml.BaseLoader), (), lambda *what: told.append(what), AROUND)  # noqa: S506 - as text
    assert found is not None, told
    return found


class Office:
    """Opened with `start`, closed with `stop`; `restart` is what a process that starts after a fall finds."""

    def __init__(self, folder: Path, groups: str = GROUPS, *rules: str, **brakes: Any) -> None:
        self.now = NOW
        self._file = folder / "relay.db"
        self.sandbox = Sandbox(
            key=KEY, sample=False, clock=lambda: self.now, settings=brakes.pop("sandbox", SandboxSettings(hang=5.0))
        )
        about = About("Bright Plumbing", HOURS)
        self.book = Book(
            rules=tuple(rule(text) for text in rules),
            about=about,
            policy=Policy(hours=Business.read("UTC"), quiet=QuietHours.read()),
            version="v1",
            brakes=Brakes(**{"max_changes": 1000, **brakes}),
            groups=declared(groups) if groups else (),
        )
        self.others: dict[str, Any] = {}
        self.admin_url = ""
        self.once = at_once

    async def start(self, *, history: float | None = NOW - 40 * DAY) -> Office:
        await self.sandbox.start()
        self.open()
        if history is not None:
            await self.store.set_mark(HISTORY, history)
        await self.store.alive(now=self.now)
        return self

    def open(self) -> None:
        self.store = CarriedStore(self._file)
        self.http = Http(LOOPBACK)
        options = CallScalerOptions.model_validate({"api_key": KEY, "base_url": f"{self.sandbox.url}/api/v1"})
        self.phone = CallScalerConnector(options, self.http)
        self.numbers = Numbers(
            self.store,
            Account(
                lambda: self.book,
                lambda: self.phone,
                lambda name: self.phone if name == CALLSCALER else self.others.get(name),
                lambda: None,
                lambda: self.admin_url,
            ),
            lambda: self.now,
            sleep=no_pause,
            once=self._once,
        )

    async def _once(self, duty: str, work: Any) -> Any:
        return await self.once(duty, work)

    async def close(self) -> None:
        await self.http.close()
        await self.store.close()

    async def stop(self) -> None:
        await self.close()
        await self.sandbox.stop()

    async def restart(self) -> None:
        await self.close()
        self.open()

    def brake(self, **brakes: Any) -> None:
        self.book = replace(self.book, brakes=replace(self.book.brakes, **brakes))

    async def called(self, *numbers: str, at: float = NOW - 60) -> None:
        """Calls to these numbers, in the ledger."""
        for place, called in enumerate(numbers):
            one = event(f"{called}-{at}-{place}", number=called, at=at)
            await self.store.accept(one, b"{}", merge)
        await plan(self.store, nothing_owed, limit=len(numbers) or 1)

    def groups(self) -> dict[str, list[str]]:
        """Who is in which group, at the phone system."""
        names = [row["name"] for row in self.sandbox._world.state.rows("SELECT name FROM number_groups ORDER BY name")]
        return {name: self.sandbox.members(name) for name in names}

    async def in_ledger(self) -> dict[str, str | None]:
        return {owned.number: owned.group for owned in await self.store.numbers()}


async def no_pause(_: float) -> None:
    """No pause between tries."""
