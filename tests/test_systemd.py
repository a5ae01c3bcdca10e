"""What systemd is told, on a socket like its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from relay.systemd import Systemd
from tests import forked
from tests.patience import PATIENCE

FILE = """\
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
rules: []
"""


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path):
    """The receiving end; its address as systemd names it."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@relay-test-{os.getpid()}-{id(request)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as it:
        it.bind(name.replace("@", "\0"))
        it.settimeout(PATIENCE)
        yield it, name


def told(it):
    return it.recv(4096).decode().split("\n")


def test_a_start_a_reload_and_an_end_are_told(manager):
    it, name = manager
    systemd = Systemd({"NOTIFY_SOCKET": name})
    systemd.ready("working")
    assert told(it) == ["READY=1", "STATUS=working"]
    systemd.reloading()
    first, clock, _ = told(it)
    assert (first, clock.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    assert clock.partition("=")[2].isdigit()
    systemd.stopping()
    assert told(it)[0] == "STOPPING=1"
    systemd.status("two\nlines")
    assert told(it) == ["STATUS=two lines"]


async def test_signs_of_life_come_twice_as_often_as_asked_and_end_when_there_is_nothing_to_say(manager):
    it, name = manager
    systemd = Systemd({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": str(os.getpid())})
    assert systemd.watchdog == 0.2
    said = iter(["working", "working", None, None])
    done = asyncio.Event()

    def status():
        found = next(said, "end")
        if found == "end":
            done.set()
            return None
        return found

    task = asyncio.get_running_loop().create_task(systemd.watch(status))
    await asyncio.wait_for(done.wait(), PATIENCE)
    task.cancel()
    it.setblocking(False)
    heard = []
    while True:
        try:
            heard += told(it)
        except BlockingIOError:
            break
    assert heard == ["WATCHDOG=1", "STATUS=working", "WATCHDOG=1"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "@nobody-listens-here"}],
)
def test_where_nobody_listens_nothing_happens(environment):
    systemd = Systemd(environment)
    systemd.ready("working")
    systemd.stopping()
    assert systemd.watchdog is None


@pytest.mark.parametrize("usec", ["", "0", "-5", "soon", "٣"])
def test_a_watchdog_that_is_none_is_not_fed(usec):
    assert Systemd({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": usec}).watchdog is None


def test_a_watchdog_of_another_process_is_not_fed():
    assert Systemd({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}).watchdog is None


def test_a_service_tells_its_whole_life(manager, tmp_path):
    it, name = manager
    path = tmp_path / "relay.yaml"
    path.write_text(FILE)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "NOTIFY_SOCKET": name}
    environment |= {"RELAY_HOOK_SECRET": "false-secret-0001-0001", "WATCHDOG_USEC": "60000000"}
    process = subprocess.Popen([*forked.relay(), "-c", str(path), "serve"], env=environment, stderr=subprocess.DEVNULL)

    def until(word):
        while word not in (heard := told(it)):
            assert heard
        return heard

    try:
        assert "STATUS=working, 0 rules" in until("READY=1")
        until("WATCHDOG=1")
        process.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        until("READY=1")
        process.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
