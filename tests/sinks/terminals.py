"""What a terminal and a log are told of a caller's words."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys

from tests import forked
from tests.hostile import STRINGS
from tests.sinks.words import CALLS, unseen


async def commands(world):
    """What a terminal is told, with colours and without."""
    last = next(call for call, text in CALLS.items() if "\x1b" in text)
    asked = [("events", "--limit", "500"), ("show", last), ("why", last), ("find", "+13125550000"),
    ("person", "+13125550001"),
             ("texts",), ("deliveries", "--limit", "500"), ("events", "--limit", "500", "--json"),
             ("refused",)]  # fmt: skip
    for command in asked:
        done = await asyncio.to_thread(
            subprocess.run,
            [*forked.relay(), "-c", str(world.folder / "relay.yaml"), *command],
            env={**os.environ, **world.environment, "COLUMNS": "400", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=False,
        )
        told = done.stdout.decode() + done.stderr.decode()
        if done.returncode:
            yield command, f"exit {done.returncode}: {told[-300:]}"
        # JSON is for machines; what it escapes nobody obeys.
        wrong = (
            re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", told)
            if "--json" in command
            else unseen(told, but="\n\u200d")
        )
        if wrong:
            yield command, f"tells a terminal {wrong}"
        if "--json" in command:
            json.loads(done.stdout)


LOGS = """
import structlog
from relay.cli.common import start_logging
from tests.hostile import STRINGS
from tests.sized import sized
start_logging()
log = structlog.get_logger("relay")
for text in STRINGS:
    log.warning("something came", caller=text, inside={"a": [text]})
"""


async def logs(world):
    for form in ("text", "json"):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", LOGS],
            env={**os.environ, "RELAY_LOG": form, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        )
        lines = done.stderr.decode().splitlines()
        if len(lines) != len(STRINGS):
            yield form, f"{len(lines)} lines for {len(STRINGS)} events"
        for line in lines:
            if unseen(line):
                yield line, f"{form}: {unseen(line)}"
            if form == "json" and json.loads(line)["event"] != "something came":
                yield line, "another event"
