"""The victim: one relay after the other, each started, watched, and ended by the harness."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from tests import forked
from tests.crash.world import KEY
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.crash.world import World

ROOT = Path(__file__).parents[2]
LAUNCHER = "tests.crash.launcher"
SECRET = "false-secret-0001-0001-0001"
FILE = """\
business: {{name: Bright Plumbing, timezone: America/Chicago}}
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
store: {store}
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler:
  api_key: {key}
  base_url: {phone}/api/v1
  concurrency: 16
  timeout: 1s
  lease: 4s
  retry: {{for: 1h, first: 1s, most: 2s}}
sources:
  callscaler:
    type: callscaler
    proof: {{header: X-Relay-Secret, secret: "{secret}"}}
connectors:
  log:
    type: webhook
    url: "{crm}/calls"
    concurrency: 16
    timeout: 1s
    lease: 4s
    retry: {{for: 1h, first: 1s, most: 2s}}
  told:
    type: webhook
    url: "{crm}/texted"
    concurrency: 16
    timeout: 1s
    lease: 4s
    retry: {{for: 1h, first: 1s, most: 2s}}
texting:
  quiet_hours: {{allow: always}}
  limits: {{per_person: none, per_prefix: none, total: none}}
  settle: {settle}
rules:
  - name: Text back
    when: [call.missed]
    then:
      - text: caller
        body: "Bright Plumbing: sorry we missed you. Reply STOP to opt out."
      - send: told
        body: '{{"named": "{{{{ caller.number }}}}"}}'
  - name: Log
    when: [call.*]
    then:
      - send: log
        body: '{{"named": "{{{{ call.id }}}}"}}'
"""


class Relays:
    """Relays on one ledger, one at a time."""

    def __init__(
        self,
        folder: Path,
        world: World,
        *,
        settle: str = "3s",
        mutant: str | None = None,
        under: Sequence[str] = (),
        store: str = "sqlite:///relay.db",
    ) -> None:
        """`under` is a command that the launcher runs under: strace, or another namespace."""
        self.ledger = folder / store.removeprefix("sqlite:///")
        self.url = ""
        """Where webhooks go to now."""
        self.admin = ""
        self.starts: list[float] = []
        """Seconds from each start until the relay was ready."""
        self.said: deque[str] = deque(maxlen=6000)
        self.wrong: list[str] = []
        self.pid = 0
        self._tracing = False
        """Whether what is said belongs to a traceback."""
        self._config = folder / "relay.yaml"
        self._world = world
        self._settle = settle
        self._store = store
        self._mutant = ["--mutant", mutant] if mutant else []
        self._under = under
        self._launcher: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._code = 0
        self._reading: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start the process that starts relays."""
        phone = self._world.address("phone", self._world.phone.url)
        crm = self._world.address("crm", self._world.crm.url)
        names = {"key": KEY, "secret": SECRET, "settle": self._settle, "store": self._store}
        self._config.write_text(FILE.format(phone=phone, crm=crm, **names))
        self._config.chmod(0o600)
        self._launcher = await asyncio.create_subprocess_exec(
            *([*self._under, sys.executable, "-m", LAUNCHER] if self._under else forked.module(LAUNCHER)),
            *self._mutant,
            *("-c", str(self._config), "serve"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "RELAY_UNDER_TEST": "1"},
        )
        self._reading = [asyncio.create_task(self._follow()), asyncio.create_task(self._listen())]

    async def close(self) -> None:
        """End the launcher, and the relay if one still runs."""
        if self._launcher is None or self._launcher.stdin is None:
            return
        if not self._gone.is_set():
            await self.end(signal.SIGKILL)
        self._launcher.stdin.close()
        await self._launcher.wait()
        await asyncio.gather(*self._reading)

    async def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start a relay; comes back when it is ready, or has ended before it was."""
        assert self._launcher is not None
        assert self._launcher.stdin is not None
        self._ready.clear()
        self._gone.clear()
        began = time.monotonic()
        self._launcher.stdin.write(json.dumps(dict(environment or {})).encode() + b"\n")
        ready, gone = asyncio.ensure_future(self._ready.wait()), asyncio.ensure_future(self._gone.wait())
        await asyncio.wait([ready, gone], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        gone.cancel()
        if self._ready.is_set():
            self.starts.append(time.monotonic() - began)
        elif not environment:
            self.wrong.append(f"a relay did not start: {' | '.join(list(self.said)[-5:])}")

    def rewrite(self, remark: str) -> None:
        """Change the configuration file, though not what it says."""
        self._config.write_text(f"{self._config.read_text()}{remark}\n")

    @property
    def door(self) -> str:
        """Where senders post to: the relay, or what stands before it; empty while there is none."""
        return self._world.address("relay", self.url)

    @property
    def inside(self) -> Path:
        """The root of the file system that the relays see, where they run in a namespace of their own."""
        assert self._launcher is not None
        return Path(f"/proc/{self._launcher.pid}/root")

    def signal(self, number: int) -> None:
        """Send the relay a signal; one that is gone already gets none."""
        if not self._gone.is_set():
            with contextlib.suppress(ProcessLookupError):  # it died, and nobody has read so yet
                os.kill(self.pid, number)

    async def end(self, number: int | None, seconds: float = PATIENCE) -> int | None:
        """Send a signal if there is one to send, and wait for the end; None if it did not come in time."""
        if number is not None:
            self.signal(number)
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            return None
        return self._code

    async def _follow(self) -> None:
        assert self._launcher is not None
        assert self._launcher.stdout is not None
        while line := (await self._launcher.stdout.readline()).decode().strip():
            word, _, code = line.partition(" ")
            if word == "gone":
                self.url, self._code = "", int(code)
                self._gone.set()
            else:
                self.pid = int(word)

    async def _listen(self) -> None:
        assert self._launcher is not None
        assert self._launcher.stderr is not None
        while line := (await self._launcher.stderr.readline()).decode(errors="replace").rstrip():
            self.said.append(line)
            if found := re.search(r"listening on (\S+)", line):
                self.url = found[1]
            if found := re.search(r"admin on (\S+)", line):
                self.admin = found[1]
                self._ready.set()
            if "Traceback" in line:
                self.wrong.append("a relay left a traceback")
                self._tracing = True
            elif self._tracing:
                self._tracing = line.startswith(" ") or not line
                self.wrong[-1] += f" | {line.strip()}"
