"""A relay under a load that stays the same: what it holds and has open, what was lost, who was texted twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from relay.sandbox import Sandbox, SandboxSettings
from relay.standins import SinkStandIn
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "false-secret-0001-0001-0001"
OURS = "+13125550142"
PEOPLE = 400
FILE = """\
business: {{name: Bright Plumbing, timezone: America/Chicago}}
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{base_url: "{phone}/api/v1"}}
sources: {{callscaler: {{type: callscaler, proof: {{header: X-Relay-Secret, secret: "${{RELAY_HOOK_SECRET}}"}}}}}}
connectors: {{log: {{type: webhook, url: "{sink}/log", concurrency: 16, retry: {{first: 1s, most: 2s}}}}}}
texting: {{quiet_hours: {{allow: always}}, limits: {{per_person: none, per_prefix: none, total: none}}, settle: 3s}}
rules:
  - {{name: Back, when: [call.missed], then: [{{text: caller, body: "Sorry. Reply STOP to opt out."}}]}}
  - {{name: Log, when: "call.*", then: [{{send: log, body: {{id: "{{{{ call.id }}}}"}}}}]}}
"""
SERVE = """
import os, resource, sys
if os.environ.get("MEMORY"): resource.setrlimit(resource.RLIMIT_DATA, (int(os.environ["MEMORY"]),) * 2)
if os.environ.get("ONE_CORE"): os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from relay.__main__ import main; sys.argv = ["relay", "-c", sys.argv[1], "serve"]
main()
"""


@dataclass
class Lasting:
    """One relay after the other on the same ledger, and who calls it."""

    folder: Path
    sandbox: Sandbox
    sink: SinkStandIn
    memory: int = 0
    """Bytes that a relay may have; 0 for as many as it wants."""
    one_core: bool = True
    """Whether each has one processor, and so one process."""
    process: asyncio.subprocess.Process | None = None
    port: int = 0
    acked: set[str] = field(default_factory=set)
    _asked: int = 0

    async def start(self) -> None:
        """Start a relay and wait until it listens."""
        log = self.folder / "log"
        at = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                SERVE,
                str(self.folder / "relay.yaml"),
                env={
                    **os.environ,
                    "RELAY_HOOK_SECRET": SECRET,
                    "CALLSCALER_API_KEY": self.sandbox.key,
                    "MEMORY": str(self.memory or ""),
                    "ONE_CORE": "1" if self.one_core else "",
                },
                stderr=out,
            )
        end = time.monotonic() + PATIENCE
        while True:
            said = log.read_bytes()[at:].decode()
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)/", said)
            if found:
                self.port = int(found[1])
                return
            assert self.process.returncode is None, said
            assert time.monotonic() < end, said
            await asyncio.sleep(0.01)

    async def end(self, how: signal.Signals) -> int:
        """End it; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    @property
    def ledger(self) -> int:
        """The number of its ledger's own process."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        [child] = {child for task in tasks for child in (task / "children").read_text().split()}
        return int(child)

    def held(self) -> tuple[float, int]:
        """Megabytes that it holds, and how many files it has open."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        megabytes = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
        return megabytes, len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def call(self, session: aiohttp.ClientSession) -> None:
        """One call; a relay that is gone is asked again, as a sender would."""
        nth, self._asked = self._asked, self._asked + 1
        body = {
            "event": "call.missed" if nth % 4 == 0 else "call.completed",
            "call_id": f"c-{nth}",
            "caller_number": f"+1312555{nth % PEOPLE:04d}",
            "tracking_number": OURS,
        }
        for _ in range(100):
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                url = f"http://127.0.0.1:{self.port}/hooks/callscaler"
                async with session.post(url, json=body, headers={"X-Relay-Secret": SECRET}) as answer:
                    if answer.status in {200, 202}:
                        self.acked.add(body["call_id"])
                        return
            await asyncio.sleep(0.1)

    async def load(self, seconds: float, rate: float) -> None:
        """So many calls a second, for so long."""
        begun = time.monotonic()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            asyncio.TaskGroup() as calls,
        ):
            for nth in range(int(seconds * rate)):
                await asyncio.sleep(max(0.0, begun + nth / rate - time.monotonic()))
                calls.create_task(self.call(session))

    async def settled(self) -> None:
        """Wait until all that was acknowledged has arrived."""
        end = time.monotonic() + PATIENCE
        while self.lost and time.monotonic() < end:  # noqa: ASYNC110 - the sink is only looked at
            await asyncio.sleep(0.1)

    @property
    def lost(self) -> set[str]:
        """What was acknowledged and did not arrive."""
        return self.acked - {asked.json["id"] for asked in self.sink.requests}

    @property
    def twice(self) -> list[str]:
        """Who was texted more than once."""
        return [person for person, times in Counter(text["to"] for text in self.sandbox.texts()).items() if times > 1]


@contextlib.asynccontextmanager
async def lasting(folder: Path, memory: int = 0, *, one_core: bool = True) -> AsyncIterator[Lasting]:
    """A relay that may be started, among a phone system and a sink that answer well."""
    sandbox, sink = Sandbox(None, settings=SandboxSettings(past_calls=0)), SinkStandIn()
    sandbox.add_number(OURS, "Main")
    sandbox.set_balance(1_000_000)
    await sandbox.start()
    await sink.start()
    (folder / "relay.yaml").write_text(FILE.format(phone=sandbox.url, sink=sink.url))
    it = Lasting(folder, sandbox, sink, memory, one_core)
    try:
        yield it
    finally:
        if it.process is not None and it.process.returncode is None:
            await it.end(signal.SIGKILL)
        await sink.stop()
        await sandbox.stop()
