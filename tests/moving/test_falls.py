"""The process falls at every step of a move, before it and after it: whoever starts next ends what was begun."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections import Counter

import pytest

from relay.sandbox import SandboxSettings
from tests import forked
from tests.moving.office import KEY, Office, number
from tests.sized import sized

MOVES = sized(16, 100)
WRITES = ("add_run", "move_run", "begin_change", "note_change", "settle_change")


class Fallen(BaseException):
    """The process is no more: nothing catches this."""


class Doom:
    """Ends a life at its n-th step. A step is one request or one write; it is cut off before it, or after it."""

    def __init__(self, office):
        self.office = office
        self.left = None
        self.hit = Counter()

    def arm(self, steps):
        """This many steps are lived through; of the next one nobody hears."""
        self.left = steps
        http, store = self.office.http, self.office.store
        http.request = self._mortal(http.request, lambda args: f"{args[0]} {_kind(args[1])}")
        for name in WRITES:
            setattr(store, name, self._mortal(getattr(store, name), lambda _, name=name: name))

    def _mortal(self, act, called):
        async def acting(*args, **more):
            self._count(f"before {called(args)}")
            came = await act(*args, **more)
            self._count(f"after {called(args)}")
            return came

        return acting

    def _count(self, where):
        if self.left == 0:
            self.hit[where] += 1
            raise Fallen(where)
        if self.left is not None:
            self.left -= 1


def _kind(url):
    path = str(url).partition("/api/v1")[2].partition("?")[0]
    parts = path.strip("/").split("/")
    return "/".join("*" if len(part) == 36 else part for part in parts)


async def carried_on(office, doom, deed, lives):
    """Do it, falling after each of these numbers of steps, and starting again each time; then to the end."""
    falls = 0
    for steps in lives:
        doom.arm(steps)
        try:
            await deed()
        except Fallen:
            falls += 1
            await office.restart()
            continue
        break
    else:
        doom.left = None
        await deed()
    await office.restart()
    return falls


@pytest.mark.parametrize("several", [False, True])
async def test_one_move_and_its_undo_survive_a_fall_at_every_single_step(tmp_path, several):
    office = await Office(tmp_path, sandbox=SandboxSettings(several_groups=several)).start()
    one = number(142)
    office.sandbox.add_number(one, "One", group="Sales")
    doom = Doom(office)
    falls, steps = 0, 0
    while True:
        run = (await office.numbers.plan())["run"]
        if run is None:
            break
        fell = await carried_on(office, doom, lambda run=run: office.numbers.apply(run), [steps])
        assert office.groups() == {"Parked": [one], "Sales": []}, f"fallen after {steps} steps"
        assert await office.in_ledger() == {one: "Parked"}
        undone = await fallen_undo(office, doom, run, steps)
        assert office.groups() == {"Parked": [], "Sales": [one]}, f"undo fallen after {steps} steps"
        assert await office.in_ledger() == {one: "Sales"}
        falls += fell + undone
        steps += 1
        office.now += 8 * 86400.0
        await office.store.alive(now=office.now)
        await office.store.fill_outages(since=0.0, until=office.now)
        if not fell and not undone:
            break
    await office.stop()
    assert falls > 30
    for step in ("POST number-groups/*/members", "note_change", "begin_change", "settle_change", "move_run"):
        assert doom.hit[f"before {step}"], step
        assert doom.hit[f"after {step}"], step
    assert not several or doom.hit["after DELETE number-groups/*/members/*"]


async def fallen_undo(office, doom, run, steps):
    """Undo, falling once: what it had written down is carried on by the relay that starts next."""
    doom.arm(steps)
    try:
        await office.numbers.undo(run)
    except Fallen:
        await office.restart()
        await office.numbers.step()
        if not await office.store.number_runs(states=("done",), limit=1) or not await _undone(office, run):
            await office.numbers.undo(run)
        return 1
    await office.restart()
    return 0


async def _undone(office, run):
    return any(one.by == run and one.state == "done" for one in await office.store.number_runs(limit=100))


@pytest.mark.parametrize("several", [False, True])
async def test_many_moves_with_a_fall_every_few_steps_end_as_planned_and_undo_brings_all_back(tmp_path, several):
    office = await Office(tmp_path, sandbox=SandboxSettings(several_groups=several)).start()
    ours = [number(n) for n in range(100, 100 + MOVES)]
    for place, one in enumerate(ours):
        office.sandbox.add_number(one, one, group=("Sales", "Support", "Shop", None)[place % 4])
    await office.called(*ours[: MOVES // 2])
    before = {name: found for name, found in office.groups().items() if found}
    plan = await office.numbers.plan()
    run = plan["run"]
    assert len(plan["moves"]) == MOVES
    wanted = {move["number"]: move["to"] for move in plan["moves"]}
    doom = Doom(office)
    lives = list(itertools.islice(itertools.cycle(range(3, 64, 2)), 60))

    falls = await carried_on(office, doom, lambda: office.numbers.apply(run), lives)
    found = {one: [name for name, inside in office.groups().items() if one in inside] for one in ours}
    assert found == {one: [group] for one, group in wanted.items()}
    assert await office.in_ledger() == wanted

    async def undo():
        open_ones = await office.store.number_runs(states=("applying",))
        await (office.numbers.step() if open_ones else office.numbers.undo(run))

    doom.left = None
    falls += await carried_on(office, doom, undo, lives)
    assert {name: inside for name, inside in office.groups().items() if inside} == before
    at_first = {one: (("Sales", "Support", "Shop", None)[place % 4]) for place, one in enumerate(ours)}
    assert await office.in_ledger() == at_first
    assert not await office.store.number_runs(states=("applying", "stopped"))
    await office.stop()
    print(f"{falls} falls: {dict(doom.hit)}")  # noqa: T201 - the figures of the show
    assert falls > MOVES / 2


async def test_the_command_itself_killed_again_and_again_ends_as_planned(tmp_path, until):
    """A real process, a real kill: it dies while the phone system is being asked, at some places of forty moves."""
    office = Office(tmp_path)
    office.now = time.time()
    await office.start()
    ours = [number(n) for n in range(100, 140)]
    for one in ours:
        office.sandbox.add_number(one, one, group="Sales")
    run = (await office.numbers.plan())["run"]
    await office.close()
    (tmp_path / "relay.yaml").write_text(
        f"store: sqlite:///{tmp_path}/relay.db\n"
        "network: {allow: [127.0.0.1/32], allow_http: true}\n"
        f"callscaler: {{base_url: '{office.sandbox.url}/api/v1'}}\n"
        "regroup: {max_changes: 100, min_history: none}\n"
        "groups:\n- {name: Parked, if: {number.calls_30d: 0}}\n- {name: Main, default: true}\n"
    )
    environment = {**os.environ, "CALLSCALER_API_KEY": KEY, "RELAY_HOOK_SECRET": "false-secret-0001-0001-0001"}
    command = [*forked.relay(), "-c", str(tmp_path / "relay.yaml"), "numbers", "apply", run]
    kills = 0
    for _ in range(30):
        asked = len(office.sandbox.requests())
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - our own
        much = asked + 17 + 5 * kills
        await until(lambda p=process, n=much: len(office.sandbox.requests()) > n or p.poll() is not None)
        if process.poll() is not None:
            break
        holder = int((tmp_path / "relay.db.lock").read_text().split()[0])  # whoever stands for it ends after it
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)
        process.wait()
        kills += 1
    assert process.returncode == 0
    assert kills >= 3
    assert office.groups() == {"Parked": ours, "Sales": []}
    office.open()
    assert await office.in_ledger() == dict.fromkeys(ours, "Parked")
    await office.stop()
