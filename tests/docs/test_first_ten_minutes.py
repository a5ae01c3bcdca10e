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

from tests.patience import PATIENCE
from tests.ports import free_port

PAGE = Path(__file__).parents[2] / "docs" / "first-ten-minutes.md"


def typed():
    """(command, expected lines) in the order of the page."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
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

    def __init__(self, folder, ports):
        self.folder, self.ports = folder, ports
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "RELAY_LISTEN": f"127.0.0.1:{ports['8080']}",
            "RELAY_ADMIN": f"127.0.0.1:{ports['8081']}",
            "COLUMNS": "200",
        }
        self.running = []

    def _command(self, line):
        words = shlex.split(line)
        return [sys.executable, "-m", "relay", *words[1:]] if words[0] == "relay" else words

    def as_on_the_page(self, text):
        """The ports of this run as the page has them."""
        for shown, real in self.ports.items():
            text = text.replace(f"127.0.0.1:{real}", f"127.0.0.1:{shown}")
        return text.splitlines()

    def type(self, line):
        done = subprocess.run(
            self._command(line),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        ended = [f"exit {done.returncode}"] if done.returncode else []
        return self.as_on_the_page(done.stdout + done.stderr) + ended

    def start(self, line, last):
        log = self.folder / "served"
        with log.open("w") as into:
            process = subprocess.Popen(
                self._command(line.removesuffix("&")), cwd=self.folder, env=self.environment, stdout=into, stderr=into
            )
        self.running.append(process)
        until = time.monotonic() + PATIENCE
        while last not in (shown := self.as_on_the_page(log.read_text())):
            assert process.poll() is None, shown
            assert time.monotonic() < until, shown
            time.sleep(0.02)
        return shown[: shown.index(last) + 1]


@pytest.fixture
def screen(tmp_path):
    it = Screen(tmp_path, {"8080": free_port(), "8081": free_port()})
    yield it
    for process in it.running:
        process.terminate()
        process.wait(PATIENCE)


def test_the_page_can_be_typed_as_it_stands(screen):
    commands = typed()
    assert len(commands) > 10
    for line, expected in commands:
        shown = screen.start(line, expected[-1]) if line.endswith("&") else screen.type(line)
        if line.startswith("relay send"):
            settle(screen)
        assert fits(expected, shown), f"$ {line}\n" + "\n".join(shown)


def settle(screen):
    """Wait until what was sent is planned and delivered, as a person would have by then."""
    until = time.monotonic() + PATIENCE
    while not any("delivered at" in line for line in screen.type("relay why last")):
        assert time.monotonic() < until


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
