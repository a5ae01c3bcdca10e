"""`relay watch`: lines where there is no terminal, a list with keys where there is one; `relay completion`."""

import asyncio
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.cli.watching import Line, Screen, changed, typed
from relay.hours import Business
from relay.store.sqlite import SqliteStore
from tests import forked
from tests.patience import PATIENCE
from tests.store.ledger import NOW, accept, event, owe, owed

LINES = tuple(Line(f"evt_{n}", n, NOW, "Missed", f"Caller {n}", "(312) 555-0142", "texted back") for n in (3, 2, 1))


@pytest.fixture
def filled(tmp_path):
    """The address of a ledger with two calls."""

    async def fill():
        ledger = SqliteStore(tmp_path / "watched.db")
        await accept(ledger, event("c1", caller_name="Dana Example"), event("c2", "call.completed"))
        await ledger.close()

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/watched.db"


async def owing(address):
    """Have the ledger's third call owe something."""
    ledger = SqliteStore(Path(address.removeprefix("sqlite:///")))
    await owe(ledger, owed("log"))
    await ledger.close()


def test_what_there_is_is_said_oldest_first(filled, run):
    done = run("watch", "--once", "--store", filled)
    first, second = done.out.splitlines()
    assert done.code == 0
    assert re.fullmatch(r"16:00:00  Missed      Dana Example \(312\) 555-0101 +not judged yet", first)
    assert "Answered" in second


def test_where_nothing_came_in_it_says_what_will_be_seen_here_and_how_to_try_it(tmp_path, run):
    async def make():
        await SqliteStore(tmp_path / "empty.db").close()

    asyncio.run(make())
    done = run("watch", "--once", "--store", f"sqlite:///{tmp_path}/empty.db")
    assert (done.code, done.out) == (0, "")
    assert "nothing came in yet: each call is shown here as it comes" in done.err
    assert "`relay send missed-call`" in done.err
    assert run("watch", "--once", "--json", "--store", f"sqlite:///{tmp_path}/empty.db").out == ""


def test_as_json_each_event_is_a_line(filled, run):
    done = run("watch", "--once", "--json", "--store", filled)
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [one["kind"] for one in told] == ["Missed", "Answered"]
    assert set(told[0]) == {"event", "at", "kind", "caller", "number", "done"}


def test_a_line_is_told_again_when_something_was_done_about_it():
    before = {line.id: line for line in LINES}
    later = Line("evt_2", 2, NOW, "Missed", "Caller 2", "", "1 failed")
    newer = Line("evt_4", 4, NOW, "Missed", "Caller 4", "", "")
    assert changed(before, (newer, LINES[0], later, LINES[2])) == [later, newer]
    assert changed(before, LINES) == []


def press(screen, *keys):
    asked = []
    for key in keys:
        screen, replay = screen.pressed(key)
        asked += [replay] if replay else []
    return screen, asked


def test_keys_walk_through_the_list_and_stay_on_their_event_while_others_come():
    screen, _ = press(Screen(LINES), "j", "\x1b[B", "j")
    assert screen.pointed == "evt_1"
    screen, _ = press(screen, "k")
    newer = Line("evt_9", 9, NOW, "Missed", "Caller 9", "", "")
    assert screen.fresh((newer, *LINES)).pointed == "evt_2"
    assert press(screen, "\r")[0].opened == "evt_2"
    assert press(screen, "\r", "\r")[0].opened is None
    assert press(screen, "\r", "j")[0].opened == "evt_1"
    assert press(screen, "\r", "\x1b")[0].opened is None
    assert press(screen, "q")[0].over
    assert press(Screen(), "j", "k", "r")[0].pointed is None


def test_keys_that_come_at_once_are_told_apart():
    assert typed("j\x1b[B\x1b[A\rq") == ["j", "\x1b[B", "\x1b[A", "\r", "q"]


def test_a_replay_is_asked_for_twice():
    screen, asked = press(Screen(LINES), "j", "r")
    assert (screen.asking, asked) == ("evt_2", [])
    assert press(screen, "n")[1] == []
    assert press(screen, "q")[0].over is False, "whatever is not yes is no"
    assert press(screen, "y")[1] == ["evt_2"]


def test_times_of_lines_are_the_business_s():
    assert LINES[0].text(Business("America/Chicago")).startswith("10:00:00  Missed")


def test_on_a_terminal_the_story_opens_and_q_ends_it(filled, folder):
    asyncio.run(owing(filled))
    main, beside = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    environment |= {"COLUMNS": "100", "LINES": "40", "RELAY_HOOK_SECRET": "false-secret-0001-0001"}
    at = ["--store", filled, "-c", str(folder / "relay.yaml")]
    process = subprocess.Popen(
        [*forked.relay(), "watch", *at], stdin=beside, stdout=beside, stderr=beside, env=environment
    )
    os.close(beside)
    seen = ""

    def until(words):
        nonlocal seen
        end = time.monotonic() + PATIENCE
        while words not in seen:
            assert time.monotonic() < end, seen
            if select.select([main], [], [], 0.1)[0]:
                seen += os.read(main, 65536).decode("utf-8", "replace")

    try:
        until("Dana Example")
        until("enter story")
        os.write(main, b"jj\r")
        until("call c1")
        os.write(main, b"kk")
        until("→ step 1  send team  due")
        os.write(main, b"r")
        until("replay this event?")
        os.write(main, b"n")
        until("not replayed")
        os.write(main, b"q")
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_is_told_how_to_complete(run, shell):
    done = run("completion", shell)
    assert done.code == 0
    assert "_RELAY_COMPLETE" in done.out
    assert "completion" in done.err


def test_a_zsh_without_a_completion_of_its_own_begins_one(run):
    first, second, *_ = run("completion", "zsh").out.splitlines()
    assert first == "#compdef relay"
    assert second == "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"


def test_a_shell_that_nobody_knows_is_refused(run):
    assert run("completion", "tcsh").code == 2


@pytest.mark.parametrize(("typed", "found"), [("dash", set()), ("whoo", set()), ("wa", {"watch"}), ("re", {"replay"})])
def test_commands_are_completed(process, typed, found):
    done = process(_RELAY_COMPLETE="bash_complete", COMP_WORDS=f"relay {typed}", COMP_CWORD="1")
    told = {line.partition(",")[2] for line in done.out.splitlines() if line}
    assert found <= told
    assert bool(found) is bool(told)


def test_a_pipe_gets_whole_ids_in_one_line(filled, process):
    done = process("events", "--store", filled)
    assert [line for line in done.out.splitlines() if "evt_callscaler_c1_call.missed" in line]
    assert "\x1b[" not in done.out
