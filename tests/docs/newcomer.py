"""Somebody new, with a folder, a configuration that `relay init` wrote, and whatever can go wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from connectors.table import CONNECTORS
from relay.cli import relay
from relay.connector import Job
from relay.errors import DeliveryFailed
from relay.http import Http, Network
from relay.intake import Intake, Source
from relay.metrics import Metrics
from relay.proof import ProofForm
from relay.sandbox import Sandbox
from relay.server import Door, listen
from relay.settings.samples import sample
from relay.store.sqlite import SqliteStore
from tests import forked
from tests.patience import PATIENCE

SECRET = "false-secret-0001-0001-0001"
PROVED = {"X-Relay-Secret": SECRET}
LOOPBACK = "network: {allow: [127.0.0.1/32], allow_http: true}\n"


@functools.cache
def _at_first() -> dict[str, bytes]:
    """What `relay init` writes, but for the secrets; most of its time goes into the editors' schema, once a run."""
    with tempfile.TemporaryDirectory() as folder:
        CliRunner().invoke(relay, ["init", "--dir", folder, "--yes"], catch_exceptions=False)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir() if file.name != ".env"}


class Newcomer:
    """Types commands beside a configuration; every command answers what stood on the screen."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.file = folder / "relay.yaml"
        self.environment = environment
        for name, written in _at_first().items():
            (folder / name).write_bytes(written)
            (folder / name).chmod(0o600)
        self.environment["RELAY_HOOK_SECRET"] = SECRET

    def change(self, old: str, new: str) -> None:
        """Edit the configuration."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text, old
        self.file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def add(self, lines: str) -> None:
        """Write more at the end of the configuration."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(lines)

    def write(self, lines: str) -> None:
        """Write the configuration anew; stand-ins on this machine may be reached."""
        self.file.write_text(LOOPBACK + lines, encoding="utf-8")

    async def type(self, *words: str, **environment: str) -> str:
        """What a command says; stand-ins go on answering meanwhile."""
        names = {name: None for name in os.environ if name.startswith(("RELAY_", "CALLSCALER_"))}
        nowhere = {"RELAY_LISTEN": "127.0.0.1:1", "RELAY_ADMIN": "127.0.0.1:2"}
        runner = CliRunner(env={**names, **nowhere, **self.environment, **environment})
        done = await asyncio.to_thread(runner.invoke, relay, ["-c", str(self.file), *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    def start(self, *words: str, **environment: str) -> str:
        """What `relay serve` says where it cannot go on."""
        here = {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "RELAY_LISTEN": "127.0.0.1:0",
            "RELAY_ADMIN": "127.0.0.1:0",
        }
        command = [*forked.relay(), "-c", str(self.file), "serve", *words]
        return self.run(*command, **here, **self.environment, **environment)

    def run(self, *command: str, **environment: str) -> str:
        """What a program says that ends badly."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode, done.stdout
        return done.stdout


@contextlib.asynccontextmanager
async def ledger_of(new, keys=None):
    ledger = SqliteStore(new.folder / "relay.db", keys=keys)
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def running(service):
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@contextlib.asynccontextmanager
async def phone_system(new):
    """A pretend CallScaler that the newcomer's configuration speaks to."""
    new.add(LOOPBACK)
    async with running(Sandbox()) as sandbox:
        new.environment |= {"CALLSCALER_API_KEY": sandbox.key, "CALLSCALER_BASE_URL": f"{sandbox.url}/api/v1"}
        yield sandbox


def source():
    return Source(
        "callscaler", "callscaler", ProofForm.model_validate({"header": "X-Relay-Secret", "secret": SECRET}).proof()
    )


async def posted(new, name, headers, body=b"{}"):
    """What `relay refused` says after a webhook came to the door of this ledger."""
    async with ledger_of(new) as ledger:
        intake = Intake(ledger, time.time, Metrics())
        runner, port = await listen(Door(intake, {"callscaler": source()}).app(), "127.0.0.1", 0)
        url, kind = f"http://127.0.0.1:{port}/hooks/{name}", {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=kind) as session, session.post(url, data=body, headers=headers):
            pass
        await runner.cleanup()
        await intake.drain()
        return await new.type("refused")


async def texted(sandbox, sender):
    """Why a text from this number does not go out."""
    http = Http(Network(allow=(ipaddress.ip_network("127.0.0.1/32"),), allow_http=True))
    cls = CONNECTORS["callscaler"]
    options = cls.Options.model_validate({"api_key": sandbox.key, "base_url": f"{sandbox.url}/api/v1"})
    action = cls.Action.model_validate({"do": "text", "to": "+13125550101", "sender": sender, "body": "Sorry."})
    try:
        with pytest.raises(DeliveryFailed) as failed:
            await cls(options, http).send(Job("dlv-1", action, sample("missed-call"), now=time.time()))
    finally:
        await http.close()
    return str(failed.value)


def sheet(base_url, spreadsheet):
    return (
        f"connectors:\n  log: {{type: google_sheets, base_url: '{base_url}', spreadsheet: {spreadsheet}, "
        'worksheet: Calls, credentials: "${file:google.json}"}\n'
    )
