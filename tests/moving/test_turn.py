"""Who makes the moves where several could: of two shells on one PostgreSQL one, beside a relay that relay."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import psutil
import pytest

from relay.models import NumberRun
from relay.moving import Refused, Turn
from relay.moving.crew import Crew
from relay.moving.drafts import restoring
from relay.moving.turn import at_once
from relay.roster import LEASE
from relay.sandbox import Sandbox, SandboxSettings
from relay.store.nodes import Node
from relay.store.place import Place, is_held
from relay.store.postgres import PostgresStore
from relay.store.sqlite import SqliteStore
from tests import forked
from tests.moving.office import KEY, Office, number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from relay.store import Store

OURS = [number(n) for n in (142, 143, 144)]
FILE = """\
network: {{allow: [127.0.0.1/32], allow_http: true}}
callscaler: {{base_url: "{url}/api/v1"}}
regroup: {{max_changes: 100, min_history: none}}
groups:
  - {{name: Parked, if: {{number.calls_30d: 0}}}}
  - {{name: Main, default: true}}
"""


class Shell:
    """`relay numbers …` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ended(self) -> tuple[int, str]:
        """Its exit code, and what it said on stderr."""
        _, said = await self._process.communicate()
        return await self._process.wait(), said.decode()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = Sandbox(key=KEY, sample=False, settings=SandboxSettings(hang=300.0))
    for one in OURS:
        it.add_number(one, one, group="Sales")
    await it.start()
    yield it
    await it.stop()


def relays(folder: Path, ledger: str, sandbox: Sandbox) -> Callable[..., Awaitable[Shell]]:
    """Starts `relay …` on that ledger."""
    file = folder / "relay.yaml"
    file.write_text(FILE.format(url=sandbox.url))
    environment = {
        **os.environ, "RELAY_STORE": ledger, "CALLSCALER_API_KEY": KEY, "RELAY_HOOK_SECRET": "false-secret-0001",
    }  # fmt: skip

    async def start(*words: str) -> Shell:
        command = [*forked.module("tests.moving.sleeper"), "-c", str(file), *words]
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        return Shell(await asyncio.create_subprocess_exec(*command, env=environment, stdout=none, stderr=pipe))

    return start


@pytest.fixture
def shell(tmp_path: Path, postgres: str, sandbox: Sandbox) -> Callable[..., Awaitable[Shell]]:
    return partial(relays(tmp_path, postgres, sandbox), "numbers")


def moves_asked(sandbox: Sandbox) -> int:
    return sum(method == "POST" and path.endswith("/members") for method, path, _ in sandbox.requests())


async def let_pass(postgres: str, seconds: float) -> None:
    """So much time passes for the ledger."""
    raw = await asyncpg.connect(postgres)
    await raw.execute("update duties set until = until - $1", seconds)
    await raw.execute("update nodes set seen_at = seen_at - $1", seconds)
    await raw.close()


async def half_way(shell: Callable[..., Awaitable[Shell]], sandbox: Sandbox, until: Any) -> Shell:
    """A shell that has made the first move of three, and waits for the answer."""
    assert (await (await shell("plan")).ended())[0] == 6
    sandbox.faults.next("POST", "/number-groups/*/members", "hang-after")
    first = await shell("apply")
    await until(lambda: len(sandbox.members("Parked")) == 1)
    return first


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_second_shell_is_told_who_makes_the_moves_and_takes_over_from_one_that_is_dead_or_frozen(
    shell: Callable[..., Awaitable[Shell]], sandbox: Sandbox, postgres: str, until: Any, blow: signal.Signals
):
    first = await half_way(shell, sandbox, until)
    for words in (("apply",), ("undo", "last")):
        code, said = await (await shell(*words)).ended()
        told = re.search(r"process (\d+) on \S+ makes moves of numbers now, .*Once it has ended", said)
        assert (code, bool(told)) == (1, True), said
    struck = psutil.Process(int(told[1]))
    struck.send_signal(blow)
    await (first.ended() if blow == signal.SIGKILL else until(lambda: struck.status() == psutil.STATUS_STOPPED))
    sandbox.faults.calm()

    async def taken_over() -> bool:
        code, said = await (await shell("apply")).ended()
        assert code == 0 or f"process {told[1]}" in said, said
        return code == 0

    assert not await taken_over(), "its lease is not over"
    await let_pass(postgres, LEASE)
    await until(taken_over)
    assert sandbox.members("Parked") == OURS
    asked = moves_asked(sandbox)
    if blow == signal.SIGSTOP:
        struck.send_signal(signal.SIGUSR1)  # for so long, by its own clock
        struck.send_signal(signal.SIGCONT)
        code, said = await first.ended()
        assert (code, "this process stood still" in said) == (1, True), said
    assert moves_asked(sandbox) == asked


async def test_one_that_ended_is_followed_at_once(
    shell: Callable[..., Awaitable[Shell]], sandbox: Sandbox, postgres: str
):
    await (await shell("plan")).ended()
    assert (await (await shell("apply")).ended())[0] == 0
    assert (await (await shell("undo", "last")).ended())[0] == 0
    store = await PostgresStore.open(postgres, read_only=True)
    assert await store.nodes() == []
    await store.close()
    assert sandbox.members("Sales") == OURS


async def test_what_a_dead_relay_had_the_duty_of_is_done_by_the_shell_that_waits_for_it(
    shell: Callable[..., Awaitable[Shell]], sandbox: Sandbox, postgres: str
):
    await (await shell("plan")).ended()
    store = await PostgresStore.open(postgres)
    now = store.clock()
    dead = Node("dead", "dead.example", 1, "0", "c", "intake, worker", now)
    await store.report(dead, [Turn.DUTY], now=now + 3 - LEASE, lease=LEASE)
    code, said = await (await shell("apply")).ended()
    assert (code, "done" in said) == (0, True), said
    assert sandbox.members("Parked") == OURS
    asked = [act.what for act in await store.acts(limit=99)]
    assert asked.count("numbers-apply") <= 2, "while it waits it only looks; then it takes over, once"
    await store.close()


async def test_a_shell_that_waits_for_a_service_on_a_file_takes_over_once_that_is_killed(
    tmp_path: Path, sandbox: Sandbox, until: Any
):
    ledger = tmp_path / "relay.db"
    relay = relays(tmp_path, f"sqlite:///{ledger}", sandbox)
    assert not is_held(Place(ledger))
    serving = await relay("serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    lock = tmp_path / "relay.db.lock"
    await until(lambda: lock.exists() and len(lock.read_text().split()) == 3)
    first = await half_way(partial(relay, "numbers"), sandbox, until)
    reader = SqliteStore(ledger, read_only=True)
    await until(lambda: under_way(reader))
    assert is_held(Place(ledger))
    os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
    sandbox.faults.calm()
    await serving.ended()
    code, said = await first.ended()
    assert (code, "done" in said) == (0, True), said
    assert not is_held(Place(ledger))
    assert sandbox.members("Parked") == OURS
    assert [act.what for act in await reader.acts(limit=99)].count("numbers-apply") == 2
    await reader.close()


async def under_way(store: Store) -> bool:
    return any(run.state == "applying" for run in await store.number_runs())


RELAY = Node("other", "other.example", 7, "0", "c", "intake, worker", 0.0)


async def elsewhere(_duty: str, _work: Callable[[], Awaitable[None]]) -> Node:
    """As if a relay on the same ledger had the duty."""
    return RELAY


async def test_beside_a_relay_that_has_the_duty_a_run_is_only_written_down(office: Office):
    office.once = elsewhere
    office.brake(max_changes=2)
    run = (await office.numbers.plan())["run"]
    assert (await office.numbers.apply())["state"] == "asking"
    assert (await office.numbers.answer(run, "Dana", yes=True))["state"] == "approved"
    assert (await office.numbers.apply(run))["state"] == "applying"
    with pytest.raises(Refused, match=f"{run} is under way at another relay; once it has ended"):
        await office.numbers.undo(run)
    assert set(office.groups()) == {"Main", "Sales"}
    await office.numbers.step()
    assert len(office.groups()["Parked"]) == 2
    assert (await office.numbers.undo(run))["state"] == "applying"


async def shell_elsewhere(_duty: str, _work: Callable[[], Awaitable[None]]) -> Node:
    """As if another shell on the same ledger made moves."""
    return replace(RELAY, roles="shell")


async def test_what_is_approved_while_another_shell_makes_moves_names_the_command_that_makes_them(office: Office):
    office.brake(max_changes=2)
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply()
    office.once = shell_elsewhere
    with pytest.raises(Refused, match="process 7 on") as refused:
        await office.numbers.answer(run, "Dana", yes=True)
    assert set(office.groups()) == {"Main", "Sales"}
    office.once = at_once
    with pytest.raises(Refused, match="is approved and asks nothing"):
        await office.numbers.answer(run, "Dana", yes=True)
    named = re.search(r"Once it has ended.*`relay numbers apply (\w+)`", str(refused.value))
    assert named, str(refused.value)
    assert (await office.numbers.apply(named[1]))["state"] == "done"


async def test_a_run_that_is_stopped_makes_no_further_move(office: Office):
    run = (await office.numbers.plan())["run"]
    found = await office.store.number_run(run)
    assert found is not None
    assert await office.store.move_run(replace(found, state="stopped"), ("planned",), now=office.now)
    await Crew(office.store, office.phone, office.book.brakes, lambda: office.now).make(run)
    assert {change.state for change in await office.store.changes(run)} == {"planned"}


async def test_an_undo_that_was_cut_off_before_its_first_move_goes_on(office: Office):
    before = office.groups()
    run = (await office.numbers.plan())["run"]
    await office.numbers.apply(run)
    back = NumberRun("run_back", "undo", run, office.now, state="applying", moves=3)
    made = await office.store.changes(run)
    await office.store.add_run(back, [restoring(back, place, one) for place, one in enumerate(reversed(made))])
    assert (await office.numbers.apply("run_back"))["state"] == "done"
    assert office.groups() == {**before, "Parked": []}
