"""A shop whose texts go through the sandbox, and what it is told of them."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import TYPE_CHECKING

from connectors.callscaler import CallScalerConnector, CallScalerOptions
from relay.http import Http, Network
from relay.intake import Intake
from relay.intake.door import Source
from relay.metrics import Metrics
from relay.models import CALLSCALER
from relay.proof import Key, Proof
from relay.replies import Replies
from relay.sandbox import Sandbox, SandboxSettings
from relay.worker import Channel
from tests.rules.shop import DANA, OWN, Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BOB = "+13125550102"
KEY = "cs_key_" + "f" * 32
BACK = """
name: Text back
then:
  - wait: 2m
  - {text: caller, body: "Sorry we missed you."}
"""
AT_ONCE = "{name: At once, then: [{text: caller, body: hi}]}"
ANSWERED = """
name: Tell the team
when: [text.received]
if: {text.is_optout: false}
then: [{send: team, message: "{{ text.from }} to {{ text.to }}: {{ text.body }}"}]
"""
SECRET = [("Authorization", "Bearer not-a-secret-at-all")]
UNPROVED = Source("open", "json", Proof("none"))
PROVED = Source("callscaler", "callscaler", Proof("bearer", (Key(b"not-a-secret-at-all"),)))


class World:
    """A shop whose texts go through the sandbox, and which reads the sandbox's list of texts."""

    def __init__(self, sandbox: Sandbox, http: Http, *rules: str) -> None:
        self.sandbox = sandbox
        self.shop = Shop(*rules)
        options = CallScalerOptions.model_validate({"api_key": KEY, "base_url": f"{sandbox.url}/api/v1"})
        self.phone = CallScalerConnector(options, http)
        self.store = self.shop.store
        self.intake = Intake(self.store, lambda: self.shop.now, Metrics())
        self.replies = Replies(self.store, self.intake, self.phone, lambda: self.shop.now)
        self.shop.worker.channels = {**self.shop.worker.channels, CALLSCALER: Channel(CALLSCALER, self.phone)}
        self.shop.planner.heard = lambda: self.replies.heard_at

    async def texted(self, body: str, *, sender: str = DANA) -> str:
        return await self.sandbox.phone.receive_text(sender, OWN, body)

    async def by_hand(self, to: str = DANA, body: str = "Your part is in.") -> None:
        """Somebody else on the account sends a text."""
        [number] = await self.phone.client.numbers.list()
        await self.phone.client.messages.send(from_number_id=number.id, to=to, body=body)

    async def opted_out(self) -> list[str]:
        return [str(row["number"]) for row in await self.store.opt_outs(limit=9)]

    async def received(self) -> list[str]:
        events = await self.store.events(limit=99)
        return [str(event.call["body"]) for event in reversed(events) if event.type == "text.received"]


@contextlib.asynccontextmanager
async def worlds() -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Makes worlds with these rules, each with a sandbox of its own."""
    async with contextlib.AsyncExitStack() as stack:

        async def world(*rules: str) -> World:
            made: list[World] = []
            sandbox = Sandbox(
                key=KEY,
                sample=False,
                clock=lambda: made[0].shop.now if made else 0.0,
                settings=SandboxSettings(hang=5.0),
            )
            sandbox.set_balance(1000)
            sandbox.add_number(OWN, "Main")
            await sandbox.start()
            stack.push_async_callback(sandbox.stop)
            http = Http(Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
            stack.push_async_callback(http.close)
            made.append(World(sandbox, http, *rules))
            stack.push_async_callback(made[0].store.close)
            return made[0]

        yield world
