"""What tests start ends with them, also where they are killed: no server is left behind, and no folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.kept import keep
from tests.patience import PATIENCE
from tests.postgres import serving

ROOT = Path(__file__).parents[1]
STARTS_ONE = """\
from tests.postgres import Server
server = Server()
server.start()
print(server.folder, flush=True)
input()
"""


def start_a_run() -> tuple[subprocess.Popen[bytes], Path]:
    """A process that has started a server; answers the server's folder."""
    run = subprocess.Popen([sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return run, Path(run.stdout.readline().decode().strip())


def left_of(folder: Path) -> list[str]:
    """What still runs in a folder, or is there."""
    words = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [line for line in words if str(folder) in line] + [
        str(path) for path in (folder, folder / "data") if path.exists()
    ]


async def test_a_run_that_is_killed_leaves_neither_its_server_nor_the_servers_folder(until):
    run, folder = start_a_run()
    with run:
        assert left_of(folder)
        run.kill()
    await until(lambda: not left_of(folder))


def test_a_server_that_is_stopped_is_there_again_and_then_gone_with_its_keeper():
    with serving() as server:
        server.stop()
        assert left_of(server.folder) == [str(server.folder), str(server.data)]
        server.start()
        assert len(left_of(server.folder)) >= 4, "with a server and its keeper"
    assert left_of(server.folder) == []


def test_a_keeper_ends_as_its_program_ended(tmp_path):
    kept = keep([sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"], tmp_path, {}, {})
    assert kept.wait(PATIENCE) == 3
    kept.stdin.close()
    assert tmp_path.exists(), "it ended by itself, and whoever started it is still there"


def test_a_run_in_the_background_ends_its_servers_too(tmp_path):
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as a shell does that runs `make test &`
    try:
        kept = keep([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"], tmp_path, {}, {})
    finally:
        signal.signal(signal.SIGQUIT, before)
    kept.communicate(timeout=PATIENCE)
    assert not tmp_path.exists()
