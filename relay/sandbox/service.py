"""The stand-in as a whole: state, API, phone and page behind one address."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.sandbox import api_keys, billing, calls, deliveries, hooks, messages, number_groups, numbers, samples
from relay.sandbox.api import Api
from relay.sandbox.faults import Faults
from relay.sandbox.hooks import RETRIES, Hooks, Target
from relay.sandbox.openapi import describe
from relay.sandbox.page import Page
from relay.sandbox.phone import Phone
from relay.sandbox.route import Role, World
from relay.sandbox.routes import ROUTES
from relay.sandbox.settings import SandboxSettings
from relay.sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from relay.sandbox.hooks import Mode

_OWN_KEY = "Sandbox"
_BODY_MOST = 1024 * 1024
_GOODBYE_SECONDS = 0.5


class Sandbox:
    """A pretend CallScaler. `clock` gives Unix seconds; `seed` feeds the dice of faults and durations.

    Without `db` everything is forgotten at the end. With a file that holds something already, `sample` adds nothing.
    The key it was started with before stops working when it is started with another one.
    """

    def __init__(
        self,
        db: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        key: str | None = None,
        sample: bool = True,
        seed: int = 0,
        settings: SandboxSettings = SandboxSettings(),  # noqa: B008 - frozen, so sharing it is harmless
    ) -> None:
        state = State(db)
        weakref.finalize(self, state.close)
        dice = random.Random(seed)  # noqa: S311 - faults that can be had again, not secrets
        self.faults = Faults(settings, dice)
        self.url = ""
        self._world = World(state, clock, dice, settings, self.faults)
        self._hooks = Hooks(self._world)
        self.phone = Phone(self._world, self._hooks)
        self.key = key or api_keys.fresh()
        self._api = Api(self._world)
        self._runner: web.AppRunner | None = None
        with state.transaction():
            self._take_key()
            if sample and state.row("SELECT 1 FROM numbers") is None:
                samples.fill(self._world, self.phone)

    def _take_key(self) -> None:
        state, now = self._world.state, self._world.clock()
        state.run("UPDATE api_keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", (now, _OWN_KEY))
        api_keys.keep(state, _OWN_KEY, self.key, Role.OWNER, now)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` tells where.

        Raises:
            OSError: the port is taken.
        """
        await self._listen(self._bind(host, port))

    async def stop(self) -> None:
        """Stop listening and drop what is under way; the state stays, and `start` may follow."""
        self._api.closing.set()
        await self._hooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._api.closing.clear()

    def point_webhook(
        self,
        call_flow: str | None,
        url: str,
        headers: Mapping[str, str],
        *,
        mode: Mode = "immediate",
        retries: Sequence[float] = RETRIES,
    ) -> None:
        """Where a call flow (its id or name; None: each one there is) sends its webhooks; `retries` are in seconds.

        Raises:
            ValueError: there is no such call flow.
        """
        rows = self._world.state.rows(
            "SELECT id FROM call_flows WHERE :flow IS NULL OR id = :flow OR name = :flow", {"flow": call_flow}
        )
        if not rows:
            raise ValueError(f"there is no call flow {call_flow or 'at all'}")
        for row in rows:
            hooks.point(self._world, row["id"], Target(row["id"], url, headers, mode, retries))

    def add_number(
        self,
        phone_number: str,
        name: str,
        *,
        group: str | None = None,
        flow: str | None = "Main Office Line",
        sms_enabled: bool = True,
        created_at: float | None = None,
    ) -> str:
        """One more number; its group and call flow, given by name, are made if missing. Answers its id."""
        row = samples.add_number(
            self._world,
            phone_number,
            name,
            group=group,
            flow=flow,
            sms_enabled=sms_enabled,
            created_at=created_at,
        )
        return str(row["id"])

    def set_balance(self, cents: int) -> None:
        """Make the balance this many cents."""
        billing.book(self._world, cents - billing.balance(self._world), "adjustment", "Adjustment")

    def balance(self) -> int:
        """Cents left."""
        return billing.balance(self._world)

    def texts(self) -> list[dict[str, Any]]:
        """Every text that POST /texts accepted, oldest first, whatever its caller got to see; fields as in the API."""
        rows = self._world.state.rows("SELECT * FROM texts WHERE direction = 'outbound' ORDER BY seq")
        return [messages.shape(row).model_dump(by_alias=True) for row in rows]

    def calls(self) -> list[dict[str, Any]]:
        """Every call, oldest entry first; fields as in GET /calls/:id."""
        rows = self._world.state.rows("SELECT * FROM calls ORDER BY seq")
        return [calls.shape(self._world, row).model_dump() for row in rows]

    def deliveries(self) -> list[dict[str, Any]]:
        """Every webhook, oldest first; fields as in the deliveries log."""
        return [
            deliveries.shape(row).model_dump()
            for row in self._world.state.rows("SELECT * FROM deliveries ORDER BY seq")
        ]

    def number(self, phone_number: str) -> dict[str, Any]:
        """One of the business's numbers; fields as in the API.

        Raises:
            KeyError: it has no such number.
        """
        row = self._world.state.row("SELECT id FROM numbers WHERE phone_number = ?", (phone_number,))
        if row is None:
            raise KeyError(phone_number)
        return numbers.shape(numbers.found(self._world.state, row["id"])).model_dump()

    def members(self, group: str) -> list[str]:
        """The phone numbers in the group of this name, sorted; none when there is no such group."""
        state = self._world.state
        found = state.row("SELECT id FROM number_groups WHERE name = ?", (group,))
        ids = [] if found is None else number_groups.member_ids(state, found["id"])
        return sorted(numbers.found(state, number_id)["phone_number"] for number_id in ids)

    def put_into_group(self, phone_number: str, group: str) -> None:
        """Somebody moves a number in the phone system's own pages; the group, given by name, is made if missing.

        Raises:
            KeyError: there is no such number.
        """
        number_groups.join(self._world, self.number(phone_number)["id"], samples.add_group(self._world, group)["id"])

    def requests(self) -> list[tuple[str, str, int]]:
        """What was asked of the API: (method, path below /api/v1, status), newest last; 499 for a broken connection."""
        return list(self._api.requests)

    def _bind(self, host: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except OSError:
            listener.close()
            raise
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        self.url = self._world.url = f"http://{shown}:{listener.getsockname()[1]}"
        return listener

    async def _listen(self, listener: socket.socket) -> None:
        app = web.Application(client_max_size=_BODY_MOST)
        self._api.join(app)
        Page(self, self._world).join(app)
        app.router.add_get("/openapi.json", self._description)
        # A page of silence is not worth a line of log; what the API was asked is kept in `requests`.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_SECONDS)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def _description(self, _: web.Request) -> web.Response:
        return web.json_response(describe(ROUTES, self.url))


def serve(
    port: int,
    db: Path | None,
    key: str | None,
    *,
    host: str = "127.0.0.1",
    seed: int = 0,
    settings: SandboxSettings = SandboxSettings(),  # noqa: B008 - frozen, so sharing it is harmless
) -> None:
    """Run until interrupted; the address and the key are printed before the first connection is taken.

    Raises:
        OSError: the port is taken.
    """
    asyncio.run(_serve(port, Sandbox(db, key=key, seed=seed, settings=settings), host))


async def _serve(port: int, sandbox: Sandbox, host: str) -> None:
    listener = sandbox._bind(host, port)  # noqa: SLF001 - printed between binding and listening
    sys.stdout.write(f"{sandbox.url}\n{sandbox.key}\n")
    sys.stdout.flush()
    await sandbox._listen(listener)  # noqa: SLF001 - as above
    over = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, over.set)
    try:
        await over.wait()
    finally:
        await sandbox.stop()
