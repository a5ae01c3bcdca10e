"""The demo, as a newcomer runs it; and that its check of the ledger against the stand-ins can fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from relay.demo import play
from relay.demo.day import IMPATIENT, LUCKY
from relay.models import State
from relay.store.place import Place
from tests import forked
from tests.patience import HUNG
from tests.pipes import full_pipe


def bare(environment=os.environ):
    return {name: value for name, value in environment.items() if not name.startswith(("RELAY_", "CALLSCALER_"))}


def run_demo(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*forked.relay(), "demo", *arguments],
        cwd=folder,
        env=bare(),
        capture_output=True,
        text=True,
        timeout=HUNG,
        check=False,
    )


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    """What a day says that was played in a file."""
    done = run_demo("--once", "--json", folder=tmp_path_factory.mktemp("day"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_once_prints_one_object_with_every_count_above_zero_and_nothing_dead(summary):
    assert set(summary) == {"events", "delivered", "suppressed", "duplicates", "refused", "dead", "seconds"}
    assert set(summary["delivered"]) == {"slack", "google_sheets", "crm", "webhook", "text", "regroup"}
    assert all(count > 0 for count in summary["delivered"].values()), summary
    assert summary["suppressed"] > 0
    assert summary["duplicates"] > 0
    assert summary["refused"] > 0
    assert summary["dead"] == 0


def test_told_to_stop_it_drains_and_ends_well_and_its_own_trouble_is_a_part_of_the_story(tmp_path):
    arguments = [*forked.relay(), "demo", "--store", "sqlite:///kept.db"]
    lines = []
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(arguments, cwd=tmp_path, env=bare(), text=True, stdout=subprocess.PIPE, stderr=log) as demo,
    ):
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C ends the demo" in line:
                break
        demo.send_signal(signal.SIGTERM)
        assert demo.stdout.read() == ""
    assert demo.returncode == 0
    assert not (tmp_path / "kept.db-wal").exists(), "the ledger was closed"
    # On a slow machine Slack is back before the relay gives it up for a while.
    waits = [place for place, line in enumerate(lines) if line == "  team answered 503: what is owed to it waits\n"]
    assert len(waits) <= 1
    assert not waits or lines.index("Slack goes down\n") < waits[0]
    assert (tmp_path / "log").read_text() == ""
    with contextlib.closing(sqlite3.connect(tmp_path / "kept.db")) as ledger:
        assert ledger.execute("select count(*) from attempts where answer like '%503%'").fetchone()[0] > 0


def whole(reads):
    with os.fdopen(reads, "rb") as pipe:
        return pipe.read()


def catches(process, number):
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16) & 1 << number - 1


async def test_once_told_to_stop_before_the_day_is_over_has_failed(tmp_path, until):
    reads, writes = full_pipe()
    pipes = {"stdout": writes, "stderr": subprocess.PIPE}
    environment = {**bare(), "TMPDIR": str(tmp_path)}
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "demo", "--once"), cwd=tmp_path, env=environment, **pipes
    )
    os.close(writes)
    # For a moment after it became another program, a process still shows what its parent catches.
    await until(lambda: any(tmp_path.glob("relay-demo-*")) and catches(demo, signal.SIGTERM), seconds=60.0)
    demo.send_signal(signal.SIGTERM)
    said = await asyncio.to_thread(whole, reads)
    complained = await demo.stderr.read()
    assert await demo.wait() == 1, complained
    assert b"before the day was over" in complained
    assert b"agree" not in said


def test_in_postgresql_the_same_day_has_the_same_counts(tmp_path, postgres, summary):
    done = run_demo("--once", "--json", "--store", postgres, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {**json.loads(done.stdout), "seconds": 0} == {**summary, "seconds": 0}
    again = run_demo("--once", "--store", postgres, folder=tmp_path)
    assert again.returncode == 2
    assert "of its own" in again.stderr


def test_a_ledger_that_exists_is_never_played_over(tmp_path):
    (tmp_path / "kept.db").write_bytes(b"somebody's")
    done = run_demo("--once", "--store", "sqlite:///kept.db", folder=tmp_path)
    assert done.returncode == 2
    assert "kept.db exists" in done.stderr
    assert (tmp_path / "kept.db").read_bytes() == b"somebody's"


async def test_the_day_shows_what_it_promises_and_a_message_that_the_ledger_does_not_know_is_a_difference(tmp_path):
    seen = {}

    async def meddle(world, line):
        if line == "Slack is back":
            world.slack.messages.append(world.slack.messages[0])

    async def look(world, demo):
        seen["calls"] = world.sandbox.calls()
        seen["texts"] = [text["to"] for text in world.sandbox.texts()]
        deliveries = await world.store.deliveries(limit=10_000)
        seen["lucky"] = [d for d in deliveries if d.kind == "text" and (d.action or {}).get("to", LUCKY) == LUCKY]
        seen["states"] = {d.state for d in deliveries}
        seen["slack_attempts"] = max(d.tries for d in deliveries if d.connector == "team")

    demo = await play(Place(tmp_path / "demo.db"), said=meddle, after=look)
    [difference] = demo.differences
    assert difference.startswith("Slack messages")
    assert len(seen["calls"]) >= 40
    assert {"completed", "no-answer", "busy", "voicemail", "failed"} <= {call["status"] for call in seen["calls"]}
    assert {call["direction"] for call in seen["calls"]} == {"inbound", "outbound"}
    assert seen["texts"].count(IMPATIENT) == 1, "three misses in an hour are one text"
    assert len(seen["texts"]) == len(set(seen["texts"])), "nobody is texted twice"
    assert LUCKY not in seen["texts"], "answered before the wait was over"
    assert any(d.state is State.CANCELLED and "answered_since" in (d.reason or "") for d in seen["lucky"])
    assert seen["slack_attempts"] > 1, "Slack was down for a while, and was tried again"
