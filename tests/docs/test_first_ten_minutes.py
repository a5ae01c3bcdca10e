"""docs/first-ten-minutes.md is typed again, and the screen must say what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import forked
from tests.patience import HUNG, PATIENCE
from tests.ports import free_port

PAGE = Path(__file__).parents[2] / "docs" / "first-ten-minutes.md"
README = PAGE.parents[1] / "README.md"
PORTS = ("8080", "8081", "9000")
SHIMS = {
    "relay": 'exec {relay} "$@"',
    # What make adds to the command is held by tests/packaging/test_make.py.
    "make": 'exec {relay} demo "${{3#ARGS=}}"',
}


PARTS = {"the demo": (0, 0), "a start of one's own": (1, 8), "live": (9, 10)}
"""What is typed in one folder: from which minute to which."""
START = 'relay init --name "Bright Plumbing" --timezone America/Chicago --yes'


def typed(first, last):
    """(command, expected lines) in the order of the page; no command where the service says more of itself."""
    minutes = re.split(r"^## Minute (\d+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    told = dict(zip(map(int, minutes[::2]), minutes[1::2], strict=True))
    text = "".join(told[minute] for minute in sorted(told) if first <= minute <= last)
    found = []
    for kind, block in re.findall(r"```(console|text)\n(.*?)```", text, re.DOTALL):
        if kind == "text":
            found.append(("", block.splitlines()))
            continue
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def fits(expected, shown):
    """Whether lines fit, where … stands for anything, and alone for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else ".*".join(re.escape(part) for part in line.split("…")) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in shown)) is not None


class Screen:
    """A folder, a shell's environment, and what runs in the background."""

    def __init__(self, folder, programs, ports):
        self.folder, self.ports = folder, ports
        programs.mkdir()
        for name, text in SHIMS.items():
            (programs / name).write_text(f"#!/bin/sh\n{text.format(relay=shlex.join(forked.relay()))}\n")
            (programs / name).chmod(0o755)
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "RELAY_LISTEN": f"127.0.0.1:{ports['8080']}",
            "RELAY_ADMIN": f"127.0.0.1:{ports['8081']}",
            "COLUMNS": "200",
        }
        self.running = {}
        self.told = {}

    def _as_typed_here(self, line):
        """The ports of the page as this run has them."""
        for shown, real in self.ports.items():
            line = line.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{real}").replace(f"--port {shown}", f"--port {real}")
        return line

    def _as_on_the_page(self, text):
        """The ports of this run as the page has them."""
        for shown, real in self.ports.items():
            text = text.replace(f"127.0.0.1:{real}", f"127.0.0.1:{shown}")
        return text.splitlines()

    def type(self, line):
        done = subprocess.run(
            ["sh", "-c", self._as_typed_here(line)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HUNG,
            check=False,
        )
        ended = [f"exit {done.returncode}"] if done.returncode else []
        return self._as_on_the_page(done.stdout) + ended

    def start(self, line, last):
        """What a program in the background says up to its line `last`; the same one again ends the first."""
        if line in self.running:
            self.stop(self.running.pop(line))
        log = self.folder / f"{line.split()[1]}.log"
        with log.open("w") as into:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {self._as_typed_here(line.removesuffix('&'))}"],
                cwd=self.folder,
                env=self.environment,
                stdout=into,
                stderr=into,
            )
        self.running[line] = process
        self.told[line] = 0
        return self.said(line, last)

    def said(self, line, last):
        """What a program in the background has said since it was last looked at, up to a line that fits `last`."""

        def found():
            lines = self._as_on_the_page((self.folder / f"{line.split()[1]}.log").read_text())
            return next((at for at, shown in enumerate(lines) if at >= self.told[line] and fits([last], [shown])), None)

        until = time.monotonic() + PATIENCE
        while (at := found()) is None:
            assert self.running[line].poll() is None, line
            assert time.monotonic() < until, line
            time.sleep(0.02)
        lines = self._as_on_the_page((self.folder / f"{line.split()[1]}.log").read_text())
        since, self.told[line] = self.told[line], at + 1
        return lines[since : at + 1]

    def stop(self, process):
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def screen(tmp_path):
    (tmp_path / "home").mkdir()
    it = Screen(tmp_path / "home", tmp_path / "programs", {port: free_port() for port in PORTS})
    yield it
    for process in it.running.values():
        it.stop(process)


def test_every_minute_is_typed():
    whole = PAGE.read_text(encoding="utf-8").count("\n$ ")
    parts = [typed(*minutes) for minutes in PARTS.values()]
    assert sum(bool(line) for part in parts for line, _ in part) == whole
    assert all(parts)


@pytest.mark.parametrize("part", PARTS)
def test_the_page_can_be_typed_as_it_stands(screen, part):
    if PARTS[part][0] > 2:
        screen.type(START)
    for line, expected in typed(*PARTS[part]):
        if not line:
            shown = screen.said("relay serve &", expected[-1])
        elif line.endswith("&"):
            shown = screen.start(line, expected[-1])
        else:
            shown = as_expected(screen, line, expected)
        assert fits(expected, shown), f"$ {line}\n" + "\n".join(shown)


def test_the_readme_shows_what_the_demo_says(screen):
    readme = README.read_text(encoding="utf-8")
    [block] = re.findall(r"^    \d+ events in .*\n(?:    .*\n)+", readme, re.MULTILINE)
    shown = [line.removeprefix("    ") for line in block.splitlines()]
    shown[0] = re.sub(r"in [\d.]+ s", "in … s", shown[0])
    said = screen.type("make -s demo ARGS=--once")
    assert fits(["…", shown[0], *shown[1:-1], "…", shown[-1]], said), "\n".join(said)


def as_expected(screen, line, expected):
    """What a command shows: at once, or for what is done behind the scenes, in the time that a person takes to look."""
    looks = line.startswith(("relay why", "relay refused", "relay texts"))
    until = time.monotonic() + (PATIENCE if looks else 0)
    while not fits(expected, shown := screen.type(line)) and time.monotonic() < until:
        pass
    return shown


@pytest.mark.parametrize(
    ("expected", "shown", "same"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a …"], ["a 12"], True),
        (["…", "b"], ["x", "y", "b"], True),
        (["…", "b"], ["x", "y"], False),
        (["a.c"], ["abc"], False),
    ],
)
def test_a_line_that_differs_is_noticed(expected, shown, same):
    assert fits(expected, shown) is same
