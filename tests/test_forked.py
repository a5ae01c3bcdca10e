"""A command that is forked is as good as one that was started: its files, folder, exit code, and its death."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests import forked
from tests.patience import PATIENCE

FILE = 'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
ENVIRONMENT = {"PATH": os.environ["PATH"], "RELAY_HOOK_SECRET": "false-secret-0001-0001-0001"}


def run(*words, **options):
    return subprocess.run(
        [*forked.relay(), *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        **options,
    )  # fmt: skip


def test_words_folder_output_and_exit_code_are_handed_on(tmp_path):
    (tmp_path / "here.yaml").write_text("nonsense: 1\n")
    done = run("-c", "here.yaml", "check", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout.startswith("here.yaml:1:1: `nonsense`")
    assert run("--version").stdout == run("--version").stdout != ""
    assert run("surve").returncode == 2


@pytest.fixture
def service(tmp_path):
    """A client whose command serves, and the process that the command really is."""
    (tmp_path / "relay.yaml").write_text(FILE)
    command = [*forked.relay(), "-c", str(tmp_path / "relay.yaml"), "serve"]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as client:
        while "admin on" not in client.stderr.readline():
            assert client.poll() is None
        yield client, int((tmp_path / "relay.db.lock").read_text().splitlines()[0])
        client.kill()


def alive(process):
    """Whether a process runs: one that has ended and waits to be asked for its exit code does not."""
    with contextlib.suppress(OSError):
        return re.search(r"\) (\w)", Path(f"/proc/{process}/stat").read_text())[1] != "Z"
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_a_signal_reaches_it_and_it_ends_in_its_own_way(service, number, code):
    client, process = service
    assert process != client.pid
    client.send_signal(number)
    assert client.wait(PATIENCE) == code
    assert not alive(process)


def test_it_ends_for_the_caller_as_it_ended(service):
    client, process = service
    os.kill(process, signal.SIGKILL)
    assert client.wait(PATIENCE) == -signal.SIGKILL


async def test_whoever_kills_the_client_has_killed_it(service, until):
    client, process = service
    client.kill()
    await until(lambda: not alive(process))
